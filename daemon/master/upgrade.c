/* SPDX-License-Identifier: MIT
 *
 * Checking the new program, and becoming it.
 */
#include "upgrade.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "control.h"
#include "diff.h"
#include "estate.h"
#include "generation.h"
#include "ipc.h"
#include "log.h"
#include "master_internal.h"
#include "program.h"
#include "slot.h"

/* How long the new program may take to read configuration and estate. */
#define CHECK_TIMEOUT_S 30.0

struct upgrade {
    struct master *master;
    struct control_client *client; /* who asked */
    pid_t pid;                     /* of the check; 0: none runs */
    int output;                    /* what it says */
    int estate;
    int image;
    ev_timer limit;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Nothing has changed. */
static void refuse(struct upgrade *upgrade, const char *why)
{
    log_error("upgrade refused: %s", why);
    if (upgrade->client != NULL)
        control_answer(upgrade->client,
                       json_pack("{s:b, s:s, s:i}", "ok", 0, "error", why, "exit", EXIT_FAILURE));
    upgrade->client = NULL;
    ev_timer_stop(upgrade->master->loop, &upgrade->limit);
    close_fd(&upgrade->output);
    close_fd(&upgrade->estate);
    close_fd(&upgrade->image);
}

/* Why not now?  NULL: nothing stands in the way. */
static const char *obstacle(const struct upgrade *upgrade)
{
    const struct generation *generation;

    if (upgrade->master->state != MASTER_RUNNING)
        return "the service is starting or stopping";
    if (upgrade->pid != 0)
        return "an upgrade is under way already";
    for (generation = upgrade->master->generations.first; generation != NULL;
         generation = generation->next) {
        if (generation->state == GENERATION_STARTING)
            return "a reload is under way: try again when it is done";
        for (unsigned i = 0; i < generation->slot_count; i++) {
            if (generation->slots[i].ipc != NULL && ipc_queued(generation->slots[i].ipc) > 0)
                return "a worker does not take its orders: try again";
        }
    }
    return NULL;
}

/* --- The check --- */

static char *estate_entry(int fd)
{
    char *entry = NULL;

    return asprintf(&entry, "%s=%d", ESTATE_VARIABLE, fd) < 0 ? NULL : entry;
}

/* The environment with the estate's descriptor in it; malloc'ed, as is its last entry. */
static char **make_environment(int estate)
{
    size_t count = 0, kept = 0;
    char **environment;

    while (environ[count] != NULL)
        count++;
    environment = calloc(count + 2, sizeof(char *));
    if (environment == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(environ[i], ESTATE_VARIABLE "=", sizeof(ESTATE_VARIABLE)) != 0)
            environment[kept++] = environ[i];
    }
    environment[kept] = estate_entry(estate);
    return environment;
}

static void free_environment(char **environment)
{
    size_t last = 0;

    if (environment == NULL)
        return;
    while (environment[last] != NULL)
        last++;
    if (last > 0)
        free(environment[last - 1]);
    free(environment);
}

/* `prongd -t` of the new program, with nothing of ours but the estate. */
static int start_check(struct upgrade *upgrade, int output)
{
    const struct program *program = upgrade->master->program;
    char *const arguments[] = {(char *)(uintptr_t)program->path, "-t", "-c",
                               (char *)(uintptr_t)program->config_file, NULL};
    char **environment = make_environment(upgrade->estate);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int error;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    /* Onto itself: that takes close-on-exec off, in the child alone. */
    posix_spawn_file_actions_adddup2(&actions, upgrade->estate, upgrade->estate);
    posix_spawnattr_init(&attributes);
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    error = environment == NULL ? ENOMEM
                                : posix_spawn(&upgrade->pid, program->path, &actions, &attributes,
                                              arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free_environment(environment);
    if (error != 0)
        upgrade->pid = 0;
    return -error;
}

void upgrade_request(struct upgrade *upgrade, struct control_client *client)
{
    const char *why = obstacle(upgrade);
    int output[2], error;

    if (why != NULL) {
        log_error("upgrade refused: %s", why);
        if (client != NULL)
            control_answer(client, json_pack("{s:b, s:s, s:i}", "ok", 0, "error", why, "exit", 1));
        return;
    }
    upgrade->client = client;
    upgrade->image = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    upgrade->estate = estate_write(upgrade->master, client, upgrade->image);
    if (upgrade->estate < 0 || pipe2(output, O_CLOEXEC | O_NONBLOCK) < 0) {
        refuse(upgrade, "the system gives no memory or no descriptors");
        return;
    }
    upgrade->output = output[0];
    error = start_check(upgrade, output[1]);
    close(output[1]);
    if (error < 0) {
        refuse(upgrade, strerror(-error));
        return;
    }
    log_notice("upgrade: checking program=%s", upgrade->master->program->path);
    ev_timer_set(&upgrade->limit, CHECK_TIMEOUT_S, 0.);
    ev_timer_start(upgrade->master->loop, &upgrade->limit);
}

static void on_limit(struct ev_loop *loop, ev_timer *timer, int revents)
{
    const struct upgrade *upgrade = timer->data;

    (void)loop;
    (void)revents;
    if (upgrade->pid != 0)
        kill(upgrade->pid, SIGKILL);
}

/* --- Becoming it --- */

static void run(const struct program *program, int image, int estate)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", estate);
    setenv(ESTATE_VARIABLE, number, 1);
    if (image >= 0)
        fexecve(image, program->arguments, environ);
    else
        execv(program->path, program->arguments);
    unsetenv(ESTATE_VARIABLE);
}

