/* SPDX-License-Identifier: MIT
 *
 * The file of a unix socket: its rights, and whose it is.
 */
#ifndef PRONG_HANDLE_FILE_H
#define PRONG_HANDLE_FILE_H

#include <prong/address.h>

#include <stdbool.h>
#include <sys/types.h>

struct prong_listen_options;

/* Does the address stand in the file system?  Not abstract, not TCP. */
bool handle_has_file(const struct prong_address *address);

/* Mode and owner of the options.  0 or -errno. */
int handle_file_set_rights(const struct prong_address *address,
                           const struct prong_listen_options *options);

/* Removes a socket where nobody answers; an ordinary file stays (R16).  True: it is gone. */
bool handle_file_remove_stale(const struct prong_address *address);

void handle_file_remove(const struct prong_address *address);

/* Which file is ours: another one may stand there by the time we close (R17). */
struct handle_file {
    char path[PRONG_PATH_SIZE]; /* "": none */
    dev_t device;
    ino_t inode;
};

/* Remembers the file of an address; nothing for others. */
void handle_file_note(struct handle_file *file, const struct prong_address *address);

/* Removes the file while it is still ours. */
void handle_file_unlink(struct handle_file *file);

#endif
