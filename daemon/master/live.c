/* SPDX-License-Identifier: MIT
 *
 * The log's target, level and format, the time to drain, the length of accept queues.
 */
#include "live.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "generation.h"
#include "master_internal.h"
#include "slot.h"
#include "tuning.h"

int live_prepare(struct live *live, const struct config *before, const struct config *after)
{
    const char *old = before->daemon.log_target, *new = after->daemon.log_target;
    int error;

    *live = (struct live){.level = log_level(),
                          .format = log_format(),
                          .has_moved = old == NULL || strcmp(old, new) != 0};
    if (live->has_moved) {
        error = log_open(new, live->level);
        if (error < 0)
            return error;
    }
    live->target = old != NULL ? strdup(old) : NULL;
    live->is_prepared = true;
    log_set_level((enum log_level)after->daemon.log_level);
    log_set_format((enum log_format)after->daemon.log_format);
    return 0;
}

void live_rollback(struct live *live)
{
    if (live->is_prepared) {
        log_set_level(live->level);
        log_set_format(live->format);
    }
    if (live->is_prepared && live->has_moved && live->target != NULL &&
        log_open(live->target, live->level) < 0)
        log_error("the log stays where it is: its old target does not open any more");
    live_clear(live);
}

void live_clear(struct live *live)
{
    free(live->target);
    *live = (struct live){0};
}

/* --- Commit --- */

static void tell_log(struct master *master, const struct live *live, const struct config *after)
{
    const char *target = after->daemon.log_target;
    uint32_t level = (uint32_t)after->daemon.log_level;
    uint32_t format = (uint32_t)after->daemon.log_format;

    supervisor_tell_all(&master->supervisor, MESSAGE_LOG_LEVEL, &level, sizeof(level), -1);
    keepers_tell_all(master->keepers, MESSAGE_LOG_LEVEL, &level, sizeof(level), -1);
    supervisor_tell_all(&master->supervisor, MESSAGE_LOG_FORMAT, &format, sizeof(format), -1);
    keepers_tell_all(master->keepers, MESSAGE_LOG_FORMAT, &format, sizeof(format), -1);
    if (!live->has_moved)
        return;
    supervisor_tell_all(&master->supervisor, MESSAGE_LOG_TARGET, target, strlen(target) + 1,
                        log_file_fd());
    keepers_tell_all(master->keepers, MESSAGE_LOG_TARGET, target, strlen(target) + 1,
                     log_file_fd());
}

static void limit_draining(const struct master *master, const struct config *after)
{
    for (struct generation *generation = master->generations.first; generation != NULL;
         generation = generation->next) {
        for (unsigned i = 0; i < generation->slot_count; i++)
            slot_limit_draining(&generation->slots[i], after->daemon.shutdown_timeout_ms);
    }
}

void live_commit(struct live *live, struct master *master, const struct generation *next)
{
    tuning_apply(next);
    limit_draining(master, next->config);
    if (live->is_prepared)
        tell_log(master, live, next->config);
    live_clear(live);
}
