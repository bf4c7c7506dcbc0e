/* SPDX-License-Identifier: MIT
 *
 * One server's keepers: started, replaced, buried.
 */
#include "kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "generation.h"
#include "ipc.h"
#include "keeper_process.h"
#include "keeping_plan.h"
#include "log.h"
#include "master_internal.h"
#include "scoreboard.h"
#include "shares.h"

/* Of connections that wait for a keeper: a quarter of it is some forty, the rest is for what all
 * workers send at once (worker/host.c). */
#define SOCKET_BUFFER (64 * 1024)

/* One that ends sooner than EARLY_S is replaced after REST_S, any other at once. */
#define EARLY_S 5.0
#define REST_S  1.0

/* --- What a keeper is told --- */

void plan_clear(struct plan *plan)
{
    keeping_free(plan->keeping);
    free(plan->signature);
    *plan = (struct plan){0};
}

int plan_make(struct plan *plan, const struct config *config, const struct config_server *server,
              char *problem, size_t size)
{
    plan->keeping = keeping_plan(config, server, problem, size);
    if (plan->keeping == NULL)
        return -EINVAL;
    plan->signature = keeping_signature(config, server);
    if (plan->signature != NULL)
        return 0;
    snprintf(problem, size, "out of memory");
    return -ENOMEM;
}

/* The keeper that takes connections; NULL: none. */
static struct keeper_process *taking(const struct kept *kept)
{
    struct keeper_process *process = kept->processes;

    while (process != NULL && process->state != KEEPER_PROCESS_TAKING)
        process = process->next;
    return process;
}

/* The newest living generation that has programs under this name, and its server's index; NULL:
 * none. */
static const struct generation *find_user(const struct kept *kept, size_t *index)
{
    const struct generation *user = NULL;

    for (const struct generation *generation = kept->master->generations.first; generation != NULL;
         generation = generation->next) {
        for (size_t i = 0; i < generation->config->server_count; i++) {
            const struct config_server *server = generation->config->servers[i];

            if (!keeping_is_wanted(server) || strcmp(server->name, kept->server) != 0)
                continue;
            user = generation;
            *index = i;
        }
    }
    return user;
}

bool kept_is_used(const struct kept *kept)
{
    size_t index;

    return find_user(kept, &index) != NULL;
}

/* --- Starting --- */

static void start(struct kept *kept);

static void rest(struct kept *kept, double seconds)
{
    ev_timer_set(&kept->rest, seconds, 0.);
    ev_timer_start(kept->master->loop, &kept->rest);
}

static void on_rested(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    start(timer->data);
}

/* Of an access log that is a file: the descriptor, the generation's; -1: none. */
static int access_fd(const struct kept *kept)
{
    size_t index;
    const struct generation *user = find_user(kept, &index);

    return user != NULL && user->access_fds != NULL ? user->access_fds[index] : -1;
}

void kept_reopen_access(const struct kept *kept)
{
    int fd = access_fd(kept);

    for (const struct keeper_process *process = kept->processes; fd >= 0 && process != NULL;
         process = process->next)
        keeper_process_tell(process, MESSAGE_ACCESS_REOPEN, NULL, 0, fd);
}

/* In the child, which ends here. */
static void become_keeper(struct kept *kept, int channel_fd)
{
    struct keeping *keeping = kept->plan.keeping;
    struct master *master = kept->master;
    keeper_entry *entry = kept->entry;

    keeping->scoreboard = master->scoreboard;
    keeping->channel_fd = channel_fd;
    keeping->work_fd = kept->keeper_fd;
    if (access_fd(kept) >= 0)
        keeping->access_fd = fcntl(access_fd(kept), F_DUPFD_CLOEXEC, 0);
    kept->plan.keeping = NULL;
    kept->keeper_fd = -1;
    master_leave_behind(master);
    entry(keeping);
    abort(); /* unreachable: a keeper_entry never returns */
}

