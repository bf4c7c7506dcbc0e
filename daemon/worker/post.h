/* SPDX-License-Identifier: MIT
 *
 * Calls that threads of a handler want made on the worker's loop.
 */
#ifndef PRONGD_POST_H
#define PRONGD_POST_H

struct ev_loop;
struct post;

/* NULL with errno. */
struct post *post_new(struct ev_loop *ev);

/* From any thread.  0; -ENOMEM; -ESHUTDOWN after post_close(). */
int post_call(struct post *post, void (*function)(void *argument), void *argument);

/* Makes the calls that wait, and accepts no more.  Accepts NULL. */
void post_close(struct post *post);

/* When no thread is left.  Accepts NULL. */
void post_free(struct post *post);

#endif
