/* SPDX-License-Identifier: MIT
 *
 * HTTP on one listening handle, by libmicrohttpd: /, /status.json, /metrics, /healthz, /readyz.
 */
#ifndef PRONGD_HTTP_H
#define PRONGD_HTTP_H

struct ev_loop;
struct http;
struct snapshot;

/* Borrows loop and snapshot, takes `fd`, a listening socket, in every case.  NULL with errno. */
struct http *http_new(struct ev_loop *loop, int fd, const struct snapshot *snapshot);

/* Accepts NULL. */
void http_free(struct http *http);

#endif
