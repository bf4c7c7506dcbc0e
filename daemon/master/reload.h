/* SPDX-License-Identifier: MIT
 *
 * A reload, as a transaction.
 *
 *     PLAN ──> PREPARE ──> COMMIT        the next generation serves, the old one leaves
 *       └─────────┴──────> ROLLBACK      the old one serves on, untouched
 *
 * PLAN has a child load the file (rehearsal.h), loads it and compares it with the running
 * configuration.  PREPARE opens new addresses
 * and starts the next generation, whose handlers configure themselves in their own process; with
 * `canary` its first worker serves for a while before the others start (canary.h).  When
 * all its workers are ready, COMMIT pairs the old workers with the new ones and tells the old ones
 * to leave.  The transaction ends there: what still leaves then holds up no further reload.
 * Requests that arrive meanwhile are answered together by one reload more.
 */
#ifndef PRONGD_RELOAD_H
#define PRONGD_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

struct config;
struct control_client;
struct generation;
struct message_gave;
struct master;
struct reload;

/* Alive at once, draining ones included; the oldest is closed for one more. */
#define RELOAD_MAX_GENERATIONS 8

/* NULL with errno ENOMEM. */
struct reload *reload_new(struct master *master);

/* Asks for a reload.  `client`: who is answered, at the commit or, with `waits`, when the old
 * generation is gone; NULL: nobody but the log. */
void reload_request(struct reload *reload, struct control_client *client, bool waits);

/* The first reload of a program that took over: with its own configuration, or, when there is none,
 * only the answer that says why. */
void reload_take_over(struct reload *reload, struct config *config, const char *problem,
                      struct control_client *client);

/* The supervisor tells: every worker of `generation` is ready; its first one is; one failed; the
 * last one of it is gone.  True: it was the reload's generation. */
bool reload_on_ready(struct reload *reload, struct generation *generation);
void reload_on_trial(struct reload *reload, struct generation *generation);
bool reload_on_failed(struct reload *reload, struct generation *generation, const char *why);
void reload_on_gone(struct reload *reload, const struct generation *generation);

/* A worker of an old generation has given its connections away. */
void reload_on_gave(struct reload *reload, const struct generation *generation,
                    const struct message_gave *gave);

/* Accepts NULL.  Clients that wait are told that the daemon stops. */
void reload_free(struct reload *reload);

/* The same without a word to anybody: for a child. */
void reload_abandon(struct reload *reload);

/* The program is about to be replaced by another one: who waits for a reload is told so. */
void reload_give_up_waiting(struct reload *reload);

#endif
