/* SPDX-License-Identifier: MIT
 *
 * What a worker does for a handler.
 *
 * These functions are exported by the program prongd: a module links nothing to have them, nor for
 * those of <prong/...>.  All but prongd_post() are for the worker's own thread, which runs
 * the callbacks.  Timers are those of <prong/timer.h>, with prongd_loop().
 */
#ifndef PRONGD_SERVICE_API_H
#define PRONGD_SERVICE_API_H

#include <prong/api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

PRONG_BEGIN

/* Seen by modules; everything else of prongd is hidden. */
#define PRONGD_API __attribute__((visibility("default")))

struct prong_loop;
struct prong_socket;

/* --- A connection: a socket that on_connection or restore was called with. --- */

/* The handler's own bytes (state_size); NULL when that is 0. */
PRONGD_API void *prongd_state(struct prong_socket *socket);

/* What the handler's rows filled for this server; NULL when config_size is 0. */
PRONGD_API const void *prongd_config(struct prong_socket *socket);

/* The connection's number: unique in the whole service, and the same over every move. */
PRONGD_API uint64_t prongd_connection_id(struct prong_socket *socket);

/* --- A service: one [server NAME] section in this worker. --- */

struct prongd_service;

PRONGD_API struct prongd_service *prongd_service(struct prong_socket *socket);

/* The section's NAME, without "server". */
PRONGD_API const char *prongd_service_name(const struct prongd_service *service);

/* As prongd_config(). */
PRONGD_API const void *prongd_service_config(const struct prongd_service *service);

/* The worker's loop, for timers and for connections of the handler's own.  What was made on it is
 * freed in stop(). */
PRONGD_API struct prong_loop *prongd_loop(const struct prongd_service *service);

/* A pointer of the handler's own for this service; NULL at first. */
PRONGD_API void prongd_service_set_user(struct prongd_service *service, void *user);
PRONGD_API void *prongd_service_user(const struct prongd_service *service);

/* Calls `visit` for each connection of this service in this worker until it returns false; any may
 * be destroyed.  Left out are those whose on_connection has not returned yet and those that are on
 * their way from another worker. */
PRONGD_API void prongd_each_connection(struct prongd_service *service,
                                       bool (*visit)(struct prong_socket *socket, void *user),
                                       void *user);

/* --- Limits over all workers: how many there may be of something, exactly. --- */

struct prongd_limit;

/* What is counted under this name for this server: the same in every worker and generation.
 * NULL with errno ENOMEM. */
PRONGD_API struct prongd_limit *prongd_limit_new(struct prongd_service *service, const char *name);

/* Accepts NULL.  What this worker has taken was given back. */
PRONGD_API void prongd_limit_free(struct prongd_limit *limit);

/* One more, unless all workers together have `most` already; with 0 it is only counted.  What a
 * worker that dies has taken is given back by the master.  A connection that moves takes one in
 * its new worker, with 0: see `limit` in <prongd/handler.h>.
 * 0; -EDQUOT: there are so many; -ENOSPC: there is no room to count. */
PRONGD_API int prongd_limit_take(struct prongd_limit *limit, uint64_t most);

/* One less.  Of those that this worker has taken. */
PRONGD_API void prongd_limit_give(struct prongd_limit *limit);

/* How many all workers have.  Costs about a microsecond. */
PRONGD_API uint64_t prongd_limit_sum(const struct prongd_limit *limit);

/* Adds `number` to the counter that stands in place `counter` of the handler's counters; of a place
 * that is not there, nothing.  Two loads and a store: good for every message. */
PRONGD_API void prongd_count(struct prongd_service *service, size_t counter, uint64_t number);

/* --- Items: what all workers of a server know of the things that the handler deals with. --- */

struct prongd_item;

/* The item with this name (an upstream's address), the same one in every worker and generation, for
 * a handler that has `item_kind` and `figures` (<prongd/handler.h>).  `origin`: what the
 * configuration calls it, and `prongctl drain` takes, where that is something else; NULL: its name.
 * Both are copied; operators see 127 bytes of them.  It is in use (prongd_item_use()).  Where there
 * is no room for it among those that all workers see, which the log tells once, this worker has one
 * of its own, and everything works with that.  Costs a few microseconds: keep it.
 * NULL with errno ENOMEM. */
