/* SPDX-License-Identifier: MIT
 *
 * What a process must be like that starts programs.
 */
#ifndef PRONGD_PROCESS_H
#define PRONGD_PROCESS_H

/* Signals that are not for the keeper are blocked, and none is ignored: programs would ignore it,
 * too.  Once all handlers are set; SIGCHLD and those of crashes get through. */
void process_set_signals(void);

/* Opens /dev/null for each of the standard streams that is closed: a connection must not be one
 * already when it is made one for a program. */
void process_fill_streams(void);

#endif
