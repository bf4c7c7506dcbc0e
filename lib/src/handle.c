/* SPDX-License-Identifier: MIT
 *
 * Listening handles: opening them.
 */
#include <prong/server.h>

#include "handle.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

void prong_listen_options_init(struct prong_listen_options *options)
{
    *options = (struct prong_listen_options){
        .backlog = PRONG_BACKLOG,
        .owner = (uid_t)-1,
        .group = (gid_t)-1,
    };
}

static int set_flag(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_options(int fd, const struct prong_address *address,
                       const struct prong_listen_options *options)
{
    int error = 0;

    if (address->family == AF_UNIX)
        return 0;
    error = set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (error == 0 && options->reuse_port)
        error = set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (error == 0 && address->family == AF_INET6)
        error = set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, options->ipv6_only);
    return error;
}

/* Does anybody answer at a unix socket's file? */
static bool is_answered(const struct sockaddr *sockaddr, socklen_t length)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool answered;

    if (fd < 0)
        return true;
    answered = connect(fd, sockaddr, length) == 0 || errno != ECONNREFUSED;
    close(fd);
    return answered;
}

/* Only a socket that refuses is stale; an ordinary file is never removed. */
static bool remove_stale(const struct prong_address *address, const struct sockaddr *sockaddr,
                         socklen_t length)
{
    struct stat status;
    const char *path = ((const struct sockaddr_un *)(const void *)sockaddr)->sun_path;

    if (address->family != AF_UNIX || address->path[0] == '\0')
        return false;
    if (lstat(path, &status) < 0 || !S_ISSOCK(status.st_mode) || is_answered(sockaddr, length))
        return false;
    return unlink(path) == 0;
}

/* A unix socket's file gets its mode and owner before listen(2), so that nobody gets in early. */
static int set_file_rights(const struct prong_address *address, const char *path,
                           const struct prong_listen_options *options)
{
    if (address->family != AF_UNIX || address->path[0] == '\0')
        return 0;
    if (options->mode != 0 && chmod(path, (mode_t)options->mode) < 0)
        return -errno;
    if ((options->owner != (uid_t)-1 || options->group != (gid_t)-1) &&
        lchown(path, options->owner, options->group) < 0)
        return -errno;
    return 0;
}

static int bind_to(int fd, const struct prong_address *address,
                   const struct prong_listen_options *options)
{
    struct sockaddr_storage storage;
    struct sockaddr *sockaddr = (struct sockaddr *)&storage;
    socklen_t length;
    int error = prong_address_to_sockaddr(address, &storage, &length);

    if (error < 0)
        return error;
    if (bind(fd, sockaddr, length) < 0) {
        error = -errno;
        if (error != -EADDRINUSE || !options->take_over || !remove_stale(address, sockaddr, length))
            return error;
        if (bind(fd, sockaddr, length) < 0)
            return -errno;
    }
    error = set_file_rights(address, ((struct sockaddr_un *)&storage)->sun_path, options);
    if (error < 0)
        unlink(((struct sockaddr_un *)&storage)->sun_path);
    return error;
}

int prong_listen_open(const struct prong_address *address,
                      const struct prong_listen_options *options)
{
    struct prong_listen_options defaults;
    int fd, error;

    if (options == NULL) {
        prong_listen_options_init(&defaults);
        options = &defaults;
    }
    fd = socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    error = set_options(fd, address, options);
    if (error == 0)
        error = bind_to(fd, address, options);
    if (error == 0 && listen(fd, options->backlog > 0 ? options->backlog : PRONG_BACKLOG) < 0)
        error = -errno;
    if (error < 0) {
        close(fd);
        return error;
    }
    return fd;
}

int handle_adopt(int fd, int backlog)
{
    int type, flags;
    socklen_t length = sizeof(type);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0)
        return -errno;
    if (type != SOCK_STREAM)
        return -EINVAL;
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    if (handle_is_listening(fd))
        return 0;
    return listen(fd, backlog > 0 ? backlog : PRONG_BACKLOG) < 0 ? -errno : 0;
}

bool handle_is_listening(int fd)
{
    int accepting = 0;
    socklen_t length = sizeof(accepting);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &length) == 0 && accepting != 0;
}

int handle_address(int fd, struct prong_address *address)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof(storage);

    if (getsockname(fd, (struct sockaddr *)&storage, &length) < 0)
        return -errno;
    prong_address_from_sockaddr(address, (struct sockaddr *)&storage, length);
    return 0;
}

void handle_file_note(struct handle_file *file, const struct prong_address *address)
{
    struct stat status;
    char path[PRONG_PATH_SIZE + 1];

    *file = (struct handle_file){0};
    if (address->family != AF_UNIX || address->path_size == 0 || address->path[0] == '\0')
        return;
    memcpy(path, address->path, address->path_size);
    path[address->path_size] = '\0';
    if (lstat(path, &status) < 0)
        return;
    memcpy(file->path, path, sizeof(path));
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
