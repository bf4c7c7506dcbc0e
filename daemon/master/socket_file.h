/* SPDX-License-Identifier: MIT
 *
 * The file of a unix socket that this process made, told from one that a successor made.
 */
#ifndef PRONGD_SOCKET_FILE_H
#define PRONGD_SOCKET_FILE_H

#include <sys/types.h>

struct prong_address;

struct socket_file {
    dev_t device;
    ino_t inode; /* 0: there is no file */
};

/* Remembers the file of a socket that was bound just now; abstract and TCP addresses have none.
 * 0 or -errno. */
int socket_file_note(struct socket_file *file, const struct prong_address *address);

/* Unlinks the file, but only the very one that was noted. */
void socket_file_remove(const struct socket_file *file, const struct prong_address *address);

#endif
