/* SPDX-License-Identifier: MIT
 *
 * Admission: may this client come in?
 *
 * The lists and limits of its server are asked in turn; whoever is refused never reaches the
 * handler, and is counted by the reason.
 */
#ifndef PRONGD_ADMISSION_H
#define PRONGD_ADMISSION_H

#include <stdbool.h>

#include "drop.h"

struct prong_socket;
struct service;

/* Of a client that was accepted just now.  False: it is refused and its socket is gone. */
bool admission_admit(struct service *service, struct prong_socket *socket);

/* Sends away a client that the handler does not know yet, and counts it by the reason. */
void admission_refuse(struct service *service, struct prong_socket *socket,
                      enum drop_reason reason);

/* The library closed one itself, for want of descriptors or of memory. */
void admission_note_drop(struct service *service, enum drop_reason reason);

/* One that came from another worker: is it still wanted, by `enforce = established`?  False: it is
 * about to be closed. */
bool admission_keep(struct service *service, struct prong_socket *socket);

#endif
