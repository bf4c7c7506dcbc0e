/* SPDX-License-Identifier: MIT
 *
 * Reading rosters out of descriptors.
 */
#include "crowd.h"

#include <errno.h>
#include <prong/address.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "answer.h"
#include "call.h"
#include "client.h"
#include "log.h"

/* --- Reading --- */

static int make_room(struct crowd *crowd, uint64_t more)
{
    struct crowd_member *members =
        reallocarray(crowd->members, crowd->count + (size_t)more + 1, sizeof(*members));

    if (members == NULL)
        return -ENOMEM;
    crowd->members = members;
    return 0;
}

static const char *name_at(const struct roster *roster, unsigned server)
{
    struct roster_server copy;
    const char *name = roster_server_name(roster, server, &copy);

    if (name != copy.name || copy.name[0] == '\0')
        return "?";
    return (const char *)roster->bytes + sizeof(roster->head) + server * sizeof(copy);
}

int crowd_add(struct crowd *crowd, const struct roster *roster)
{
    int error = make_room(crowd, roster->head.row_count);

    if (error < 0)
        return error;
    for (uint64_t i = 0; i < roster->head.row_count; i++) {
        struct crowd_member *member = &crowd->members[crowd->count++];

        member->row = roster_row(roster, i);
        member->server = name_at(roster, member->row.server);
        member->generation = roster->head.generation;
        member->slot = roster->head.slot;
        member->is_program = roster->head.slot == ROSTER_KEEPER;
    }
    return 0;
}

/* Names end for sure: what is behind them is not trusted. */
static void end_names(const struct roster *roster, uint8_t *bytes)
{
    struct roster_server *servers = (struct roster_server *)(void *)(bytes + sizeof(roster->head));

    for (uint32_t i = 0; i < roster->head.server_count; i++)
        servers[i].name[sizeof(servers[i].name) - 1] = '\0';
}

static int add_file(struct crowd *crowd, int fd)
{
    struct roster roster;
    void *bytes = NULL;
    size_t size;
    int error = roster_read_file(fd, &bytes, &size);

    if (error == 0)
        error = roster_read(&roster, bytes, size);
    if (error != 0) {
        free(bytes);
        return error;
    }
    crowd->files[crowd->file_count++] = bytes;
    end_names(&roster, bytes);
    return crowd_add(crowd, &roster);
}

static int add_files(struct crowd *crowd, const struct client_fds *fds)
{
    int error = 0;

    crowd->files = calloc(fds->count + 1, sizeof(void *));
    if (crowd->files == NULL)
        return -ENOMEM;
    for (size_t i = 0; error == 0 && i < fds->count; i++)
        error = add_file(crowd, fds->list[i]);
    return error;
}

/* --- Once each --- */

static int by_id(const void *left, const void *right)
{
    const struct crowd_member *one = left, *other = right;

    if (one->row.id != other->row.id)
        return one->row.id < other->row.id ? -1 : 1;
    if (one->is_program != other->is_program)
        return one->is_program ? 1 : -1;
    return one->row.moves < other->row.moves ? -1 : one->row.moves > other->row.moves;
}

/* Of two the one that has moved more often stays, or that has a program: the other one was before.
 */
static void remove_doubles(struct crowd *crowd)
{
    size_t kept = 0;

    if (crowd->count == 0)
        return;
    qsort(crowd->members, crowd->count, sizeof(*crowd->members), by_id);
    for (size_t i = 1; i < crowd->count; i++) {
        if (crowd->members[i].row.id != crowd->members[kept].row.id)
            kept++;
        crowd->members[kept] = crowd->members[i];
    }
    crowd->count = kept + 1;
}

/* --- Asking --- */

/* One descriptor for each worker. */
static void allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int fail(int error)
{
    (void)fprintf(stderr, "prongctl: the list of connections is not understood: %s\n",
                  error == -EPROTONOSUPPORT ? "it is of another version of prong"
                                            : strerror(-error));
    return CALL_SYSTEM;
}

