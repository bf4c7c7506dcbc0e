/* SPDX-License-Identifier: MIT
 *
 * Companions: what else belongs to a connection and moves together with its client.
 *
 * A relay's upstream with the pipes between them, a child's descriptors.  The handler knows them
 * (`companions` and `adopt` in <prongd/handler.h>); here they leave and arrive.
 */
#ifndef PRONGD_COMPANIONS_H
#define PRONGD_COMPANIONS_H

#include <stddef.h>

struct prong_loop;
struct prong_socket;
struct prongd_handler;
struct record;

/* How many descriptors the connection has, its client's included. */
size_t companions_descriptors(const struct prongd_handler *handler, struct prong_socket *socket);

/* Takes the client and its companions off their loop and gives them to the record: all, or with a
 * negative code none. */
int companions_leave(const struct prongd_handler *handler, struct prong_socket *socket,
                     struct record *record);

/* Makes sockets of the record's companions and gives them to the handler; the record has none
 * afterwards.  With a negative code they are the record's again. */
int companions_arrive(const struct prongd_handler *handler, struct prong_socket *socket,
                      struct record *record);

/* From here on they read and write. */
void companions_start(const struct prongd_handler *handler, struct prong_socket *socket);

#endif
