/* SPDX-License-Identifier: MIT
 *
 * Files of unix sockets.
 */
#include "handle_file.h"

#include <prong/server.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

bool handle_has_file(const struct prong_address *address)
{
    return address->family == AF_UNIX && address->path_size > 0 && address->path[0] != '\0';
}

/* The path with its NUL: an address from elsewhere may fill its array. */
static const char *path_of(const struct prong_address *address, char path[PRONG_PATH_SIZE + 1])
{
    memcpy(path, address->path, address->path_size);
    path[address->path_size] = '\0';
    return path;
}

int handle_file_set_rights(const struct prong_address *address,
                           const struct prong_listen_options *options)
{
    char buffer[PRONG_PATH_SIZE + 1];
    const char *path = path_of(address, buffer);

    /* Neither follows a symbolic link that somebody put there meanwhile. */
    if (options->mode != 0 &&
        fchmodat(AT_FDCWD, path, (mode_t)options->mode, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if ((options->owner != (uid_t)-1 || options->group != (gid_t)-1) &&
        lchown(path, options->owner, options->group) < 0)
        return -errno;
    return 0;
}

/* Only a refusal says that nobody does: a full backlog is an answer, too. */
static bool is_answered(const struct prong_address *address)
{
    struct sockaddr_storage storage;
    socklen_t length;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool answered;

    if (fd < 0)
        return true;
    answered = prong_address_to_sockaddr(address, &storage, &length) < 0 ||
               connect(fd, (struct sockaddr *)&storage, length) == 0 || errno != ECONNREFUSED;
    close(fd);
    return answered;
}

bool handle_file_remove_stale(const struct prong_address *address)
{
    char buffer[PRONG_PATH_SIZE + 1];
    const char *path = path_of(address, buffer);
    struct stat status;

    if (lstat(path, &status) < 0 || !S_ISSOCK(status.st_mode) || is_answered(address))
        return false;
    return unlink(path) == 0;
}

void handle_file_remove(const struct prong_address *address)
{
    char buffer[PRONG_PATH_SIZE + 1];

    unlink(path_of(address, buffer));
}

void handle_file_note(struct handle_file *file, const struct prong_address *address)
{
    char buffer[PRONG_PATH_SIZE + 1];
    struct stat status;

    *file = (struct handle_file){0};
    if (!handle_has_file(address) || address->path_size >= sizeof(file->path) ||
        lstat(path_of(address, buffer), &status) < 0)
        return;
    memcpy(file->path, buffer, sizeof(file->path));
    file->device = status.st_dev;
    file->inode = status.st_ino;
}

void handle_file_unlink(struct handle_file *file)
{
    struct stat status;

    if (file->path[0] != '\0' && lstat(file->path, &status) == 0 && status.st_dev == file->device &&
        status.st_ino == file->inode)
        unlink(file->path);
    file->path[0] = '\0';
}
