/* SPDX-License-Identifier: MIT
 *
 * The top of all rosters.
 */
#include "heaviest.h"

#include <prong/address.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

static uint64_t weight(const struct roster_row *row)
{
    return row->bytes_read + row->bytes_written;
}

/* One that moved meanwhile may be in two rosters. */
static bool is_there(const struct heaviest_list *list, uint64_t id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->heavies[i].row.id == id)
            return true;
    }
    return false;
}

static void consider(struct heaviest_list *list, const struct roster *roster, uint64_t index)
{
    struct heavy heavy = {.row = roster_row(roster, index),
                          .generation = roster->head.generation,
                          .slot = roster->head.slot};
    size_t place = list->count;

    while (place > 0 && weight(&list->heavies[place - 1].row) < weight(&heavy.row))
        place--;
    if (place == HEAVIEST_COUNT || is_there(list, heavy.row.id))
        return;
    (void)roster_server_name(roster, heavy.row.server, &heavy.server);
    if (list->count < HEAVIEST_COUNT)
        list->count++;
    memmove(&list->heavies[place + 1], &list->heavies[place],
            (list->count - 1 - place) * sizeof(heavy));
    list->heavies[place] = heavy;
}

/* The whole file, malloc'ed: a worker may go on writing into it.  NULL: it cannot be read. */
static void *read_file(int fd, size_t *size)
{
    struct stat stat;
    ssize_t got = 1;
    char *bytes;

    *size = 0;
    if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode) || (uint64_t)stat.st_size > ROSTER_SIZE_MAX)
        return NULL;
    bytes = malloc((size_t)stat.st_size + 1);
    while (bytes != NULL && got > 0 && *size < (size_t)stat.st_size) {
        got = pread(fd, bytes + *size, (size_t)stat.st_size - *size, (off_t)*size);
        *size += got > 0 ? (size_t)got : 0;
    }
    return bytes;
}

void heaviest_take(struct heaviest *heaviest, int fd, uint64_t more)
{
    struct roster roster;
    size_t size;
    void *bytes = read_file(fd, &size);

    if (bytes != NULL && roster_read(&roster, bytes, size) == 0) {
        for (uint64_t i = 0; i < roster.head.row_count; i++)
            consider(&heaviest->next, &roster, i);
    }
    free(bytes);
    if (more > 0)
        return;
    heaviest->shown = heaviest->next;
    heaviest->next.count = 0;
}

static const char *peer_of(const struct roster_row *row, char *text, size_t size)
{
    struct prong_address peer = {.family = row->family, .port = row->port, .scope = row->scope};

    if (peer.family != AF_INET && peer.family != AF_INET6)
        return "unix";
    memcpy(peer.ip, row->ip, sizeof(peer.ip));
    return prong_address_format(&peer, text, size);
}

static json_t *describe(const struct heavy *heavy)
{
    const struct roster_row *row = &heavy->row;
    char peer[PRONG_ADDRESS_TEXT_SIZE], server[256];

    return json_pack(
        "{s:I, s:s, s:s, s:o, s:f, s:I, s:I, s:I, s:s}", "id", (json_int_t)row->id, "server",
        log_escape(heavy->server.name, strlen(heavy->server.name), server, sizeof(server)), "peer",
        peer_of(row, peer, sizeof(peer)), "worker",
        json_sprintf("%llu.%u", (unsigned long long)heavy->generation, heavy->slot), "age_s",
        row->age_ds / 10., "bytes_read", (json_int_t)row->bytes_read, "bytes_written",
        (json_int_t)row->bytes_written, "queued_bytes", (json_int_t)row->queued, "state",
        roster_state_name((enum roster_state)row->state));
}

json_t *heaviest_json(const struct heaviest *heaviest)
{
    json_t *list = json_array();

    for (size_t i = 0; i < heaviest->shown.count; i++)
        json_array_append_new(list, describe(&heaviest->shown.heavies[i]));
    return list;
}
