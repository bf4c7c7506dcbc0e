/* SPDX-License-Identifier: MIT
 *
 * Writing the pid file.
 *
 * It is locked with fcntl(2), because such a lock belongs to the process alone: children do not
 * inherit it, and it is gone when the process is, however it ended.
 */
#include "pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

pid_t pid_file_holder(const char *path)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    pid_t holder = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0)
        return 0;
    if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
        holder = lock.l_pid;
    close(fd);
    return holder;
}

/* In a directory with the sticky bit, nobody can replace a file of root. */
int pid_file_check(const char *path)
{
    char *copy = strdup(path);
    struct stat status;
    int error = 0;

    if (copy == NULL)
        return -ENOMEM;
    if (stat(dirname(copy), &status) < 0)
        error = -errno;
    else if (geteuid() == 0 && (status.st_uid != 0 ||
                                ((status.st_mode & 0022) != 0 && (status.st_mode & S_ISVTX) == 0)))
        error = -EPERM;
    free(copy);
    return error;
}

/* A new file with our pid, locked: its descriptor or -errno. */
static int make(const char *path)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int error, fd;

    (void)unlink(path);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    if (fcntl(fd, F_SETLK, &lock) == 0 && dprintf(fd, "%d\n", (int)getpid()) > 0)
        return fd;
    error = -errno;
    (void)unlink(path);
    close(fd);
    return error;
}

/* Under its final name in one step.  0 or -errno. */
static int publish(const char *temporary, const char *path)
{
    int error;

    if (rename(temporary, path) == 0)
        return 0;
    error = -errno;
    (void)unlink(temporary);
    return error;
}

int pid_file_write(struct pid_file *file, const char *path)
{
    char temporary[PATH_MAX];
    int error;

    if ((size_t)snprintf(temporary, sizeof(temporary), "%s.new", path) >= sizeof(temporary))
        return -ENAMETOOLONG;
    file->path = strdup(path);
    if (file->path == NULL)
        return -ENOMEM;
    file->fd = make(temporary);
    error = file->fd < 0 ? file->fd : publish(temporary, path);
    if (error == 0)
        return 0;
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    file->path = NULL;
    return error;
}

void pid_file_remove(struct pid_file *file)
{
    struct stat ours, there;

    if (file->path == NULL)
        return;
    if (fstat(file->fd, &ours) == 0 && lstat(file->path, &there) == 0 &&
        ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
        (void)unlink(file->path);
    pid_file_close(file);
}

void pid_file_close(struct pid_file *file)
{
    if (file->path == NULL)
        return;
    close(file->fd);
    free(file->path);
    file->path = NULL;
}
