/* SPDX-License-Identifier: MIT
 *
 * A survey: a question to every worker of every generation, and to keepers where programs matter,
 * whose answers are put together for a client of the control socket.
 *
 * The master waits for nobody: it has the answer when everybody has told or is gone, or after
 * five seconds, and says who told nothing.
 */
#ifndef PRONGD_SURVEY_H
#define PRONGD_SURVEY_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "message.h"

struct control_client;
struct generation_list;
struct ipc;
struct ipc_frame;
struct keepers;
struct survey;

/*  AWAITED → TOLD | FAILED | GONE */
enum survey_part_state {
    SURVEY_PART_AWAITED,
    SURVEY_PART_TOLD,
    SURVEY_PART_FAILED, /* its process told an error, or nothing in time */
    SURVEY_PART_GONE    /* its process has ended, and what it had has ended or moved */
};

/* What one worker or keeper says. */
struct survey_part {
    enum survey_part_state state;
    const void *teller; /* its struct slot or struct keeper_process: which one, no more */
    bool is_keeper;     /* then it has neither of the next two */
    uint64_t generation;
    unsigned slot;
    pid_t pid;
    int fd;    /* that it passed; -1: none */
    int error; /* that it told */
};

/* Everybody has told, or will not: answers the client, and takes descriptors out of the parts (-1)
 * that it gives on. */
typedef void survey_answer(struct survey *survey);

struct survey {
    struct survey *next;
    uint64_t ticket;
    struct control_client *client; /* NULL: the answer is for somebody else */
    survey_answer *answer;
    void *user;
    struct survey_part *parts;
    size_t part_count;
    uint64_t number;
    uint64_t *asked; /* the connections that it is about; malloc'ed */
    size_t asked_count;
    uint64_t *found; /* those that some worker has found, in any order; malloc'ed */
    size_t found_count;
    int fd; /* goes with the answer, which takes it (-1); -1: none */
    ev_timer limit;
    struct surveys *surveys;
};

/* All that are under way. */
struct surveys {
    struct survey *first;
    struct ev_loop *loop;
    const struct generation_list *generations;
    const struct keepers *keepers;
    uint64_t last_ticket;
};

/* What is asked. */
struct survey_question {
    enum message message;
    bool asks_keepers;
    void *payload; /* begins with a uint64_t ticket, which is filled in; copied, as the next one */
    size_t payload_size;
    const uint64_t *ids; /* of the connections that it is about */
    size_t id_count;
    uint64_t number; /* whatever the answer needs to know, as the next one */
    void *user;
    const int *pass; /* a descriptor for everybody, who gets a copy; NULL: none */
    const int *keep; /* one for the answer, which is taken; NULL: none */
    survey_answer *answer;
};

/* Asks; `client` is answered later, or at once when memory is short; NULL: somebody else asks, and
 * then nothing follows. */
void survey_start(struct surveys *surveys, const struct survey_question *question,
                  struct control_client *client);

/* MESSAGE_TOLD of a worker or a keeper.  Keeps copies of the frame's descriptor. */
void survey_on_told(struct surveys *surveys, const void *teller, const struct ipc_frame *frame);

/* It will tell nothing any more. */
void survey_on_lost(struct surveys *surveys, const void *teller);

/* Ends all of them.  With `why` their clients are told, NULL: without a word. */
void survey_clear(struct surveys *surveys, const char *why);

#endif
