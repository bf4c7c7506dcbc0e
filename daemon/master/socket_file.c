/* SPDX-License-Identifier: MIT
 *
 * Unlinking by name only what is ours by inode.
 */
#include "socket_file.h"

#include <errno.h>
#include <prong/address.h>
#include <sys/stat.h>
#include <unistd.h>

int socket_file_note(struct socket_file *file, const struct prong_address *address)
{
    struct stat status;

    file->device = 0;
    file->inode = 0;
    if (address->family != AF_UNIX || address->path[0] == '\0')
        return 0;
    if (lstat(address->path, &status) < 0)
        return -errno;
    file->device = status.st_dev;
    file->inode = status.st_ino;
    return 0;
}

void socket_file_remove(const struct socket_file *file, const struct prong_address *address)
{
    struct stat status;

    if (file->inode == 0 || lstat(address->path, &status) < 0)
        return;
    if (status.st_dev == file->device && status.st_ino == file->inode)
        (void)unlink(address->path);
}
