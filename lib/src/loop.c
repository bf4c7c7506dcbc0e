/* SPDX-License-Identifier: MIT
 *
 * What the objects of one loop share, and the search for libev's epoll descriptor.
 */
#include <prong/loop.h>

#include "hangup.h"
#include "loop_internal.h"
#include "resolver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void ignore_event(struct ev_loop *ev, struct ev_io *watcher, int revents)
{
    (void)ev;
    (void)watcher;
    (void)revents;
}

static void invoke_nothing(struct ev_loop *ev)
{
    (void)ev;
}

/* "tfd: 5 events: …": the descriptor that a line of an epoll set's fdinfo is about, or -1. */
static int target_fd(const char *line)
{
    return strncmp(line, "tfd:", 4) == 0 ? (int)strtol(line + 4, NULL, 10) : -1;
}

/* Does this descriptor's fdinfo say that it is an epoll set which watches `fd`? */
static bool watches(const char *epoll_fd, int fd)
{
    char path[64], line[256];
    FILE *info;
    bool found = false;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%.20s", epoll_fd);
    info = fopen(path, "re");
    if (info == NULL)
        return false;
    while (!found && fgets(line, sizeof(line), info) != NULL)
        found = target_fd(line) == fd;
    fclose(info);
    return found;
}

static int find_watching_fd(int fd)
{
    DIR *directory = opendir("/proc/self/fdinfo");
    struct dirent *entry;
    int found = -1;

    if (directory == NULL)
        return -1;
    while (found < 0 && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.' && watches(entry->d_name, fd))
            found = (int)strtol(entry->d_name, NULL, 10);
    }
    closedir(directory);
    return found;
}

void loop_turn_silently(struct ev_loop *ev)
{
    ev_set_invoke_pending_cb(ev, invoke_nothing);
    ev_run(ev, EVRUN_NOWAIT);
    ev_set_invoke_pending_cb(ev, ev_invoke_pending);
}

/* libev has no function that tells its epoll descriptor.  So a probe is watched for one turn, and
 * the set that contains it is the one. */
static int find_epoll_fd(struct ev_loop *ev)
{
    struct ev_io watcher;
    int probe, found;

    if (ev_backend(ev) != EVBACKEND_EPOLL)
        return -1;
    probe = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (probe < 0)
        return -1;
    ev_io_init(&watcher, ignore_event, probe, EV_READ);
    ev_io_start(ev, &watcher);
    loop_turn_silently(ev);
    found = find_watching_fd(probe);
    ev_io_stop(ev, &watcher);
    close(probe); /* the description is not shared: this takes it out of the set */
    return found;
}

void loop_reserve_fd(struct prong_loop *loop)
{
    if (loop->spare_fd < 0)
        loop->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void loop_release_fd(struct prong_loop *loop)
{
    if (loop->spare_fd >= 0)
        close(loop->spare_fd);
    loop->spare_fd = -1;
}

struct prong_loop *prong_loop_new(struct ev_loop *ev)
{
    struct prong_loop *loop = calloc(1, sizeof(*loop));

    if (loop == NULL)
        return NULL;
    loop->buffer = malloc(2 * (size_t)PRONG_READ_SIZE);
    if (loop->buffer == NULL) {
        free(loop);
        errno = ENOMEM;
        return NULL;
    }
    loop->ev = ev;
    loop->spare_fd = -1;
    loop->sentinel_fd = -1;
    loop_reserve_fd(loop);
    loop->epoll_fd = find_epoll_fd(ev);
    timeouts_init(&loop->timeouts, ev);
    return loop;
}

int prong_loop_free(struct prong_loop *loop)
{
    if (loop == NULL)
        return 0;
    if (loop->objects > 0)
        return -EBUSY;
    resolver_free(loop->resolver);
    hangups_free(loop->hangups);
    timeouts_clear(&loop->timeouts);
    loop_release_fd(loop);
    if (loop->sentinel_fd >= 0)
        close(loop->sentinel_fd);
    free(loop->buffer);
    free(loop);
    return 0;
}

struct ev_loop *prong_loop_ev(const struct prong_loop *loop)
{
    return loop->ev;
}

size_t prong_loop_objects(const struct prong_loop *loop)
{
    return loop->objects;
}

uint64_t prong_loop_bytes_queued(const struct prong_loop *loop)
{
    return loop->bytes_queued;
}

int prong_loop_epoll_fd(const struct prong_loop *loop)
{
    return loop->epoll_fd;
}

uint8_t *loop_read_buffer(const struct prong_loop *loop)
{
    return loop->buffer + PRONG_READ_SIZE;
}

void loop_forget_fd(struct prong_loop *loop, int fd)
{
    /* ENOENT: it was never registered, because the loop has not turned since the watcher started.
     * Without the epoll descriptor libev heals itself, slowly, by rebuilding its set. */
    if (loop->epoll_fd >= 0)
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}
