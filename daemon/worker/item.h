/* SPDX-License-Identifier: MIT
 *
 * Items of a service's handler: what <prongd/service.h> says of prongd_item_….
 */
#ifndef PRONGD_ITEM_H
#define PRONGD_ITEM_H

struct service;

/* The worker sends nobody new anywhere from now on. */
void item_leave_all(struct service *service);

#endif
