/* SPDX-License-Identifier: MIT
 *
 * EPOLLEXCLUSIVE in libev's own epoll set.
 */
#include "exclusive.h"

#include "loop_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int control(const struct exclusive *exclusive, int operation)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};

    event.data.u64 = exclusive->data;
    return epoll_ctl(exclusive->loop->epoll_fd, operation, exclusive->fd, &event) < 0 ? -errno : 0;
}

/* The word that libev wants to see with an event of this descriptor: number and generation. */
static int read_data_word(int epoll_fd, int fd, uint64_t *data)
{
    char path[64], line[256];
    int error = -ENOTSUP;
    const char *word;
    FILE *info;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", epoll_fd);
    info = fopen(path, "re");
    if (info == NULL)
        return -errno;
    while (error < 0 && fgets(line, sizeof(line), info) != NULL) {
        /* tfd:        5 events:       19 data:        100000005  pos:… */
        word = strstr(line, "data:");
        if (word == NULL || strncmp(line, "tfd:", 4) != 0 || strtol(line + 4, NULL, 10) != fd)
            continue;
        *data = strtoull(word + 5, NULL, 16);
        error = 0;
    }
    fclose(info);
    return error;
}

/* Something of ours that libev does not know stands in the set: it is gone from a new one. */
static int place_sentinel(struct prong_loop *loop)
{
    struct epoll_event nothing = {.events = 0};

    if (loop->sentinel_fd < 0)
        loop->sentinel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->sentinel_fd < 0)
        return -errno;
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->sentinel_fd, &nothing) < 0 &&
        errno != EEXIST)
        return -errno;
    return 0;
}

bool exclusive_is_intact(const struct exclusive *exclusive)
{
    struct epoll_event nothing = {.events = 0};

    return epoll_ctl(exclusive->loop->epoll_fd, EPOLL_CTL_MOD, exclusive->loop->sentinel_fd,
                     &nothing) == 0;
}

int exclusive_start(struct exclusive *exclusive, struct prong_loop *loop,
                    const struct ev_io *watcher)
{
    int error;

    *exclusive = (struct exclusive){.loop = loop, .fd = watcher->fd};
    if (loop->epoll_fd < 0)
        return -ENOTSUP;
    loop_turn_silently(loop->ev); /* libev tells the kernel when it turns */
    error = read_data_word(loop->epoll_fd, watcher->fd, &exclusive->data);
    if (error == 0)
        error = place_sentinel(loop);
    if (error == 0)
        error = control(exclusive, EPOLL_CTL_DEL);
    if (error < 0)
        return error;
    error = exclusive_watch(exclusive);
    exclusive->is_on = error == 0;
    return error;
}

int exclusive_watch(struct exclusive *exclusive)
{
    int error = control(exclusive, EPOLL_CTL_ADD);

    exclusive->is_watched = error == 0;
    return error;
}

int exclusive_unwatch(struct exclusive *exclusive)
{
    exclusive->is_watched = false;
    return control(exclusive, EPOLL_CTL_DEL);
}
