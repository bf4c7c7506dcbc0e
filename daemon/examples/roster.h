/* SPDX-License-Identifier: MIT
 *
 * roster: who is in the chat, in all workers, with name and room.
 *
 * A table of fixed size in the memory that the workers of the server share.  A worker keeps the
 * seats of its users warm; when it is killed they grow cold, and go to others after a while.
 */
#ifndef CHAT_ROSTER_H
#define CHAT_ROSTER_H

#include <prongd/service.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_SIZE 24 /* of users and rooms, with the NUL */

#define ROSTER_SEATS     4096
#define ROSTER_COLD_S    30 /* then a seat is free */
#define ROSTER_REFRESH_S 5

/* The handler's shared_size. */
#define ROSTER_SIZE ((size_t)ROSTER_SEATS * 64)

/* Takes a seat for the user with this number.  The seat; -EEXIST: somebody in the chat has that
 * name; -ENOSPC: every seat is taken; -EBUSY: try again. */
int roster_enter(struct prongd_service *service, uint64_t user, const char *name, const char *room);

/* The user goes to another room. */
void roster_move(struct prongd_service *service, int seat, uint64_t user, const char *room);

/* The user is still here. */
void roster_refresh(struct prongd_service *service, int seat, uint64_t user);

void roster_leave(struct prongd_service *service, int seat, uint64_t user);

/* The names of those in the room, each behind a space, as many as fit.  Returns `text`. */
const char *roster_list(struct prongd_service *service, const char *room, char *text, size_t size);

#endif
