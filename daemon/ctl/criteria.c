/* SPDX-License-Identifier: MIT
 *
 * A function for each criterion.
 */
#include "criteria.h"

#include <errno.h>
#include <prong/block_list.h>
#include <string.h>
#include <sys/socket.h>

#include "amount.h"
#include "call.h"
#include "crowd.h"

/* --- Reading --- */

static bool read_server(struct criteria *criteria, const char *text)
{
    criteria->server = text;
    return true;
}

static bool read_peer(struct criteria *criteria, const char *text)
{
    criteria->peers = prong_block_list_new();
    return criteria->peers != NULL && prong_block_list_add_cidr(criteria->peers, text) == 0;
}

/* "2", or "5.2" with the generation in front. */
static bool read_worker(struct criteria *criteria, const char *text)
{
    const char *point = strchr(text, '.');
    char generation[24] = "";

    criteria->by_slot = true;
    if (point == NULL)
        return amount_read_number(text, &criteria->slot);
    if ((size_t)(point - text) >= sizeof(generation))
        return false;
    memcpy(generation, text, (size_t)(point - text));
    criteria->by_generation = true;
    return amount_read_number(generation, &criteria->generation) &&
           amount_read_number(point + 1, &criteria->slot);
}

static bool read_state(struct criteria *criteria, const char *text)
{
    criteria->by_state = true;
    return roster_find_state(text, &criteria->state);
}

static bool read_min_age(struct criteria *criteria, const char *text)
{
    return amount_read_ms(text, &criteria->min_age_ms);
}

static bool read_max_age(struct criteria *criteria, const char *text)
{
    return amount_read_ms(text, &criteria->max_age_ms);
}

static bool read_min_idle(struct criteria *criteria, const char *text)
{
    return amount_read_ms(text, &criteria->min_idle_ms);
}

static bool read_min_bytes(struct criteria *criteria, const char *text)
{
    return amount_read_bytes(text, &criteria->min_bytes);
}

static bool read_min_queued(struct criteria *criteria, const char *text)
{
    return amount_read_bytes(text, &criteria->min_queued);
}

static const struct {
    const char *option;
    bool (*read)(struct criteria *criteria, const char *text);
    const char *wanted;
} rows[] = {
    {"server", read_server, "the name of a server"},
    {"peer", read_peer, "an address, or a network as 192.0.2.0/24"},
    {"worker", read_worker, "the number of a slot, or GENERATION.SLOT"},
    {"state", read_state, "open, paused, blocked, half-open, ending, draining or running"},
    {"min-age", read_min_age, "a time, as 90s, 10m or 2h"},
    {"max-age", read_max_age, "a time, as 90s, 10m or 2h"},
    {"min-idle", read_min_idle, "a time, as 90s, 10m or 2h"},
    {"min-bytes", read_min_bytes, "a number of bytes, as 64K or 10M"},
    {"min-queued", read_min_queued, "a number of bytes, as 64K or 10M"},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

int criteria_read(struct criteria *criteria, const struct call *call)
{
    *criteria = (struct criteria){.max_age_ms = UINT64_MAX};
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const char *text = call_option(call, rows[i].option);

        if (text != NULL && !rows[i].read(criteria, text))
            return call_fail_usage("--%s takes %s", rows[i].option, rows[i].wanted);
    }
    return 0;
}

bool criteria_are_given(const struct call *call)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (call_option(call, rows[i].option) != NULL)
            return true;
    return false;
}

void criteria_clear(struct criteria *criteria)
{
    prong_block_list_free(criteria->peers);
    criteria->peers = NULL;
}

/* --- Matching --- */

static bool peer_matches(const struct criteria *criteria, const struct roster_row *row)
{
    struct prong_address peer = {.family = row->family, .port = row->port};

    if (criteria->peers == NULL)
        return true;
    memcpy(peer.ip, row->ip, sizeof(peer.ip));
    return prong_block_list_check(criteria->peers, &peer);
}

static bool worker_matches(const struct criteria *criteria, const struct crowd_member *member)
{
    if (member->is_program)
        return !criteria->by_slot && !criteria->by_generation;
    return (!criteria->by_slot || member->slot == criteria->slot) &&
           (!criteria->by_generation || member->generation == criteria->generation);
}

static bool is_idle_enough(const struct criteria *criteria, const struct roster_row *row)
{
    return criteria->min_idle_ms == 0 ||
           (row->idle_ms != ROSTER_IDLE_UNKNOWN && row->idle_ms >= criteria->min_idle_ms);
}

bool criteria_match(const struct criteria *criteria, const struct crowd_member *member)
{
    const struct roster_row *row = &member->row;
    uint64_t age_ms = (uint64_t)row->age_ds * 100;

    if (criteria->server != NULL && strcmp(criteria->server, member->server) != 0)
        return false;
    if (criteria->by_state && criteria->state != row->state)
        return false;
    if (age_ms < criteria->min_age_ms || age_ms > criteria->max_age_ms ||
        row->queued < criteria->min_queued ||
        row->bytes_read + row->bytes_written < criteria->min_bytes)
        return false;
    return worker_matches(criteria, member) && is_idle_enough(criteria, row) &&
           peer_matches(criteria, row);
}
