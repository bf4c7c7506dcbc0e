/* SPDX-License-Identifier: MIT
 *
 * The files of the access logs of one generation.
 *
 * The master opens them, as root where it is root, and workers inherit the descriptors: they may
 * not be allowed to open them.  After a rotation it opens them anew and sends them.
 */
#ifndef PRONGD_ACCESS_FILES_H
#define PRONGD_ACCESS_FILES_H

#include <stddef.h>

struct config;
struct generation;
struct supervisor;

/* A descriptor for each server of the configuration, -1 where none is needed; malloc'ed, given.
 * NULL with one line in `problem`. */
int *access_files_open(const struct config *config, char *problem, size_t size);

/* The same without a failure: what does not open is -1, and the log says so.  NULL when memory is
 * short. */
int *access_files_open_some(const struct config *config);

/* Opens the files of every generation anew and sends them to its workers.  What does not open stays
 * as it is; 0 or the last error. */
int access_files_reopen(struct supervisor *supervisor);

/* Accepts NULL. */
void access_files_close(int *fds, size_t count);

#endif