static void count_missing(struct crowd *crowd, const json_t *missing)
{
    for (size_t i = 0; i < json_array_size(missing); i++) {
        if (json_object_get(json_array_get(missing, i), "keeper") != NULL)
            crowd->missing_keepers++;
        else
            crowd->missing++;
    }
}

static int take(struct crowd *crowd, const struct call *call, json_t *answer,
                const struct client_fds *fds)
{
    int error;

    if (!json_is_true(json_object_get(answer, "ok")))
        return answer_show(answer, COMMAND_CONNECTIONS, call->json);
    error = add_files(crowd, fds);
    if (error < 0)
        return fail(error);
    count_missing(crowd, json_object_get(answer, "missing"));
    remove_doubles(crowd);
    return 0;
}

int crowd_ask(struct crowd *crowd, struct call *call)
{
    struct client_fds fds = {0};
    json_t *answer;
    int status = CALL_SYSTEM;

    *crowd = (struct crowd){0};
    allow_descriptors();
    answer = call_ask_for_fds(call, COMMAND_CONNECTIONS, &fds);
    if (answer != NULL)
        status = take(crowd, call, answer, &fds);
    for (size_t i = 0; i < fds.count; i++)
        (void)close(fds.list[i]);
    free(fds.list);
    json_decref(answer);
    return status;
}

void crowd_clear(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->file_count; i++)
        free(crowd->files[i]);
    free(crowd->files);
    free(crowd->members);
    *crowd = (struct crowd){0};
}

/* --- Showing --- */

const char *crowd_peer(const struct crowd_member *member, char *text, size_t size)
{
    return roster_peer(&member->row, text, size);
}

static json_t *idle_of(const struct roster_row *row)
{
    return row->idle_ms != ROSTER_IDLE_UNKNOWN ? json_real(row->idle_ms / 1e3) : json_null();
}

static json_t *describe_row(const struct crowd_member *member)
{
    const struct roster_row *row = &member->row;
    char peer[PRONG_ADDRESS_TEXT_SIZE], server[256], text[256];

    return json_pack("{s:I, s:s, s:s, s:f, s:s, s:i, s:s}", "id", (json_int_t)row->id, "server",
                     log_escape(member->server, strlen(member->server), server, sizeof(server)),
                     "peer", crowd_peer(member, peer, sizeof(peer)), "age_s", row->age_ds / 10.,
                     "state", roster_state_name((enum roster_state)row->state), "moves",
                     (int)row->moves, "text",
                     log_escape(row->text, strlen(row->text), text, sizeof(text)));
}

static json_t *describe_worker(const struct crowd_member *member)
{
    const struct roster_row *row = &member->row;

    return json_pack("{s:o, s:I, s:i, s:o, s:I, s:I, s:I, s:I}", "worker",
                     json_sprintf("%llu.%u", (unsigned long long)member->generation, member->slot),
                     "generation", (json_int_t)member->generation, "slot", (int)member->slot,
                     "idle_s", idle_of(row), "bytes_read", (json_int_t)row->bytes_read,
                     "bytes_written", (json_int_t)row->bytes_written, "queued_bytes",
                     (json_int_t)row->queued, "queued_upstream_bytes",
                     (json_int_t)row->queued_upstream);
}

/* Nobody counts its bytes; and one that waits for its turn has no process yet. */
static json_t *describe_program(const struct roster_row *row)
{
    json_t *described = json_pack("{s:s, s:n, s:n, s:n, s:n, s:n, s:n, s:n}", "worker", "keeper",
                                  "generation", "slot", "idle_s", "bytes_read", "bytes_written",
                                  "queued_bytes", "queued_upstream_bytes");

    if (row->pid != 0)
        json_object_update_new(described, json_pack("{s:I, s:f}", "pid", (json_int_t)row->pid,
                                                    "cpu_s", (double)row->cpu_ms / 1e3));
    return described;
}

json_t *crowd_describe(const struct crowd_member *member)
{
    json_t *described = describe_row(member);

    json_object_update_new(described, member->is_program ? describe_program(&member->row)
                                                         : describe_worker(member));
    return described;
}
