/* SPDX-License-Identifier: MIT
 *
 * Handles, process, and a word each second.
 */
#include "observation.h"

#include <errno.h>
#include <ev.h>
#include <prong/address.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "fork.h"
#include "generation.h"
#include "ipc.h"
#include "listeners.h"
#include "log.h"
#include "master_internal.h"
#include "message.h"
#include "scoreboard.h"
#include "survey.h"

#define PERIOD_S 1.0

/* Before a dead observer is replaced. */
#define REST_S 1.0

/* Handles that were taken from the registry. */
struct handles {
    struct listener **listeners;
    size_t count;
};

struct observation {
    struct master *master;
    observer_entry *entry;
    struct handles current;
    struct handles next;       /* prepared; empty outside a transaction */
    struct observing identity; /* whom the process becomes; nothing else of it */
    pid_t pid;                 /* 0: there is none */
    struct ipc *channel;
    ev_timer period; /* tells */
    ev_timer rest;   /* then it is started again */
};

/* --- Handles --- */

static void give_back(struct observation *observation, struct handles *handles)
{
    for (size_t i = 0; i < handles->count; i++)
        listeners_release(observation->master->listeners, handles->listeners[i]);
    free(handles->listeners);
    *handles = (struct handles){0};
}

static bool are_same(const struct handles *left, const struct handles *right)
{
    if (left->count != right->count)
        return false;
    for (size_t i = 0; i < left->count; i++)
        if (left->listeners[i] != right->listeners[i])
            return false;
    return true;
}

/* --- Telling --- */

/* Why a reload was refused may quote a line of the configuration: that is not for everybody who can
 * see the page. */
static void hide_reasons(const json_t *status)
{
    json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(status, "timeline"), i, entry)
    {
        const char *event = json_string_value(json_object_get(entry, "event"));

        if (event != NULL && strcmp(event, "refusal") == 0)
            json_object_set_new(entry, "detail", json_string("the log says why"));
    }
}

static int write_status(const struct master *master)
{
    json_t *status = master_status(master);
    int fd = memfd_create("prongd-status", MFD_CLOEXEC);

    hide_reasons(status);
    if (fd >= 0 && (status == NULL || json_dumpfd(status, fd, JSON_COMPACT) < 0)) {
        close(fd);
        fd = -1;
    }
    json_decref(status);
    return fd;
}

/* One that does not listen is not told more. */
void observation_tell(struct observation *observation)
{
    int fd;

    if (observation->channel == NULL || ipc_queued(observation->channel) > 0)
        return;
    fd = write_status(observation->master);
    if (fd < 0)
        return;
    (void)ipc_send(observation->channel, MESSAGE_STATUS, NULL, 0, &fd, 1);
    close(fd);
}

static void on_period(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    observation_tell(timer->data);
}

/* --- Who looks at the page --- */

/* The workers have told: what they say goes on, unread. */
static void pass_rosters(struct survey *survey)
{
    struct observation *observation = survey->user;
    struct message_crowd crowd = {0};

    for (size_t i = 0; i < survey->part_count; i++)
        crowd.more += survey->parts[i].fd >= 0;
    for (size_t i = 0; i < survey->part_count && observation->channel != NULL; i++) {
        if (survey->parts[i].fd < 0)
            continue;
        crowd.more--;
        (void)ipc_send(observation->channel, MESSAGE_CROWD, &crowd, sizeof(crowd),
                       &survey->parts[i].fd, 1);
    }
}

static void ask_for_rosters(struct observation *observation)
{
    struct message_ask ask = {0};
    const struct survey_question question = {.message = MESSAGE_ROSTER,
                                             .payload = &ask,
                                             .payload_size = sizeof(ask),
                                             .user = observation,
                                             .answer = pass_rosters};

    if (ipc_queued(observation->channel) == 0)
        survey_start(&observation->master->surveys, &question, NULL);
}

/* It may say that somebody looks.  Who says more is not what we started. */
static void on_frame(struct ipc *ipc, const struct ipc_frame *frame, void *user)
{
    struct observation *observation = user;

    (void)ipc;
    if (frame->type == MESSAGE_LOOK && frame->size == 0 && frame->fd_count == 0) {
        ask_for_rosters(observation);
        return;
    }
    ipc_close_fds(frame);
    log_error("the observer is ended: it sent something");
    kill(observation->pid, SIGKILL);
}

/* --- The process --- */

static void hang_up(struct observation *observation)
{
    ev_timer_stop(observation->master->loop, &observation->period);
    ipc_free(observation->channel);
    observation->channel = NULL;
}

static void on_close(struct ipc *ipc, int error, void *user)
{
    (void)ipc;
    (void)error;
    hang_up(user);
}

static const struct ipc_events channel_events = {.on_frame = on_frame, .on_close = on_close};

/* In the child: what it needs, out of the master. */
static int bequeath(struct observation *observation, struct observing *observing)
{
    struct handles *handles = &observation->current;

    *observing = observation->identity;
    observing->listen_fds = calloc(handles->count, sizeof(int));
    if (observing->listen_fds == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < handles->count; i++) {
        observing->listen_fds[i] = handles->listeners[i]->fd;
        handles->listeners[i]->fd = -1;
    }
    observing->listen_count = handles->count;
    return 0;
}

