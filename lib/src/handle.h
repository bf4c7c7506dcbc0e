/* SPDX-License-Identifier: MIT
 *
 * Listening handles: adopting them, and the file of a unix one.  prong_listen_open() opens.
 */
#ifndef PRONG_HANDLE_H
#define PRONG_HANDLE_H

#include <prong/address.h>

#include <stdbool.h>
#include <sys/types.h>

/* Makes a bound or listening stream socket ours: non-blocking, close-on-exec, listening.  The
 * caller keeps `fd`.  0, -EBADF, -ENOTSOCK, -EINVAL (not a stream socket) … */
int handle_adopt(int fd, int backlog);

bool handle_is_listening(int fd);

int handle_address(int fd, struct prong_address *address);

/* Which file is ours: another one may stand there by the time we close (R17). */
struct handle_file {
    char path[PRONG_PATH_SIZE + 1]; /* "": none */
    dev_t device;
    ino_t inode;
};

/* Remembers the file of a unix address; nothing for others. */
void handle_file_note(struct handle_file *file, const struct prong_address *address);

/* Removes the file while it is still ours. */
void handle_file_unlink(struct handle_file *file);

#endif
