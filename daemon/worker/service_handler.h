/* SPDX-License-Identifier: MIT
 *
 * The handler of a service: its code, its configuration, its beginning and its end.
 */
#ifndef PRONGD_SERVICE_HANDLER_H
#define PRONGD_SERVICE_HANDLER_H

struct inherited_common;
struct service;

/* Loads a module; of a handler that is built in, takes it as it is.  After service_init(), before
 * service_adopt(), with the master's rights still: /proc may not be in the worker's root.
 * 0, or a negative code; the log says why. */
int service_load(struct service *service);

/* Opens the memory that the server's workers share, if they do.  Takes its descriptors.  When
 * service_load() may be called.  0, or a negative code; the log says why. */
int service_open_commons(struct service *service, struct inherited_common *common);

/* Calls configure, of a module, and start: with the worker's own rights.  0, or a negative code;
 * the log says why. */
int service_start(struct service *service);

/* Calls stop, if it was started. */
void service_end(struct service *service);

/* Frees what service_load() made; harmless on one that was not loaded. */
void service_unload(struct service *service);

#endif