/* In the child, which ends here. */
static void become_observer(struct observation *observation, int channel_fd)
{
    observer_entry *entry = observation->entry;
    struct scoreboard *scoreboard = observation->master->scoreboard;
    struct observing observing;

    if (bequeath(observation, &observing) < 0)
        _exit(EXIT_FAILURE);
    observing.channel_fd = channel_fd;
    master_leave_behind(observation->master);
    scoreboard_free(scoreboard);
    entry(&observing);
    abort(); /* unreachable: an observer_entry never returns */
}

static void rest(struct observation *observation)
{
    ev_timer_set(&observation->rest, REST_S, 0.);
    ev_timer_start(observation->master->loop, &observation->rest);
}

static void log_started(const struct observation *observation)
{
    char text[PRONG_ADDRESS_TEXT_SIZE];

    for (size_t i = 0; i < observation->current.count; i++)
        log_info(
            "observer started pid=%d address=%s", (int)observation->pid,
            prong_address_format(&observation->current.listeners[i]->address, text, sizeof(text)));
}

static void start(struct observation *observation)
{
    struct child child = {0};
    int error = fork_child(observation->master->loop, &channel_events, observation, &child);

    if (error == 0 && child.pid == 0)
        become_observer(observation, child.channel_fd);
    if (error < 0) {
        log_code(LOG_LEVEL_ERROR, error, "the observer cannot be started");
        rest(observation);
        return;
    }
    observation->pid = child.pid;
    observation->channel = child.ipc;
    log_started(observation);
    observation_tell(observation);
    ev_timer_start(observation->master->loop, &observation->period);
}

/* Its end is its own affair. */
static void stop(struct observation *observation)
{
    ev_timer_stop(observation->master->loop, &observation->rest);
    hang_up(observation);
    observation->pid = 0;
}

static void on_rested(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    start(timer->data);
}

bool observation_on_child(struct observation *observation, pid_t pid, int status)
{
    if (pid != observation->pid)
        return false;
    log_error("observer ended pid=%d status=%d", (int)pid, status);
    stop(observation);
    if (observation->current.count > 0)
        rest(observation);
    return true;
}

/* --- The transaction --- */

int observation_prepare(struct observation *observation, const struct config *config, char *problem,
                        size_t size)
{
    const struct config_server *server = config->metrics;
    struct handles *next = &observation->next;
    char reason[256];

    if (server == NULL)
        return 0;
    next->listeners = calloc(server->address_count, sizeof(struct listener *));
    if (next->listeners == NULL) {
        snprintf(problem, size, "out of memory");
        return -ENOMEM;
    }
    for (size_t i = 0; i < server->address_count; i++) {
        next->listeners[i] =
            listeners_take(observation->master->listeners, server, i, 0, reason, sizeof(reason));
        if (next->listeners[i] == NULL) {
            snprintf(problem, size, "%s: [prongd] metrics_%s", config->file, reason);
            observation_rollback(observation);
            return -EADDRINUSE;
        }
        next->count++;
    }
    return 0;
}

void observation_rollback(struct observation *observation)
{
    give_back(observation, &observation->next);
}

void observation_commit(struct observation *observation, const struct generation *generation)
{
    struct handles before = observation->current;
    bool stays = observation->pid != 0 && are_same(&before, &observation->next) &&
                 generation->changes_identity == observation->identity.changes_identity &&
                 generation->identity.uid == observation->identity.identity.uid;

    observation->current = observation->next;
    observation->next = (struct handles){0};
    observation->identity.changes_identity = generation->changes_identity;
    observation->identity.identity = generation->identity;
    if (stays) {
        observation_tell(observation);
    } else {
        stop(observation);
        if (observation->current.count > 0)
            start(observation);
    }
    give_back(observation, &before);
}

/* --- From one program to the next --- */

json_t *observation_describe(const struct observation *observation)
{
    json_t *list = json_array();

    for (size_t i = 0; i < observation->current.count; i++)
        json_array_append_new(list,
                              json_pack("{s:i}", "fd", observation->current.listeners[i]->fd));
    return list;
}

int observation_adopt(struct observation *observation, const json_t *list)
{
    struct handles *current = &observation->current;
    size_t count = json_array_size(list);

    if (count == 0)
        return 0;
    current->listeners = calloc(count, sizeof(struct listener *));
    for (size_t i = 0; current->listeners != NULL && i < count; i++) {
        json_int_t fd = json_integer_value(json_object_get(json_array_get(list, i), "fd"));

        current->listeners[i] = listeners_take_fd(observation->master->listeners, (int)fd);
        if (current->listeners[i] == NULL)
            return -EPROTO;
        current->count++;
    }
    return current->listeners == NULL ? -ENOMEM : 0;
}

/* --- Life --- */

struct observation *observation_new(struct master *master, observer_entry *entry)
{
    struct observation *observation = calloc(1, sizeof(*observation));

    if (observation == NULL)
        return NULL;
    observation->master = master;
    observation->entry = entry;
    ev_timer_init(&observation->period, on_period, PERIOD_S, PERIOD_S);
    observation->period.data = observation;
    ev_timer_init(&observation->rest, on_rested, REST_S, 0.);
    observation->rest.data = observation;
    return observation;
}

void observation_free(struct observation *observation, bool gives_back)
{
    if (observation == NULL)
        return;
    stop(observation);
    if (gives_back) {
        give_back(observation, &observation->current);
        give_back(observation, &observation->next);
    }
    free(observation->current.listeners);
    free(observation->next.listeners);
    free(observation);
}
