/* SPDX-License-Identifier: MIT
 *
 * Searches: the way of a client to its upstream, over as many upstreams as it takes.
 *
 * The client is paused meanwhile.  When an attempt fails the next upstream is tried, until there is
 * none left or connect_timeout is over; then the client is closed.  A client that resets its
 * connection ends its attempt; one that only ends what it sends does not.
 */
#ifndef PRONGD_SEARCHES_H
#define PRONGD_SEARCHES_H

struct search;
struct searches;
struct prong_socket;
struct prongd_service;
struct upstreams;

/* Those of one server in one worker.  Borrows both.  NULL with errno. */
struct searches *searches_new(struct prongd_service *service, struct upstreams *upstreams);

/* Accepts NULL.  None may be under way. */
void searches_free(struct searches *searches);

/* Connects a NEW client: the pair becomes OPEN, or the client is destroyed, perhaps at once. */
void searches_begin(struct prong_socket *client);

/* The client is gone.  Frees it. */
void search_cancel(struct search *search);

#endif
