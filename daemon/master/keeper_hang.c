/* SPDX-License-Identifier: MIT
 *
 * Asked, replaced, buried.
 */
#include "keeper_hang.h"

#include <inttypes.h>
#include <signal.h>
#include <stddef.h>

#include "clock.h"
#include "keeper_process.h"
#include "kept.h"
#include "log.h"
#include "master_internal.h"
#include "process_stat.h"

/* So many of a server may hang at a time before no other one is started: what they hang in may wait
 * for the next ones, too. */
#define SILENT_MOST 3

/* Between two looks at what runs still, which are dear. */
#define LOOK_MS 5000

static void log_hang(const struct kept *kept, const struct keeper_process *process, uint64_t now_ms)
{
    struct process_stat stat = {.state = '?'};

    (void)process_stat_read(process->pid, &stat);
    log_error("keeper hangs: its programs go on, but nobody ends them or counts their ends "
              "server=%s pid=%d silent_ms=%" PRIu64 " process_state=%c running=%" PRIu64,
              kept->server, (int)process->pid, pulse_silent_ms(&process->pulse, now_ms), stat.state,
              process->programs.running);
}

static void replace(struct kept *kept, struct keeper_process *process)
{
    if (kept->master->state > MASTER_RUNNING || kept_silent(kept) > SILENT_MOST)
        return;
    log_notice("another keeper takes clients server=%s", kept->server);
    kept_replace(kept, process);
}

/* One that would have ended long ago. */
static void end_when_alone(const struct kept *kept, struct keeper_process *process, uint64_t now_ms)
{
    if (now_ms < process->looked_ms + LOOK_MS)
        return;
    process->looked_ms = now_ms;
    if (process_has_leaders(process->pid))
        return;
    log_notice("keeper hangs and is killed: none of its programs runs any more server=%s pid=%d",
               kept->server, (int)process->pid);
    process->programs.running = 0;
    kill(process->pid, SIGKILL);
}

static void look_at(struct kept *kept, struct keeper_process *process, uint64_t timeout_ms)
{
    uint64_t now_ms = clock_ms();

    if (pulse_ask(&process->pulse, now_ms, timeout_ms))
        keeper_process_tell(process, MESSAGE_REPORT, NULL, 0, -1);
    if (pulse_falls_silent(&process->pulse, now_ms, timeout_ms))
        log_hang(kept, process, now_ms);
    if (process->pulse.state != PULSE_SILENT)
        return;
    if (process->state == KEEPER_PROCESS_TAKING)
        replace(kept, process);
    else
        end_when_alone(kept, process, now_ms);
}

/* One that is started meanwhile stands in front. */
void keeper_hang_look(struct kept *kept, uint64_t timeout_ms)
{
    for (struct keeper_process *process = kept->processes; process != NULL; process = process->next)
        look_at(kept, process, timeout_ms);
}