/* After an upgrade only the options are known. */
static bool has_plan(struct kept *kept)
{
    size_t index;
    const struct generation *user = find_user(kept, &index);
    char problem[512];

    if (kept->plan.keeping == NULL && user != NULL) {
        kept->plan.keeping =
            keeping_plan(user->config, user->config->servers[index], problem, sizeof(problem));
        if (kept->plan.keeping == NULL)
            log_error("%s", problem);
    }
    return kept->plan.keeping != NULL;
}

static void start(struct kept *kept)
{
    struct keeper_process *process = keeper_process_new(kept->server, &kept->master->surveys);
    int channel_fd = -1, error = process == NULL ? -ENOMEM : 0;

    if (error == 0 && !has_plan(kept))
        error = -ENOENT;
    if (error == 0)
        error = keeper_process_fork(process, &channel_fd);
    if (error == 0 && process->pid == 0) {
        keeper_process_free(process);
        become_keeper(kept, channel_fd);
    }
    if (error < 0) {
        log_code(LOG_LEVEL_ERROR, error, "keeper cannot be started server=%s", kept->server);
        keeper_process_free(process);
        rest(kept, REST_S);
        return;
    }
    process->kill_timeout_ms = kept->plan.keeping->kill_timeout_ms;
    process->next = kept->processes;
    kept->processes = process;
    log_info("keeper started server=%s pid=%d", kept->server, (int)process->pid);
}

/* --- The transaction, and the end --- */

static bool stays(const struct kept *kept)
{
    return taking(kept) != NULL && kept->plan.signature != NULL &&
           strcmp(kept->plan.signature, kept->prepared.signature) == 0;
}

void kept_commit(struct kept *kept)
{
    struct keeper_process *before = taking(kept);
    bool is_new = !stays(kept);

    plan_clear(&kept->plan);
    kept->plan = kept->prepared;
    kept->prepared = (struct plan){0};
    if (!is_new)
        return;
    ev_timer_stop(kept->master->loop, &kept->rest);
    if (before != NULL)
        keeper_process_retire(before, MESSAGE_RETIRE);
    start(kept);
}

void kept_replace(struct kept *kept, struct keeper_process *process)
{
    keeper_process_retire(process, MESSAGE_RETIRE);
    start(kept);
}

void kept_finish(struct kept *kept)
{
    struct keeper_process *process = taking(kept);

    ev_timer_stop(kept->master->loop, &kept->rest);
    if (process != NULL)
        keeper_process_retire(process, MESSAGE_FINISH);
}

void kept_terminate(struct kept *kept, uint64_t after_ms)
{
    ev_timer_stop(kept->master->loop, &kept->rest);
    for (struct keeper_process *process = kept->processes; process != NULL; process = process->next)
        keeper_process_terminate(process, after_ms);
}

/* --- Deaths --- */

static void log_end(const struct kept *kept, const struct keeper_process *process, int status)
{
    if (process->state == KEEPER_PROCESS_RETIRED && status == 0)
        log_info("keeper ended server=%s pid=%d", kept->server, (int)process->pid);
    else
        log_error("keeper ended: programs that it ran go on alone server=%s pid=%d status=%d "
                  "running=%llu",
                  kept->server, (int)process->pid, status,
                  (unsigned long long)process->programs.running);
}

/* Takes `process`, which is in no list any more. */
static void bury(struct kept *kept, struct keeper_process *process, int status)
{
    bool is_missed =
        process->state == KEEPER_PROCESS_TAKING && kept->master->state <= MASTER_RUNNING;
    bool is_early = clock_s() < process->started_at + EARLY_S;

    keeper_process_hear_out(process);
    log_end(kept, process, status);
    shares_forget(scoreboard_shares(kept->master->scoreboard), shares_keeper(process->pid));
    process->programs.running = 0;
    programs_add(&kept->gone, &process->programs);
    keeper_process_free(process);
    if (is_missed)
        rest(kept, is_early ? REST_S : 0.);
}

/* Out of its list; NULL: it is not in it. */
static struct keeper_process *take_out(struct kept *kept, pid_t pid)
{
    struct keeper_process **at = &kept->processes, *found;

