/* SPDX-License-Identifier: MIT
 *
 * The top of all rosters.
 */
#include "heaviest.h"

#include <prong/address.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

void heaviest_begin(struct heaviest *heaviest)
{
    heaviest->next.count = 0;
}

void heaviest_take(struct heaviest *heaviest, int fd, uint64_t more)
{
    struct roster roster;
    void *bytes = NULL;
    size_t size;

    if (roster_read_file(fd, &bytes, &size) == 0 && roster_read(&roster, bytes, size) == 0) {
        for (uint64_t i = 0; i < roster.head.row_count; i++)
            consider(&heaviest->next, &roster, i);
    }
    free(bytes);
    if (more > 0)
        return;
    heaviest->shown = heaviest->next;
    heaviest->next.count = 0;
}

static json_t *describe(const struct heavy *heavy)
{
    const struct roster_row *row = &heavy->row;
    char peer[PRONG_ADDRESS_TEXT_SIZE], server[256];

    return json_pack(
        "{s:I, s:s, s:s, s:o, s:f, s:I, s:I, s:I, s:s}", "id", (json_int_t)row->id, "server",
        log_escape(heavy->server.name, strlen(heavy->server.name), server, sizeof(server)), "peer",
        roster_peer(row, peer, sizeof(peer)), "worker",
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