PRONGD_API struct prongd_item *prongd_item_new(struct prongd_service *service, const char *name,
                                               const char *origin);

/* Accepts NULL.  Its figures stay for those that have it, and for who has it again. */
PRONGD_API void prongd_item_free(struct prongd_item *item);

/* The figure in this place of the handler's `figures`; of one that is not there 0, and nothing. */
PRONGD_API uint64_t prongd_item_get(const struct prongd_item *item, size_t figure);
PRONGD_API void prongd_item_set(struct prongd_item *item, size_t figure, uint64_t value);

/* Adds to it; what it is then.  Exact, however many workers do so at the same moment. */
PRONGD_API uint64_t prongd_item_add(struct prongd_item *item, size_t figure, uint64_t number);

/* Makes it `value` if it is `expected`: of several workers that do so at the same moment one
 * succeeds, and the others are told false. */
PRONGD_API bool prongd_item_replace(struct prongd_item *item, size_t figure, uint64_t expected,
                                    uint64_t value);

/* Whether this worker would send somebody new there.  An item that no worker uses is shown as
 * "retired" until nobody has it any more.  A worker that leaves uses none. */
PRONGD_API void prongd_item_use(struct prongd_item *item, bool uses);

/* An operator has drained it, or has not: it is shown so.  See `drain` in <prongd/handler.h>. */
PRONGD_API void prongd_item_set_drained(struct prongd_item *item, bool drained);

/* --- All workers of a server --- */

/* Says something to all workers of this server and their connections: on_broadcast and on_message
 * in <prongd/handler.h>.  Borrows the bytes for the call.  Costs two system calls, and one more in
 * each turn of the loop in which something was published.
 * 0; -EMSGSIZE: more than 64 KiB, or than a quarter of `broadcast_buffer`; -EBUSY: a worker that
 * does not run any more held it for two seconds, or, from then on until it is free, for a moment;
 * -ENOTSUP: this handler hears nothing. */
PRONGD_API int prongd_publish(struct prongd_service *service, const void *bytes, size_t size);

/* The memory that all workers of this server share, `*size` bytes of it; NULL: there is none (see
 * `shared_size`).  Zeroed when the server is new.  It outlives workers, reloads to other code and
 * upgrades, so begin it with a version; and it is at another address in every worker, so keep no
 * pointers in it. */
PRONGD_API void *prongd_shared(struct prongd_service *service, size_t *size);

/* One worker at a time is inside; keep it short, for the others wait.  Two system calls.
 * 0; 1: inside, but the last one who was died there, and what it wrote may be half-written: mend
 * it, or begin anew; -EBUSY: a worker that does not run any more holds it, as above;
 * -ENOTSUP: there is no such memory. */
PRONGD_API int prongd_shared_lock(struct prongd_service *service);
PRONGD_API void prongd_shared_unlock(struct prongd_service *service);

/* Calls `function` with `argument` on the worker's loop, soon, never from inside this call.  From
 * any thread; what one thread posts is called in that order.  Every accepted call is made, the last
 * ones before stop(): a thread must be joined in stop().
 * 0; -ENOMEM; -ESHUTDOWN: the service has stopped. */
PRONGD_API int prongd_post(struct prongd_service *service, void (*function)(void *argument),
                           void *argument);

/* --- The log --- */

enum prongd_log_level {
    PRONGD_LOG_ERROR,   /* someone must act */
    PRONGD_LOG_WARNING, /* someone may */
    PRONGD_LOG_NOTICE,  /* start, stop, reload */
    PRONGD_LOG_INFO,    /* one line per client */
    PRONGD_LOG_DEBUG
};

/* A line with the connection's server, number and peer appended.  Never pass bytes of a peer
 * with "%s": prongd_escape() them. */
PRONGD_API void prongd_log(struct prong_socket *socket, enum prongd_log_level level,
                           const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A line with the server appended. */
PRONGD_API void prongd_service_log(const struct prongd_service *service,
                                   enum prongd_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Would a line of this level be written?  For lines that cost something to make. */
PRONGD_API bool prongd_log_wants(enum prongd_log_level level);

/* Printable bytes as they are, others as \n, \t, \xNN; cut with "…" to fit `size` with the NUL.
 * Returns `text`. */
PRONGD_API const char *prongd_escape(const void *bytes, size_t length, char *text, size_t size);

PRONG_END

#endif
