/* SPDX-License-Identifier: MIT
 *
 * One line of the control socket: what is asked.
 */
#ifndef PRONGD_REQUEST_H
#define PRONGD_REQUEST_H

#include <jansson.h>
#include <stddef.h>

struct command_row;

struct request {
    const struct command_row *row;
    json_t *arguments; /* an array of strings: as many as the row allows, and options that it has */
};

/* Reads one line without its newline.  NULL, and `request` is to be cleared; or the answer that
 * says what is wrong with it: given. */
json_t *request_parse(struct request *request, const char *line, size_t size);

/* Harmless on a request that was not parsed, but zeroed. */
void request_clear(struct request *request);

/* The value of an option, "" for one without; NULL: it was not given.  Borrowed, as below. */
const char *request_option(const json_t *arguments, const char *name);

/* The argument number `index`, options not counted; NULL: there are fewer. */
const char *request_argument(const json_t *arguments, size_t index);

/* {"ok": false, "error": …, "exit": …}: given; NULL when memory is short. */
json_t *request_refusal(int exit_status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
