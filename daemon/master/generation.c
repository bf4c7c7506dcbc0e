/* SPDX-License-Identifier: MIT
 *
 * Generations: prepared before anything is started, freed when nobody is left.
 */
#include "generation.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "access_files.h"
#include "commons.h"
#include "config.h"
#include "descriptor_list.h"
#include "descriptors.h"
#include "inherited_config.h"
#include "ipc.h"
#include "keepers.h"
#include "keeping_plan.h"
#include "listeners.h"
#include "log.h"
#include "scoreboard.h"
#include "slot.h"

#define TO(state) (1U << (state))

static const unsigned allowed[] = {
    [GENERATION_STARTING] =
        TO(GENERATION_SERVING) | TO(GENERATION_DRAINING) | TO(GENERATION_STOPPING),
    [GENERATION_SERVING] = TO(GENERATION_DRAINING) | TO(GENERATION_STOPPING),
    [GENERATION_DRAINING] = TO(GENERATION_STOPPING),
    [GENERATION_STOPPING] = 0,
};

static const char *const state_names[] = {
    [GENERATION_STARTING] = "starting",
    [GENERATION_SERVING] = "serving",
    [GENERATION_DRAINING] = "draining",
    [GENERATION_STOPPING] = "stopping",
};

void generation_list_append(struct generation_list *list, struct generation *generation)
{
    struct generation **end = &list->first;

    while (*end != NULL)
        end = &(*end)->next;
    generation->next = NULL;
    *end = generation;
}

void generation_list_remove(struct generation_list *list, struct generation *generation)
{
    struct generation **at = &list->first;

    while (*at != generation)
        at = &(*at)->next;
    *at = generation->next;
    generation->next = NULL;
}

struct generation *generation_list_current(const struct generation_list *list)
{
    struct generation *current = NULL;
    struct generation *generation;

    for (generation = list->first; generation != NULL; generation = generation->next) {
        if (generation->state == GENERATION_SERVING)
            current = generation;
    }
    return current;
}

struct slot *generation_list_find_slot(const struct generation_list *list, pid_t pid)
{
    struct generation *generation;

    for (generation = list->first; generation != NULL; generation = generation->next) {
        for (unsigned i = 0; i < generation->slot_count; i++) {
            if (generation->slots[i].pid == pid)
                return &generation->slots[i];
        }
    }
    return NULL;
}

void generation_enter(struct generation *generation, enum generation_state state)
{
    assert((allowed[generation->state] & TO(state)) != 0);
    log_debug("generation changes generation=%llu from=%s to=%s",
              (unsigned long long)generation->number, state_names[generation->state],
              state_names[state]);
    generation->state = state;
}

unsigned generation_workers(const struct generation *generation)
{
    unsigned count = 0;

    for (unsigned i = 0; i < generation->slot_count; i++)
        count += slot_is_occupied(&generation->slots[i]) ? 1 : 0;
    return count;
}

/* --- Preparing one --- */

int generation_find_identity(const struct config *config, bool *changes,
                             struct privileges *identity, char *problem, size_t size)
{
    const struct config_daemon *daemon = &config->daemon;
    char reason[256];

    *changes = geteuid() == 0;
    if (!*changes)
        return 0;
    if (privileges_find(identity, daemon->user != NULL ? daemon->user : CONFIG_DEFAULT_USER,
                        daemon->group, reason, sizeof(reason)) == 0)
        return 0;
    snprintf(problem, size, "%s: [prongd] user: %s", config->file, reason);
    return -ENOENT;
}

static int find_identity(struct generation *generation, char *problem, size_t size)
{
    const struct config_daemon *daemon = &generation->config->daemon;
    int error;

    error = generation_find_identity(generation->config, &generation->changes_identity,
                                     &generation->identity, problem, size);
    if (error == 0 && !generation->changes_identity &&
        (daemon->user != NULL || daemon->group != NULL || daemon->chroot != NULL))
        log_notice("user, group and chroot are ignored: only root can become somebody else");
    return error;
}

static bool holds(const struct generation *generation, const struct listener *listener)
{
    for (size_t i = 0; i < generation->listener_count; i++) {
        if (generation->listeners[i].listener == listener)
            return true;
    }
    return false;
}

/* Takes the `nth` handle for one address of one server. */
static int open_address(struct generation *generation, unsigned server, size_t index, unsigned nth,
                        char *problem, size_t size)
{
    const struct config_server *config = generation->config->servers[server];
    struct listener *listener;
    char reason[256];

    listener = listeners_take(generation->registry, config, index, nth, reason, sizeof(reason));
    if (listener != NULL && holds(generation, listener)) {
        listeners_release(generation->registry, listener);
        listener = NULL;
        snprintf(reason, sizeof(reason), "listen: the address stands in the file twice");
    }
    if (listener == NULL) {
        snprintf(problem, size, "%s: [server %s] %s", generation->config->file, config->name,
                 reason);
        return -EADDRINUSE;
    }
    generation->listeners[generation->listener_count].server = server;
    generation->listeners[generation->listener_count].listener = listener;
    generation->listener_count++;
    return 0;
}

