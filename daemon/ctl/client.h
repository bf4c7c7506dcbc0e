/* SPDX-License-Identifier: MIT
 *
 * Asks the master: one line of JSON each way over its control socket, in bounded time and size.
 */
#ifndef PRONGCTL_CLIENT_H
#define PRONGCTL_CLIENT_H

#include <jansson.h>
#include <stddef.h>

struct command_row;

/* How long the master may take to answer, or to show how far it is. */
#define CLIENT_PATIENCE_MS 60000

/* The largest answer. */
#define CLIENT_ANSWER_SIZE (64UL * 1024 * 1024)

/* Descriptors that came with an answer. */
struct client_fds {
    int *list; /* malloc'ed */
    size_t count;
};

/* A question to the master that listens on `path` ("@name": an abstract one). */
struct client_request {
    const char *path;
    const struct command_row *row;
    const json_t *arguments; /* a list of texts */
    void (*on_progress)(const json_t *progress);
    struct client_fds *fds; /* where they are given; NULL: none is expected */
};

/* Gives the answer, an object; or NULL and one or two sentences in `problem`. */
json_t *client_ask(const struct client_request *request, char *problem, size_t size);

#endif
