/* SPDX-License-Identifier: MIT
 *
 * One keeper: started, told, heard.
 */
#include "keeper_process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fork.h"
#include "ipc.h"
#include "log.h"
#include "process_stat.h"
#include "survey.h"

/* How long one that answers has, beside kill_timeout, to end after its programs were ended. */
#define PATIENCE_MS 10000

/* --- The channel --- */

static void hear(struct keeper_process *process)
{
    uint64_t now_ms = clock_ms(), silent_ms = pulse_silent_ms(&process->pulse, now_ms);

    if (pulse_hear(&process->pulse, now_ms))
        log_notice("keeper answers again server=%s pid=%d silent_ms=%" PRIu64, process->server,
                   (int)process->pid, silent_ms);
}

static void on_frame(struct ipc *ipc, const struct ipc_frame *frame, void *user)
{
    struct keeper_process *process = user;

    (void)ipc;
    hear(process);
    if (frame->type == MESSAGE_PROGRAMS && frame->size == sizeof(process->programs))
        memcpy(&process->programs, frame->payload, sizeof(process->programs));
    if (frame->type == MESSAGE_TOLD)
        survey_on_told(process->surveys, process, frame);
    ipc_close_fds(frame);
}

/* Its death is told by the kernel. */
static void on_close(struct ipc *ipc, int error, void *user)
{
    struct keeper_process *process = user;

    (void)error;
    ipc_free(ipc);
    process->ipc = NULL;
}

static const struct ipc_events channel_events = {.on_frame = on_frame, .on_close = on_close};

void keeper_process_tell(const struct keeper_process *process, enum message message,
                         const void *payload, size_t size, int fd)
{
    if (process->ipc != NULL)
        (void)ipc_send(process->ipc, message, payload, size, &fd, fd >= 0 ? 1 : 0);
}

void keeper_process_retire(struct keeper_process *process, enum message message)
{
    if (process->state == KEEPER_PROCESS_RETIRED)
        return;
    process->state = KEEPER_PROCESS_RETIRED;
    keeper_process_tell(process, message, NULL, 0, -1);
}

void keeper_process_hear_out(struct keeper_process *process)
{
    if (process->ipc != NULL)
        ipc_read_rest(process->ipc);
    survey_on_lost(process->surveys, process);
}

/* --- The end --- */

/* It stands still first, so that it buries nobody while its programs are looked for. */
static void on_limit(struct ev_loop *loop, ev_timer *timer, int revents)
{
    const struct keeper_process *process = timer->data;

    (void)loop;
    (void)revents;
    log_error("keeper does not end and is killed, with its programs server=%s pid=%d",
              process->server, (int)process->pid);
    kill(process->pid, SIGSTOP);
    process_kill_leaders(process->pid);
    kill(process->pid, SIGKILL);
}

void keeper_process_terminate(struct keeper_process *process, uint64_t after_ms)
{
    uint64_t patience_ms = process->kill_timeout_ms;

    if (process->pulse.state != PULSE_SILENT)
        patience_ms += PATIENCE_MS;
    keeper_process_tell(process, MESSAGE_TERMINATE, &after_ms, sizeof(after_ms), -1);
    ev_timer_stop(process->loop, &process->limit);
    ev_timer_set(&process->limit, (double)(after_ms + patience_ms) / 1e3, 0.);
    ev_timer_start(process->loop, &process->limit);
}

/* --- Life --- */

struct keeper_process *keeper_process_new(const char *server, struct surveys *surveys)
{
    struct keeper_process *process = calloc(1, sizeof(*process));

    if (process == NULL)
        return NULL;
    process->server = server;
    process->surveys = surveys;
    process->loop = surveys->loop;
    process->started_at = clock_s();
    pulse_start(&process->pulse, clock_ms());
    ev_timer_init(&process->limit, on_limit, 0., 0.);
    process->limit.data = process;
    return process;
}

int keeper_process_fork(struct keeper_process *process, int *channel_fd)
{
    struct child child = {0};
    int error = fork_child(process->loop, &channel_events, process, &child);

    if (error < 0)
        return error;
    process->pid = child.pid;
    process->ipc = child.ipc;
    *channel_fd = child.channel_fd;
    return 0;
}

void keeper_process_free(struct keeper_process *process)
{
    if (process == NULL)
        return;
    ev_timer_stop(process->loop, &process->limit);
    ipc_free(process->ipc);
    free(process);
}

/* --- From one program to the next --- */

json_t *keeper_process_describe(const struct keeper_process *process)
{
    return json_pack("{s:I, s:i, s:i, s:I, s:o}", "pid", (json_int_t)process->pid, "fd",
                     process->ipc != NULL ? ipc_fd(process->ipc) : -1, "state", (int)process->state,
                     "kill_timeout_ms", (json_int_t)process->kill_timeout_ms, "programs",
                     programs_json(&process->programs));
}

struct keeper_process *keeper_process_adopt(const char *server, struct surveys *surveys,
                                            const json_t *value)
{
    struct keeper_process *process = keeper_process_new(server, surveys);
    json_int_t pid = json_integer_value(json_object_get(value, "pid"));
    int fd = (int)json_integer_value(json_object_get(value, "fd"));

    if (process == NULL || pid <= 0 || (fd >= 0 && fcntl(fd, F_GETFD) < 0)) {
        keeper_process_free(process);
        return NULL;
    }
    process->pid = (pid_t)pid;
    if (json_integer_value(json_object_get(value, "state")) == KEEPER_PROCESS_RETIRED)
        process->state = KEEPER_PROCESS_RETIRED;
    process->kill_timeout_ms =
        (uint64_t)json_integer_value(json_object_get(value, "kill_timeout_ms"));
    programs_read(&process->programs, json_object_get(value, "programs"));
    if (fd >= 0)
        process->ipc = ipc_new(process->loop, fd, &channel_events, process);
    return process;
}

/* --- Status --- */

static const char *describe_state(const struct keeper_process *process)
{
    if (process->pulse.state == PULSE_SILENT)
        return "hanging";
    return process->state == KEEPER_PROCESS_TAKING ? "taking" : "ending";
}

json_t *keeper_process_status(const struct keeper_process *process)
{
    json_t *status = json_pack("{s:s, s:I, s:s, s:I}", "server", process->server, "pid",
                               (json_int_t)process->pid, "state", describe_state(process),
                               "programs", (json_int_t)process->programs.running);

    if (process->pulse.state == PULSE_SILENT)
        json_object_set_new(status, "silent_s",
                            json_real((double)pulse_silent_ms(&process->pulse, clock_ms()) / 1e3));
    return status;
}

/* --- Counts --- */

json_t *programs_json(const struct message_programs *programs)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "running", (json_int_t)programs->running, "started",
                     (json_int_t)programs->started, "failed", (json_int_t)programs->failed,
                     "refused", (json_int_t)programs->refused);
}

void programs_read(struct message_programs *programs, const json_t *value)
{
    *programs = (struct message_programs){
        .running = (uint64_t)json_integer_value(json_object_get(value, "running")),
        .started = (uint64_t)json_integer_value(json_object_get(value, "started")),
        .failed = (uint64_t)json_integer_value(json_object_get(value, "failed")),
        .refused = (uint64_t)json_integer_value(json_object_get(value, "refused")),
    };
}

void programs_add(struct message_programs *sum, const struct message_programs *more)
{
    sum->running += more->running;
    sum->started += more->started;
    sum->failed += more->failed;
    sum->refused += more->refused;
}
