/* SPDX-License-Identifier: MIT
 *
 * What the tests of the log share: a log file of their own, and a look at what was written.
 */
#ifndef LOG_FIXTURE_H
#define LOG_FIXTURE_H

/* In a folder that each test has for itself. */
extern char log_fixture_file[];

int log_fixture_open(void **state);

/* Closes the log, too. */
int log_fixture_remove(void **state);

/* What the file holds, as a text that lives until the next call. */
const char *content_of(const char *path);

unsigned lines_of(const char *text);

/* An extended regular expression. */
void assert_matches(const char *text, const char *pattern);

#endif
