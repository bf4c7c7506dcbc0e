/* SPDX-License-Identifier: MIT
 *
 * Telling the service manager (sd_notify(3)): ready, reloading, stopping, how many workers and
 * connections, and that it is alive, which is true only while its workers are.
 */
#ifndef PRONGD_NOTIFY_H
#define PRONGD_NOTIFY_H

struct master;
struct notify;

/* NULL with errno ENOMEM. */
struct notify *notify_new(struct master *master);

/* The start, or the take-over of another program's service, begins. */
void notify_start(struct notify *notify);

/* The workers accept. */
void notify_ready(struct notify *notify);

/* The start failed, for the reason in `why`.  Waits until that is read. */
void notify_failed(struct notify *notify, const char *why);

/* A reload begins, and has come to its end: `why` it was refused, or NULL. */
void notify_reloading(struct notify *notify);
void notify_reloaded(struct notify *notify, const char *why);

void notify_stopping(struct notify *notify);

/* Accepts NULL.  Tells nothing: also for a child. */
void notify_free(struct notify *notify);

#endif
