/* SPDX-License-Identifier: MIT
 *
 * One client of the control socket: lines in, lines out, in bounded time.
 */
#ifndef PRONGD_CONTROL_CLIENT_H
#define PRONGD_CONTROL_CLIENT_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "command.h"

struct control;

/*  READING → WORKING → WRITING → READING … */
enum control_client_state {
    CONTROL_CLIENT_READING, /* until a line is complete */
    CONTROL_CLIENT_WORKING, /* a command was called and has not answered yet */
    CONTROL_CLIENT_WRITING  /* until the answer is sent */
};

struct control_client {
    struct control_client *next;
    struct control *control;
    struct ev_loop *loop;
    enum control_client_state state;
    bool last; /* close it after the answer */
    int fd;
    ev_io io;
    ev_timer timer;
    char *output; /* malloc'ed; with its newline */
    size_t output_size;
    size_t output_sent;
    int *fds; /* that go with the answer; malloc'ed */
    size_t fd_count;
    size_t fd_sent; /* and closed */
    size_t input_size;
    size_t line_size; /* of the line that is being answered, with its newline */
    char input[COMMAND_LINE_SIZE];
};

/* Takes `fd` in every case.  NULL with errno. */
struct control_client *control_client_new(struct control *control, struct ev_loop *loop, int fd);

/* Its request was read elsewhere: it waits for the answer. */
void control_client_work(struct control_client *client);

/* Sends the answer and reads on.  Takes `answer`; NULL stands for "out of memory".  The client may
 * be gone after it. */
void control_client_answer(struct control_client *client, json_t *answer);

/* Sends {"progress": …} to a client that waits for its answer; a line that it does not read is left
 * out.  Takes `progress`. */
void control_client_show(struct control_client *client, json_t *progress);

/* Closes; the control socket has forgotten it already. */
void control_client_free(struct control_client *client);

/* --- What control.c does for a client --- */

/* A line is complete: answer it, now or later. */
void control_on_line(struct control_client *client, const char *line, size_t size);

/* It is gone, or took too long: forgets and frees it. */
void control_on_gone(struct control_client *client);

#endif