/* Written anew: the check took a while. */
static void become(struct upgrade *upgrade)
{
    const char *why = NULL;
    int error;

    upgrade->pid = 0;
    why = obstacle(upgrade);
    if (why != NULL) {
        refuse(upgrade, why);
        return;
    }
    reload_give_up_waiting(upgrade->master->reload);
    survey_clear(&upgrade->master->surveys, "the program is being upgraded: ask again");
    diff_clear(upgrade->master,
               json_pack("{s:b, s:s, s:i}", "ok", 0, "error", "an upgrade came between: try again",
                         "exit", EXIT_FAILURE));
    close_fd(&upgrade->estate);
    upgrade->estate = estate_write(upgrade->master, upgrade->client, upgrade->image);
    error = upgrade->estate < 0 ? upgrade->estate : estate_set_inheritable(upgrade->estate, true);
    if (error < 0) {
        refuse(upgrade, strerror(-error));
        return;
    }
    log_notice("upgrade: becoming program=%s", upgrade->master->program->path);
    run(upgrade->master->program, -1, upgrade->estate);
    error = -errno;
    (void)estate_set_inheritable(upgrade->estate, false);
    refuse(upgrade, strerror(-error));
}

static void refuse_for_output(struct upgrade *upgrade, int status)
{
    char text[1024], why[1280];
    ssize_t size = read(upgrade->output, text, sizeof(text) - 1);

    text[size > 0 ? size : 0] = '\0';
    while (size > 0 && text[size - 1] == '\n')
        text[--size] = '\0';
    if (size > 0)
        snprintf(why, sizeof(why), "the new program refuses: %s", text);
    else
        snprintf(why, sizeof(why), "the new program failed its check with wait status %d", status);
    refuse(upgrade, why);
}

bool upgrade_on_child(struct upgrade *upgrade, pid_t pid, int status)
{
    if (upgrade->pid == 0 || pid != upgrade->pid)
        return false;
    ev_timer_stop(upgrade->master->loop, &upgrade->limit);
    upgrade->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        become(upgrade);
    else
        refuse_for_output(upgrade, status);
    return true;
}

/* Is that the program which runs?  Then it could not take over either. */
static bool is_running(int image)
{
    struct stat one, other;

    return fstat(image, &one) == 0 && stat("/proc/self/exe", &other) == 0 &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

void upgrade_go_back(const struct program *program, int estate)
{
    int image = estate_image_fd(estate);

    if (image < 0 || is_running(image))
        return;
    (void)estate_set_inheritable(estate, true);
    run(program, image, estate);
}

/* --- Life --- */

struct upgrade *upgrade_new(struct master *master)
{
    struct upgrade *upgrade = calloc(1, sizeof(*upgrade));

    if (upgrade == NULL)
        return NULL;
    upgrade->master = master;
    upgrade->output = upgrade->estate = upgrade->image = -1;
    ev_timer_init(&upgrade->limit, on_limit, 0., 0.);
    upgrade->limit.data = upgrade;
    return upgrade;
}

void upgrade_free(struct upgrade *upgrade)
{
    if (upgrade == NULL)
        return;
    ev_timer_stop(upgrade->master->loop, &upgrade->limit);
    close_fd(&upgrade->output);
    close_fd(&upgrade->estate);
    close_fd(&upgrade->image);
    free(upgrade);
}
