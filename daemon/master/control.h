/* SPDX-License-Identifier: MIT
 *
 * The control socket: where prongctl asks and the master answers.
 *
 * Only root and the daemon's own user are heard.  Nobody can hold up the master: clients are
 * limited in number, a request and the reading of its answer in time and size.
 */
#ifndef PRONGD_CONTROL_H
#define PRONGD_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "command.h"

struct control;
struct control_client;
struct ev_loop;

/* Answers with control_answer(), now or later; the client lives until then. */
typedef void control_command(struct control_client *client, const json_t *arguments, void *user);

/* Listens on `path` ("@name": abstract).  Borrows loop and table, which has a function for each
 * command.  NULL with one sentence in `problem`. */
struct control *control_open(struct ev_loop *loop, const char *path,
                             control_command *const table[COMMAND_COUNT], void *user, char *problem,
                             size_t size);

/* The listening descriptor, and what the program before this one left of it: takes `fd`.  NULL with
 * errno. */
int control_fd(const struct control *control);
struct control *control_adopt(struct ev_loop *loop, int fd,
                              control_command *const table[COMMAND_COUNT], void *user);

/* A client of the program before this one, which has read its request (`is_owed` an answer), or
 * nothing of it.  Takes `fd`.  NULL with errno. */
struct control_client *control_adopt_client(struct control *control, int fd, bool is_owed);

/* The client after `client` (NULL: the first one) of which nothing was read yet; NULL: no more. */
const struct control_client *control_next_silent(const struct control *control,
                                                 const struct control_client *client);

/* Takes `answer`, an object; NULL stands for "out of memory".  The client may be gone after it. */
void control_answer(struct control_client *client, json_t *answer);

/* The same with descriptors, which travel with the first bytes of the answer (SCM_RIGHTS); more
 * than 253 follow with the next bytes.  Takes `fds`, malloc'ed, and what is in it; on NULL they are
 * forgotten. */
void control_answer_with(struct control_client *client, json_t *answer, int *fds, size_t fd_count);

/* Shows how far the command is: {"progress": …} before the answer.  Takes `progress`; nothing is
 * sent for NULL, or when the client does not read. */
void control_progress(struct control_client *client, json_t *progress);

/* Accepts NULL.  Closes the clients and the socket, and unlinks its file if that is still ours. */
void control_close(struct control *control);

/* The same without unlinking: for a child. */
void control_abandon(struct control *control);

#endif
