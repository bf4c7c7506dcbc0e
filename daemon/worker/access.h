/* SPDX-License-Identifier: MIT
 *
 * The access log of a server in one worker: what is noted of its connections while they live, and
 * the line that is written when one ends.
 *
 * Every connection has one line, written by the worker that it ends in; a move is none.  Where a
 * server has no access log, service->access is NULL and all of these do nothing but count.
 */
#ifndef PRONGD_ACCESS_H
#define PRONGD_ACCESS_H

#include <stddef.h>

#include "access_end.h"
#include "drop.h"

struct access;
struct ev_loop;
struct prong_drop;
struct prong_socket;
struct record;
struct service;

/* Gives service->access its value.  Takes `fd` (-1: none).  0 or -ENOMEM. */
int access_open(struct service *service, struct ev_loop *loop, int fd);

/* Writes what waits. */
void access_close(struct service *service);

/* Takes `fd`: the file, opened anew. */
void access_reopen(struct service *service, int fd);

/* Lines that were lost, since the worker began. */
unsigned long long access_lost(const struct service *service);

/* --- The life of a connection --- */

void access_opened(struct service *service, struct prong_socket *socket);

/* Who ends it, before that happens; what the worker ends is counted by its reason.  The first who
 * is noted stays, but that the client ended its side is worth less than anything else. */
void access_note(struct prong_socket *socket, enum access_end end);

/* The service ends all of its connections now. */
void access_note_all(struct service *service, enum access_end end);

/* It closes with this error: on_error, and on_close is next. */
void access_note_error(struct service *service, int code);

/* It closes, and its handler still knows what it was. */
void access_describe(struct service *service, struct prong_socket *socket);

/* It has closed. */
void access_write(struct service *service, struct prong_socket *socket);

/* A client that was not let in: one with a socket, and one that never got any. */
void access_refused(struct service *service, struct prong_socket *socket, enum drop_reason reason);
void access_dropped(struct service *service, const struct prong_drop *drop,
                    enum drop_reason reason);

/* --- Moves --- */

/* The record gets the trail, with this worker as its last step; whether there is a log or not. */
void access_leave(const struct service *service, struct prong_socket *socket,
                  struct record *record);
void access_arrive(const struct service *service, struct prong_socket *socket,
                   const struct record *record);

#endif
