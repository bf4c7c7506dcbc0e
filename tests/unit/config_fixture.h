/* SPDX-License-Identifier: MIT
 *
 * Configurations from a string, with two handlers: "echo" without options and "greet" with one
 * of each kind.
 */
#ifndef CONFIG_FIXTURE_H
#define CONFIG_FIXTURE_H

#include "config.h"

/* The name of the file that the strings are. */
#define CONFIG_NAME "x.conf"

/* The smallest server, to be appended to. */
#define CONFIG_ECHO "[server echo]\nlisten = 127.0.0.1:7\nhandler = echo\n"

/* What the rows of "greet" fill. */
struct greet_config {
    char *greeting;
    struct prongd_list words;
    int mood;
    uint64_t pause_ms;
    uint64_t limit_bytes;
    uint64_t repeats;
    uint64_t file_mode;
    bool loud;
};

extern const struct prongd_handler *const config_handlers[];

/* Loads `text`; fails the test, with the problems, when that is not possible. */
struct config *config_from(const char *text);

/* The problems that loading `text` gives; fails the test when there are none.  To be freed. */
char *config_problems_of(const char *text);

/* The same for bytes, which may hold NULs. */
struct config *config_from_bytes(const char *bytes, size_t size, struct config_problems *problems);

#endif
