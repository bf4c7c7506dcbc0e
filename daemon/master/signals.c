/* SPDX-License-Identifier: MIT
 *
 * Every signal to the master, a row each: code, --help and the manual page follow from it.
 */
#include "signals.h"

#include <ev.h>
#include <signal.h>
#include <stdlib.h>

#include "generation.h"
#include "log.h"
#include "master.h"
#include "master_internal.h"

struct signal_row {
    int number;
    const char *name;
    const char *command; /* of prongctl, which waits and reports */
    void (*act)(struct master *master, const struct signal_row *row);
    const char *help;
};

static void on_stop(struct master *master, const struct signal_row *row)
{
    log_notice("signal name=%s", row->name);
    master_stop(master);
}

static void on_quit(struct master *master, const struct signal_row *row)
{
    log_notice("signal name=%s", row->name);
    master_stop_now(master);
}

static void on_reopen(struct master *master, const struct signal_row *row)
{
    int error = master_reopen_logs(master);

    if (error < 0)
        log_code(LOG_LEVEL_ERROR, error, "the log file cannot be opened anew");
    else
        log_notice("log opened anew after signal name=%s", row->name);
}

static void on_sleep(struct master *master, const struct signal_row *row)
{
    log_notice("signal name=%s", row->name);
    if (master->state == MASTER_RUNNING)
        master_sleep(master, NULL);
}

static void on_reload(struct master *master, const struct signal_row *row)
{
    log_notice("signal name=%s", row->name);
    reload_request(master->reload, NULL, false);
}

static void on_upgrade(struct master *master, const struct signal_row *row)
{
    log_notice("signal name=%s", row->name);
    upgrade_request(master->upgrade, NULL);
}

static void on_scale(struct master *master, const struct signal_row *row)
{
    const struct generation *current = generation_list_current(&master->generations);
    unsigned workers = current != NULL ? current->slot_count : 0;

    log_notice("signal name=%s", row->name);
    if (row->number == SIGTTIN)
        master_scale(master, workers + 1, NULL);
    else if (workers > 1)
        master_scale(master, workers - 1, NULL);
}

static const struct signal_row signals[] = {
    {SIGTERM, "TERM", "stop", on_stop,
     "Stop: accept nothing, let connections finish for shutdown_timeout; again: at once."},
    {SIGINT, "INT", "stop", on_stop, "The same as TERM."},
    {SIGQUIT, "QUIT", "quit", on_quit, "Stop at once."},
    {SIGHUP, "HUP", "reload", on_reload,
     "Reload the configuration; connections move to the new workers."},
    {SIGUSR1, "USR1", "reopen-logs", on_reopen,
     "Open the log file and those of the access logs anew, after a rotation."},
    {SIGUSR2, "USR2", "upgrade", on_upgrade,
     "Replace the program by the one that is installed now; connections live on."},
    {SIGTTIN, "TTIN", "workers more", on_scale,
     "One worker more; connections move so that all are even."},
    {SIGTTOU, "TTOU", "workers less", on_scale,
     "One worker less; its connections move to the others."},
    {SIGWINCH, "WINCH", "stop-workers", on_sleep,
     "Let connections finish and end the workers, but keep the master; HUP starts new ones."},
};

#define SIGNAL_COUNT (sizeof(signals) / sizeof(signals[0]))

bool master_signal(size_t index, struct master_signal *signal)
{
    if (index >= SIGNAL_COUNT)
        return false;
    *signal =
        (struct master_signal){signals[index].name, signals[index].command, signals[index].help};
    return true;
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int revents)
{
    struct master *master = watcher->data;
    const struct signal_row *row = &signals[watcher - master->signals];

    (void)loop;
    (void)revents;
    row->act(master, row);
}

static void start_signal(struct master *master, size_t row)
{
    ev_signal *watcher = &master->signals[row];

    ev_signal_init(watcher, on_signal, signals[row].number);
    watcher->data = master;
    ev_signal_start(master->loop, watcher);
}

bool signals_start(struct master *master)
{
    signal(SIGPIPE, SIG_IGN);
    master->signals = calloc(SIGNAL_COUNT, sizeof(*master->signals));
    for (size_t i = 0; master->signals != NULL && i < SIGNAL_COUNT; i++)
        start_signal(master, i);
    return master->signals != NULL;
}

void signals_stop(struct master *master)
{
    for (size_t i = 0; master->signals != NULL && i < SIGNAL_COUNT; i++)
        ev_signal_stop(master->loop, &master->signals[i]);
    free(master->signals);
}
