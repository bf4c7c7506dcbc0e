/* SPDX-License-Identifier: MIT
 *
 * A rehearsal: a child of the master loads the configuration before the master does.
 *
 * Loading may take long or never end: a module that hangs when its rows are read, an included file
 * on a server that does not answer.  The child waits for that, and the loop goes on.  What loads
 * there is loaded by the master afterwards.
 */
#ifndef PRONGD_REHEARSAL_H
#define PRONGD_REHEARSAL_H

struct config_problems;
struct ev_loop;
struct prongd_handler;
struct rehearsal;

/* `problems`: what the child found; none (count 0): the master may load it.  Borrowed. */
typedef void rehearsal_done(const struct config_problems *problems, void *user);

/* Borrows all of it.  `done` follows from the loop, once; the rehearsal is freed after it.  NULL
 * with errno: there is no child, and nothing follows. */
struct rehearsal *rehearsal_start(struct ev_loop *loop, const char *file,
                                  const struct prongd_handler *const *handlers,
                                  rehearsal_done *done, void *user);

/* Ends it without a word.  Accepts NULL. */
void rehearsal_free(struct rehearsal *rehearsal);

/* The same, but the child is somebody else's: for a child. */
void rehearsal_abandon(struct rehearsal *rehearsal);

#endif
