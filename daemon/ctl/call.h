/* SPDX-License-Identifier: MIT
 *
 * One call of prongctl: the command with its words, and how to ask the master.
 */
#ifndef PRONGCTL_CALL_H
#define PRONGCTL_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "command.h"
#include "socket_path.h"

/* Exit statuses. */
#define CALL_SYSTEM 1 /* the system or prongd failed */
#define CALL_USAGE  2 /* wrong usage, or a refused configuration */

#define CALL_OPTIONS 16

struct client_fds;

struct call {
    const struct command_row *row;
    const char *file;   /* -c; NULL: the default one, which need not exist */
    const char *socket; /* -s; NULL: the file tells it */
    bool json;
    char **words; /* the command's arguments, without options */
    size_t word_count;
    const char
        *options[CALL_OPTIONS];  /* in the order of row->options: the value; NULL: not given */
    char path[SOCKET_PATH_SIZE]; /* of the control socket, once it was wanted; else "" */
};

/* Sorts what was typed behind the command into arguments and options: `words` has the arguments in
 * front afterwards.  0, or an exit status, when it was said on stderr what is wrong. */
int call_read(struct call *call, char **words, size_t count);

/* The value of an option of the command, "" for one that takes none; NULL: it was not given. */
const char *call_option(const struct call *call, const char *name);

/* Where the master listens; NULL: it was said on stderr why that is not known. */
const char *call_path(struct call *call);

/* Asks the master, with the words and options of the call, or without any.  Gives the answer, an
 * object that may say "ok": false; NULL: it was said on stderr what failed. */
json_t *call_ask(struct call *call);
json_t *call_ask_for(struct call *call, enum command command);

/* With these arguments, a list of texts, which are taken. */
json_t *call_ask_with(struct call *call, enum command command, json_t *arguments);

/* The same for an answer that brings descriptors, which are given in `fds`, also when it fails. */
json_t *call_ask_for_fds(struct call *call, enum command command, struct client_fds *fds);
json_t *call_ask_with_for_fds(struct call *call, enum command command, json_t *arguments,
                              struct client_fds *fds);

/* Says on stderr what is wrong, with a hint at the help.  CALL_USAGE. */
int call_fail_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
