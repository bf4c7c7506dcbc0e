/* SPDX-License-Identifier: MIT
 *
 * All connections together: the loop, the turns of the streams, and what the load can be asked for.
 */
#ifndef STEADY_LOAD_H
#define STEADY_LOAD_H

#include <stdbool.h>
#include <stddef.h>

struct load;
struct options;

/* Borrows the options.  Exits with status 1 and a sentence when it cannot. */
struct load *load_new(const struct options *options);

/* Lets the connections live until the next line of standard input, without its end; NULL when
 * the input has ended.  The text dies with the next call. */
const char *load_wait_for_line(struct load *load);

/* Opens all connections that are closed, short ones excepted, and waits until they were accepted.
 */
void load_open(struct load *load);

/* Streams send from now on; they rest. */
void load_go(struct load *load);
void load_rest(struct load *load);

/* Every connection says something, and everything that was ever sent must be back. */
void load_check(struct load *load);

/* Prints what was seen since the last report, as one line of JSON. */
void load_report(struct load *load, const char *command);

/* Closes everything. */
void load_free(struct load *load);

#endif