    while (*at != NULL && (*at)->pid != pid)
        at = &(*at)->next;
    found = *at;
    if (found != NULL)
        *at = found->next;
    return found;
}

bool kept_on_child(struct kept *kept, pid_t pid, int status)
{
    struct keeper_process *process = take_out(kept, pid);

    if (process == NULL)
        return false;
    bury(kept, process, status);
    return true;
}

struct message_programs kept_programs(const struct kept *kept)
{
    struct message_programs sum = kept->gone;

    for (const struct keeper_process *process = kept->processes; process != NULL;
         process = process->next)
        programs_add(&sum, &process->programs);
    return sum;
}

size_t kept_silent(const struct kept *kept)
{
    size_t count = 0;

    for (const struct keeper_process *process = kept->processes; process != NULL;
         process = process->next)
        count += process->pulse.state == PULSE_SILENT;
    return count;
}

/* --- From one program to the next --- */

json_t *kept_describe(const struct kept *kept)
{
    json_t *processes = json_array();

    for (const struct keeper_process *process = kept->processes; process != NULL;
         process = process->next)
        json_array_append_new(processes, keeper_process_describe(process));
    return json_pack("{s:s, s:{s:i}, s:{s:i}, s:s*, s:o, s:o}", "server", kept->server, "worker",
                     "fd", kept->worker_fd, "keeper", "fd", kept->keeper_fd, "signature",
                     kept->plan.signature, "gone", programs_json(&kept->gone), "processes",
                     processes);
}

static int adopt_processes(struct kept *kept, const json_t *list)
{
    const json_t *value;
    size_t i;

    json_array_foreach(list, i, value)
    {
        struct keeper_process *process =
            keeper_process_adopt(kept->server, &kept->master->surveys, value);

        if (process == NULL)
            return -EPROTO;
        process->next = kept->processes;
        kept->processes = process;
    }
    return 0;
}

int kept_adopt(struct kept *kept, const json_t *value)
{
    const char *signature = json_string_value(json_object_get(value, "signature"));

    if (json_unpack((json_t *)(uintptr_t)value, "{s:{s:i}, s:{s:i}}", "worker", "fd",
                    &kept->worker_fd, "keeper", "fd", &kept->keeper_fd) < 0)
        return -EPROTO;
    kept->plan.signature = signature != NULL ? strdup(signature) : NULL;
    programs_read(&kept->gone, json_object_get(value, "gone"));
    return adopt_processes(kept, json_object_get(value, "processes"));
}

/* --- Life --- */

int kept_open(struct kept *kept)
{
    const int size = SOCKET_BUFFER;
    int fds[2], error = ipc_pair(fds);

    if (error < 0)
        return error;
    kept->worker_fd = fds[0];
    kept->keeper_fd = fds[1];
    return setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0 ? -errno : 0;
}

void kept_free(struct kept *kept)
{
    struct keeper_process *process;

    while ((process = kept->processes) != NULL) {
        kept->processes = process->next;
        keeper_process_free(process);
    }
    ev_timer_stop(kept->master->loop, &kept->rest);
    plan_clear(&kept->plan);
    plan_clear(&kept->prepared);
    if (kept->worker_fd >= 0)
        close(kept->worker_fd);
    if (kept->keeper_fd >= 0)
        close(kept->keeper_fd);
    free(kept->server);
    free(kept);
}

/* Without a socket. */
struct kept *kept_new(struct master *master, keeper_entry *entry, const char *server)
{
    struct kept *kept = calloc(1, sizeof(*kept));
    char *copy = strdup(server);

    if (kept == NULL || copy == NULL) {
        free(kept);
        free(copy);
        return NULL;
    }
    kept->master = master;
    kept->entry = entry;
    kept->server = copy;
    kept->worker_fd = kept->keeper_fd = -1;
    ev_timer_init(&kept->rest, on_rested, 0., 0.);
    kept->rest.data = kept;
    return kept;
}
