/* SPDX-License-Identifier: MIT
 *
 * Gives up its rights, then serves.
 */
#include "observer.h"

#include <errno.h>
#include <ev.h>
#include <jansson.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "http.h"
#include "ipc.h"
#include "log.h"
#include "message.h"
#include "observing.h"
#include "snapshot.h"
#include "title.h"

#define MAX_FDS 256

/* Workers are asked no more often than that for their connections. */
#define LOOK_S 5.

struct observer {
    struct ev_loop *loop;
    struct ipc *channel;
    struct snapshot snapshot;
    double looked; /* clock_s() */
    struct http **https;
    size_t http_count;
};

/* --- The master --- */

static void read_status(struct observer *observer, int fd)
{
    json_error_t error;
    json_t *status = NULL;

    if (lseek(fd, 0, SEEK_SET) == 0)
        status = json_loadfd(fd, 0, &error);
    if (status != NULL)
        snapshot_take(&observer->snapshot, status);
    else
        log_warning("what the master said cannot be read");
}

static void read_roster(struct observer *observer, const struct ipc_frame *frame)
{
    struct message_crowd crowd;

    memcpy(&crowd, frame->payload, sizeof(crowd));
    heaviest_take(&observer->snapshot.heaviest, frame->fds[0], crowd.more);
}

static void on_frame(struct ipc *ipc, const struct ipc_frame *frame, void *user)
{
    (void)ipc;
    if (frame->type == MESSAGE_STATUS && frame->fd_count == 1)
        read_status(user, frame->fds[0]);
    if (frame->type == MESSAGE_CROWD && frame->fd_count == 1 &&
        frame->size == sizeof(struct message_crowd))
        read_roster(user, frame);
    ipc_close_fds(frame);
}

static void on_close(struct ipc *ipc, int error, void *user)
{
    struct observer *observer = user;

    (void)error;
    ipc_free(ipc);
    observer->channel = NULL;
    ev_break(observer->loop, EVBREAK_ALL);
}

static const struct ipc_events channel_events = {.on_frame = on_frame, .on_close = on_close};

/* Who looks is shown the connections of a few seconds ago. */
static void on_look(void *user)
{
    struct observer *observer = user;
    double now = clock_s();

    if (observer->channel == NULL || now - observer->looked < LOOK_S)
        return;
    observer->looked = now;
    heaviest_begin(&observer->snapshot.heaviest);
    (void)ipc_send(observer->channel, MESSAGE_LOOK, NULL, 0, NULL, 0);
}

/* --- Rights --- */

static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

/* It needs nothing that it does not have already.  0 or a negative code. */
static int confine(const struct observing *observing)
{
    const struct rlimit files = {MAX_FDS, MAX_FDS}, none = {0, 0};
    int error = 0;

    if (setrlimit(RLIMIT_NOFILE, &files) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
        return -errno;
    if (observing->changes_identity)
        error = privileges_drop(&observing->identity, NULL);
    if (error == 0)
        error = drop_capabilities();
    if (error == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        error = -errno;
    return error;
}

/* --- Life --- */

/* A client that goes is no signal; only the master ends us. */
static void set_signals(void)
{
    static const int ignored[] = {SIGPIPE, SIGHUP,  SIGINT,  SIGUSR1, SIGUSR2,
                                  SIGTERM, SIGTTIN, SIGTTOU, SIGWINCH};
    sigset_t none;

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        (void)signal(ignored[i], SIG_IGN);
    (void)signal(SIGQUIT, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int listen_all(struct observer *observer, const struct observing *observing)
{
    observer->https = calloc(observing->listen_count, sizeof(struct http *));
    if (observer->https == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < observing->listen_count; i++) {
        observer->https[i] =
            http_new(observer->loop, observing->listen_fds[i], &observer->snapshot);
        if (observer->https[i] == NULL)
            return -errno;
        observer->http_count++;
    }
    return 0;
}

static int prepare(struct observer *observer, const struct observing *observing)
{
    observer->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (observer->loop == NULL)
        return -ENOMEM;
    observer->channel = ipc_new(observer->loop, observing->channel_fd, &channel_events, observer);
    if (observer->channel == NULL)
        return -errno;
    observer->snapshot.on_look = on_look;
    observer->snapshot.user = observer;
    return listen_all(observer, observing);
}

static void clear(struct observer *observer)
{
    for (size_t i = 0; i < observer->http_count; i++)
        http_free(observer->https[i]);
    free(observer->https);
    snapshot_clear(&observer->snapshot);
    ipc_free(observer->channel);
    if (observer->loop != NULL)
        ev_loop_destroy(observer->loop);
}

int observer_run(struct observing *observing)
{
    struct observer observer = {.looked = -LOOK_S};
    int error;

    log_set_role("observer", 0, -1);
    title_set("observer");
    set_signals();
    error = confine(observing);
    if (error == 0)
        error = prepare(&observer, observing);
    if (error == 0)
        ev_run(observer.loop, 0);
    else
        log_code(LOG_LEVEL_ERROR, error, "the observer cannot start");
    clear(&observer);
    free(observing->listen_fds);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
