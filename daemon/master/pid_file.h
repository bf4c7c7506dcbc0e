/* SPDX-License-Identifier: MIT
 *
 * The pid file: written when the service is up, locked while it is, removed only if it is ours.
 */
#ifndef PRONGD_PID_FILE_H
#define PRONGD_PID_FILE_H

#include <sys/types.h>

struct pid_file {
    char *path; /* NULL: none was written */
    int fd;
};

/* The process that holds `path`; 0: nobody, or there is no such file. */
pid_t pid_file_holder(const char *path);

/* May we write there, and where we are root, nobody but root?  0, or a negative code; -EPERM:
 * others could put another number into the file. */
int pid_file_check(const char *path);

/* Writes and locks it, in one step for those who read it.  0 or -errno; on failure
 * `file` is empty. */
int pid_file_write(struct pid_file *file, const char *path);

/* Removes it if it is still the one that was written; harmless on an empty one. */
void pid_file_remove(struct pid_file *file);

/* Closes without removing: for a child. */
void pid_file_close(struct pid_file *file);

#endif
