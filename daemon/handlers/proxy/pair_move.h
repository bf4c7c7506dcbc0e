/* SPDX-License-Identifier: MIT
 *
 * Moving a pair to another worker: the client, the upstream and the pipes with what is in them are
 * one record.
 *
 * A pair that is being connected is waited for; when that takes longer than handoff_timeout it
 * stays with its worker, which ends after it.
 */
#ifndef PRONGD_PAIR_MOVE_H
#define PRONGD_PAIR_MOVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prong_socket;
struct prongd_companion;
struct prongd_limit;

#define PAIR_STATE_VERSION 1

/* The handler's members of these names, see <prongd/handler.h>. */
bool pair_can_move(struct prong_socket *client);
long pair_save(struct prong_socket *client, void *bytes, size_t size);
int pair_restore(struct prong_socket *client, const void *bytes, size_t size, uint32_t version);
void pair_leave(void *state);
size_t pair_companions(struct prong_socket *client, struct prongd_companion *list);
int pair_adopt(struct prong_socket *client, const struct prongd_companion *list, size_t count);
struct prongd_limit *pair_limit(struct prong_socket *client);

#endif
