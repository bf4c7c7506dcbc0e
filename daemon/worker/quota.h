/* SPDX-License-Identifier: MIT
 *
 * Quotas: how many connections a server and each network of its clients may have, and how many a
 * network may open in a second, over all workers and generations.
 *
 * A connection that counts holds a share of each limit of its server until it is closed.  One that
 * moves is counted by its taker before its giver gives the share up, so that no moment is free for
 * somebody else.
 */
#ifndef PRONGD_QUOTA_H
#define PRONGD_QUOTA_H

#include <stdbool.h>
#include <stddef.h>

#include "drop.h"

struct prong_socket;
struct record;
struct service;
struct share;

/* A share of the server, and one of the client's network. */
#define QUOTAS 2

/* The share of the server that the next client to be admitted has: taken before it is accepted.
 * DROP_NONE, or the limit that it would be over: there is none then.  Harmless when there is one
 * already. */
enum drop_reason quota_reserve(struct service *service);

/* Nobody came for it.  False: there was none. */
bool quota_give_reserved(struct service *service);

/* It is the socket's, which is admitted later, or never: then quota_leave_place() gives it back.
 * Both are harmless when there is none. */
void quota_take_place(struct service *service, struct prong_socket *socket);
void quota_leave_place(struct service *service, struct prong_socket *socket);

/* Would max_connections allow one more? */
bool quota_has_room(const struct service *service);

/* Takes shares for a new client.  DROP_NONE, or the limit that it is over: it has none then. */
enum drop_reason quota_admit(struct service *service, struct prong_socket *socket);

/* Takes them although the limits say no, as `shadow` wants it, and for a connection that came from
 * another worker.  Takes those that a record has. */
void quota_count(struct service *service, struct prong_socket *socket, struct record *record);

/* The connection leaves: `record` has its shares now. */
void quota_leave(struct service *service, struct prong_socket *socket, struct record *record);

/* Gives the shares back.  Harmless on one that has none. */
void quota_release(struct service *service, struct prong_socket *socket);

/* Gives back what a record has. */
void quota_give(struct share *shares[QUOTAS]);

/* Every second. */
void quota_sweep(const struct service *service);

#endif
