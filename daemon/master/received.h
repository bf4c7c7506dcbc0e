/* SPDX-License-Identifier: MIT
 *
 * What systemd started us with: handles of its socket units, and those that the last master left in
 * the descriptor store.
 */
#ifndef PRONGD_RECEIVED_H
#define PRONGD_RECEIVED_H

struct config;
struct listeners;

/* Adopts the handles of socket units, and the stored ones that fit an address of `config`; gives up
 * the others.  Once, before anything is taken. */
void received_adopt(struct listeners *listeners, const struct config *config);

#endif
