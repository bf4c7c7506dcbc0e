/* SPDX-License-Identifier: MIT
 *
 * Opening and opening anew.
 */
#include "access_files.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access_sink.h"
#include "config.h"
#include "generation.h"
#include "ipc.h"
#include "log.h"
#include "message.h"
#include "slot.h"
#include "supervisor.h"

static int *new_fds(size_t count)
{
    size_t size = (count + 1) * sizeof(int);
    int *fds = malloc(size);

    return fds != NULL ? memset(fds, -1, size) : NULL;
}

/* -1: it needs none. */
static int open_one(const struct config_server *server)
{
    const char *path = config_access_path(server);

    return path != NULL ? access_sink_open_file(path) : -1;
}

int *access_files_open(const struct config *config, char *problem, size_t size)
{
    int *fds = new_fds(config->server_count);

    if (fds == NULL)
        snprintf(problem, size, "out of memory");
    for (size_t i = 0; fds != NULL && i < config->server_count; i++) {
        const struct config_server *server = config->servers[i];

        fds[i] = open_one(server);
        if (fds[i] >= 0 || config_access_path(server) == NULL)
            continue;
        snprintf(problem, size, "%s: [server %s] access_log: %s: %s", config->file, server->name,
                 server->access_log, strerror(-fds[i]));
        access_files_close(fds, i);
        return NULL;
    }
    return fds;
}

int *access_files_open_some(const struct config *config)
{
    int *fds = new_fds(config->server_count);

    for (size_t i = 0; fds != NULL && i < config->server_count; i++) {
        fds[i] = open_one(config->servers[i]);
        if (fds[i] < 0 && config_access_path(config->servers[i]) != NULL)
            log_code(LOG_LEVEL_ERROR, fds[i], "access log not opened server=%s path=%s",
                     config->servers[i]->name, config->servers[i]->access_log);
    }
    return fds;
}

void access_files_close(int *fds, size_t count)
{
    for (size_t i = 0; fds != NULL && i < count; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    free(fds);
}

/* --- After a rotation --- */

static void send_to_workers(const struct generation *generation, uint32_t server)
{
    int fd = generation->access_fds[server];

    for (unsigned i = 0; i < generation->slot_count; i++) {
        if (generation->slots[i].ipc != NULL)
            (void)ipc_send(generation->slots[i].ipc, MESSAGE_ACCESS_REOPEN, &server, sizeof(server),
                           &fd, 1);
    }
}

static int reopen_one(const struct generation *generation, uint32_t server)
{
    const struct config_server *config = generation->config->servers[server];
    int fd = open_one(config);

    if (fd < 0 && config_access_path(config) != NULL) {
        log_code(LOG_LEVEL_ERROR, fd, "access log not opened anew server=%s path=%s", config->name,
                 config->access_log);
        return fd;
    }
    if (fd < 0)
        return 0;
    if (generation->access_fds[server] >= 0)
        close(generation->access_fds[server]);
    generation->access_fds[server] = fd;
    send_to_workers(generation, server);
    return 0;
}

int access_files_reopen(struct supervisor *supervisor)
{
    int result = 0;

    for (const struct generation *generation = supervisor->generations->first; generation != NULL;
         generation = generation->next) {
        for (uint32_t i = 0; i < generation->config->server_count; i++) {
            int error = reopen_one(generation, i);

            result = error < 0 ? error : result;
        }
    }
    return result;
}
