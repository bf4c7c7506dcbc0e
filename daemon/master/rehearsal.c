/* SPDX-License-Identifier: MIT
 *
 * Loading in a child, and hearing from it on the loop.
 *
 * The child says a byte, whether the system was at fault, and the problems' text.
 */
#include "rehearsal.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "config.h"
#include "errand.h"
#include "keepers.h"

/* More than a few modules need that hang one after the other. */
#define TIMEOUT_MS 30000

#define SYSTEM        's'
#define CONFIGURATION 'c'

struct rehearsal {
    const char *file;
    const struct prongd_handler *const *handlers;
    struct ev_loop *loop;
    pid_t pid;
    ev_io output;
    ev_timer limit;
    char *report;
    size_t size;
    rehearsal_done *done;
    void *user;
};

/* --- In the child --- */

static void load(FILE *report, void *user)
{
    const struct rehearsal *rehearsal = user;
    struct config_problems problems = {0};
    const struct config *config = config_load(rehearsal->file, rehearsal->handlers, &problems);
    char problem[512];

    if (config == NULL)
        (void)fprintf(report, "%c%s", problems.system ? SYSTEM : CONFIGURATION,
                      problems.text != NULL ? problems.text : "out of memory");
    else if (keepers_check(config, problem, sizeof(problem)) < 0)
        (void)fprintf(report, "%c%s", CONFIGURATION, problem);
}

/* --- In the master --- */

static void hang_up(struct rehearsal *rehearsal)
{
    if (rehearsal->output.fd < 0)
        return;
    ev_io_stop(rehearsal->loop, &rehearsal->output);
    ev_timer_stop(rehearsal->loop, &rehearsal->limit);
    close(rehearsal->output.fd);
    rehearsal->output.fd = -1;
}

static void leave_behind(struct rehearsal *rehearsal)
{
    hang_up(rehearsal);
    free(rehearsal->report);
    free(rehearsal);
}

/* The text of a report that came to its end, which its NUL says. */
static void judge(struct rehearsal *rehearsal, struct config_problems *problems)
{
    char *report = rehearsal->report;

    if (rehearsal->size == 0 || report[rehearsal->size - 1] != '\0') {
        problems->text = "the configuration could not be loaded within 30 s, or its check crashed";
        problems->system = true;
    } else if (report[0] != '\0') {
        problems->text = report + 1;
        problems->system = report[0] == SYSTEM;
    }
    problems->count = problems->text != NULL;
}

static void end(struct rehearsal *rehearsal)
{
    struct config_problems problems = {0};

    (void)kill(-rehearsal->pid, SIGKILL); /* most likely it has ended by itself */
    judge(rehearsal, &problems);
    hang_up(rehearsal); /* what follows may start workers, who would inherit it */
    rehearsal->done(&problems, rehearsal->user);
    leave_behind(rehearsal);
}

/* False: there is nothing more to come. */
static bool take_more(struct rehearsal *rehearsal)
{
    char buffer[4096], *longer;
    ssize_t count = read(rehearsal->output.fd, buffer, sizeof(buffer));

    if (count < 0)
        return errno == EAGAIN || errno == EINTR;
    if (count == 0 || rehearsal->size + (size_t)count > ERRAND_REPORT_MAX)
        return false;
    longer = realloc(rehearsal->report, rehearsal->size + (size_t)count);
    if (longer == NULL)
        return false;
    memcpy(longer + rehearsal->size, buffer, (size_t)count);
    rehearsal->report = longer;
    rehearsal->size += (size_t)count;
    return longer[rehearsal->size - 1] != '\0';
}

static void on_output(struct ev_loop *loop, ev_io *io, int revents)
{
    struct rehearsal *rehearsal = io->data;

    (void)loop;
    (void)revents;
    if (!take_more(rehearsal))
        end(rehearsal);
}

static void on_limit(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    end(timer->data);
}

struct rehearsal *rehearsal_start(struct ev_loop *loop, const char *file,
                                  const struct prongd_handler *const *handlers,
                                  rehearsal_done *done, void *user)
{
    struct rehearsal *rehearsal = calloc(1, sizeof(*rehearsal));
    struct errand errand = {
        .keeps_rights = true, .timeout_ms = TIMEOUT_MS, .work = load, .user = rehearsal};
    int output;

    if (rehearsal == NULL)
        return NULL;
    rehearsal->file = file;
    rehearsal->handlers = handlers;
    rehearsal->loop = loop;
    rehearsal->done = done;
    rehearsal->user = user;
    rehearsal->pid = errand_start(&errand, &output);
    if (rehearsal->pid < 0) {
        errno = -rehearsal->pid;
        free(rehearsal);
        return NULL;
    }
    ev_io_init(&rehearsal->output, on_output, output, EV_READ);
    ev_timer_init(&rehearsal->limit, on_limit, TIMEOUT_MS / 1e3, 0.);
    rehearsal->output.data = rehearsal->limit.data = rehearsal;
    ev_io_start(loop, &rehearsal->output);
    ev_timer_start(loop, &rehearsal->limit);
    return rehearsal;
}

void rehearsal_free(struct rehearsal *rehearsal)
{
    if (rehearsal == NULL)
        return;
    (void)kill(-rehearsal->pid, SIGKILL);
    leave_behind(rehearsal);
}

void rehearsal_abandon(struct rehearsal *rehearsal)
{
    if (rehearsal != NULL)
        leave_behind(rehearsal);
}