static int open_server(struct generation *generation, unsigned server, unsigned workers,
                       char *problem, size_t size)
{
    const struct config_server *config = generation->config->servers[server];
    int error = 0;

    for (size_t index = 0; index < config->address_count; index++) {
        unsigned count = listeners_count(generation->registry, config, index, workers);

        if (config->accept == CONFIG_ACCEPT_REUSEPORT && !listeners_is_multiplied(config, index))
            log_notice("one handle for all workers: accept = reuseport is for TCP addresses that "
                       "prongd opens server=%s listen=%s",
                       config->name, config->listen.items[index]);
        for (unsigned nth = 0; error == 0 && nth < count; nth++)
            error = open_address(generation, server, index, nth, problem, size);
    }
    return error;
}

static size_t count_handles(const struct generation *generation, unsigned workers)
{
    const struct config *config = generation->config;
    size_t count = 0;

    for (size_t server = 0; server < config->server_count; server++) {
        for (size_t i = 0; i < config->servers[server]->address_count; i++)
            count += listeners_count(generation->registry, config->servers[server], i, workers);
    }
    return count;
}

static int open_listeners(struct generation *generation, unsigned workers, char *problem,
                          size_t size)
{
    size_t count = count_handles(generation, workers);
    int error = descriptors_raise(generation->config, problem, size);

    if (error < 0)
        return error;
    generation->listeners = calloc(count > 0 ? count : 1, sizeof(*generation->listeners));
    if (generation->listeners == NULL) {
        snprintf(problem, size, "out of memory");
        return -ENOMEM;
    }
    for (unsigned server = 0; error == 0 && server < generation->config->server_count; server++)
        error = open_server(generation, server, workers, problem, size);
    return error;
}

static int open_access_files(struct generation *generation, char *problem, size_t size)
{
    generation->access_fds = access_files_open(generation->config, problem, size);
    return generation->access_fds != NULL ? 0 : -EACCES;
}

/* Workers send connections to them. */
static int open_keepers(struct generation *generation, const struct keepers *keepers)
{
    size_t count = generation->config->server_count;

    generation->keeper_fds = descriptor_list_new(count);
    for (size_t i = 0; generation->keeper_fds != NULL && i < count; i++) {
        int fd = keepers_worker_fd(keepers, generation->config->servers[i]->name);

        if (fd < 0 || !keeping_is_wanted(generation->config->servers[i]))
            continue;
        generation->keeper_fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (generation->keeper_fds[i] < 0)
            return -errno;
    }
    return generation->keeper_fds == NULL ? -ENOMEM : 0;
}

/* Workers tell each other through them to look again (worker/gate.c). */
static int open_nudges(struct generation *generation)
{
    generation->nudge_fds = descriptor_list_new(generation->slot_count);
    if (generation->nudge_fds == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < generation->slot_count; i++) {
        generation->nudge_fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (generation->nudge_fds[i] < 0)
            return -errno;
    }
    return 0;
}

static int add_slots(struct generation *generation, unsigned count, char *problem, size_t size)
{
    int error;

    error = scoreboard_add(generation->scoreboard, generation->number, count,
                           (unsigned)generation->config->server_count);
    if (error < 0) {
        snprintf(problem, size, "no room on the scoreboard: %s", strerror(-error));
        return error;
    }
    generation->slots = calloc(count, sizeof(*generation->slots));
    if (generation->slots == NULL) {
        scoreboard_remove(generation->scoreboard, generation->number);
        snprintf(problem, size, "out of memory");
        return -ENOMEM;
    }
    generation->slot_count = count;
    if (open_nudges(generation) < 0) {
        snprintf(problem, size, "no descriptors for %u workers: %s", count, strerror(errno));
        return -EMFILE;
    }
    for (unsigned i = 0; i < count; i++)
        slot_init(&generation->slots[i], generation, i,
                  scoreboard_worker(generation->scoreboard, generation->number, i));
    return 0;
}

/* Empty.  NULL when memory is short; the configuration is freed then. */
static struct generation *new_generation(const struct generation_plan *plan)
{
    struct generation *generation = calloc(1, sizeof(*generation));
    struct common **commons = commons_none(plan->config);

    if (generation == NULL || commons == NULL) {
        free(generation);
        free(commons);
        config_free(plan->config);
        return NULL;
    }
    generation->commons = commons;
    generation->shared = plan->shared;
    generation->number = plan->number;
    generation->config = plan->config;
    generation->registry = plan->registry;
    generation->scoreboard = plan->scoreboard;
    return generation;
}

