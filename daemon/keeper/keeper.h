/* SPDX-License-Identifier: MIT
 *
 * The keeper's process: runs the programs of one server whose handler is exec.
 *
 * Workers send it connections, each with one message over a socket that all workers of all
 * generations share; it starts a program for each, waits for its end, and writes it down.  It is
 * the subreaper: what a program leaves behind is buried here, too.  It reads no byte of a client,
 * and outlives workers, reloads and upgrades of the master.
 */
#ifndef PRONGD_KEEPER_H
#define PRONGD_KEEPER_H

struct keeping;

/* Runs programs until the master retires it and the last one has ended.  Takes `keeping`.  Returns
 * the exit status. */
int keeper_run(struct keeping *keeping);

#endif