static int find_keepers(struct generation *generation, const struct keepers *keepers, char *problem,
                        size_t size)
{
    int error = open_keepers(generation, keepers);

    if (error < 0)
        snprintf(problem, size, "no way to the keepers: %s", strerror(-error));
    return error;
}

struct generation *generation_new(const struct generation_plan *plan, char *problem, size_t size)
{
    struct generation *generation = new_generation(plan);
    unsigned workers = plan->workers;

    if (generation == NULL) {
        snprintf(problem, size, "out of memory");
        return NULL;
    }
    if (workers == 0)
        workers = config_workers(generation->config);
    if (find_identity(generation, problem, size) == 0 &&
        open_listeners(generation, workers, problem, size) == 0 &&
        open_access_files(generation, problem, size) == 0 &&
        find_keepers(generation, plan->keepers, problem, size) == 0 &&
        commons_take_all(generation->shared, generation->config, generation->commons, problem,
                         size) == 0 &&
        add_slots(generation, workers, problem, size) == 0)
        return generation;
    generation_free(generation);
    return NULL;
}

/* --- Adopting one --- */

struct generation *generation_adopt(const struct generation_plan *plan, enum generation_state state,
                                    bool accepts)
{
    struct generation *generation = new_generation(plan);
    unsigned workers = plan->workers;
    char problem[512];

    if (generation == NULL)
        return NULL;
    generation->state = state;
    generation->accepts = accepts;
    generation->is_fixed = !inherited_config_is_whole(plan->config) ||
                           find_identity(generation, problem, sizeof(problem)) < 0;
    generation->slots = calloc(workers + 1U, sizeof(*generation->slots));
    generation->nudge_fds = descriptor_list_new(workers);
    generation->access_fds = access_files_open_some(plan->config);
    if (generation->slots == NULL || generation->nudge_fds == NULL ||
        generation->access_fds == NULL || open_keepers(generation, plan->keepers) < 0 ||
        (workers > 0 && scoreboard_worker(plan->scoreboard, plan->number, workers - 1) == NULL)) {
        generation_abandon(generation);
        return NULL;
    }
    generation->slot_count = workers;
    commons_take_all_known(generation->shared, generation->config, generation->commons);
    for (unsigned i = 0; i < workers; i++)
        slot_init(&generation->slots[i], generation, i,
                  scoreboard_worker(plan->scoreboard, plan->number, i));
    return generation;
}

int generation_adopt_listener(struct generation *generation, unsigned server, int fd)
{
    struct listener *listener = listeners_take_fd(generation->registry, fd);
    struct generation_listener *listeners = realloc(
        generation->listeners, (generation->listener_count + 1) * sizeof(*generation->listeners));

    if (listeners != NULL)
        generation->listeners = listeners;
    if (listener == NULL || listeners == NULL)
        return -ENOENT;
    listeners[generation->listener_count].server = server;
    listeners[generation->listener_count].listener = listener;
    generation->listener_count++;
    return 0;
}

/* --- Giving it up --- */

void generation_forget_listener(struct generation *generation, size_t index)
{
    struct generation_listener *entry = &generation->listeners[index];
    struct listener *listener = entry->listener;

    generation->listener_count--;
    memmove(entry, entry + 1, (generation->listener_count - index) * sizeof(*entry));
    listeners_release(generation->registry, listener);
}

void generation_release_listeners(struct generation *generation)
{
    for (size_t i = 0; i < generation->listener_count; i++)
        listeners_release(generation->registry, generation->listeners[i].listener);
    generation->listener_count = 0;
}

unsigned generation_owner(const struct generation *generation,
                          const struct generation_listener *entry)
{
    const struct config_server *server = generation->config->servers[entry->server];
    const struct listener *listener = entry->listener;

    if (server->accept != CONFIG_ACCEPT_REUSEPORT || !listener_can_be_multiplied(listener))
        return listener->nth == 0 ? INHERITED_BY_ALL : INHERITED_BY_NOBODY;
    return listener->nth < generation->slot_count ? listener->nth : INHERITED_BY_NOBODY;
}

void generation_free(struct generation *generation)
{
    if (generation == NULL)
        return;
    assert(generation_workers(generation) == 0);
    generation_release_listeners(generation);
    commons_release_all(generation->shared, generation->config, generation->commons);
    if (generation->slots != NULL)
        scoreboard_remove(generation->scoreboard, generation->number);
    generation_abandon(generation);
}

void generation_abandon(struct generation *generation)
{
    for (unsigned i = 0; generation->slots != NULL && i < generation->slot_count; i++)
        ipc_free(generation->slots[i].ipc);
    descriptor_list_free(generation->nudge_fds, generation->slot_count);
    if (generation->config != NULL) {
        descriptor_list_free(generation->keeper_fds, generation->config->server_count);
        access_files_close(generation->access_fds, generation->config->server_count);
    }
    free(generation->slots);
    free(generation->listeners);
    free(generation->commons);
    config_free(generation->config);
    free(generation);
}
