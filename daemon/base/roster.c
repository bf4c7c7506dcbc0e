/* SPDX-License-Identifier: MIT
 *
 * Reading rosters without trusting them.
 */
#include "roster.h"

#include <errno.h>
#include <prong/address.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const state_names[ROSTER_STATES] = {
    [ROSTER_OPEN] = "open",           [ROSTER_PAUSED] = "paused", [ROSTER_BLOCKED] = "blocked",
    [ROSTER_HALF_OPEN] = "half-open", [ROSTER_ENDING] = "ending", [ROSTER_DRAINING] = "draining",
    [ROSTER_RUNNING] = "running",
};

/* What the first rows had: the rest of one that is shorter is zero. */
#define LEAST_ROW offsetof(struct roster_row, queued_upstream)

_Static_assert(sizeof(struct roster_row) == 152 && LEAST_ROW == 128, "rows have no holes");
_Static_assert(sizeof(struct roster_head) == 48, "nor has the head");

static bool is_whole(const struct roster_head *head, size_t size)
{
    uint64_t servers = sizeof(*head) + (uint64_t)head->server_count * sizeof(struct roster_server);

    if (head->head_size < servers || head->head_size > size || head->row_size < LEAST_ROW)
        return false;
    return head->row_count <= (size - head->head_size) / head->row_size;
}

int roster_read(struct roster *roster, const void *bytes, size_t size)
{
    if (size < sizeof(roster->head))
        return -EPROTO;
    memcpy(&roster->head, bytes, sizeof(roster->head));
    roster->bytes = bytes;
    if (memcmp(roster->head.magic, ROSTER_MAGIC, sizeof(roster->head.magic)) != 0)
        return -EPROTO;
    if (roster->head.version != ROSTER_VERSION)
        return -EPROTONOSUPPORT;
    return is_whole(&roster->head, size) ? 0 : -EPROTO;
}

int roster_read_file(int fd, void **bytes, size_t *size)
{
    struct stat stat;
    ssize_t got = 1;

    *size = 0;
    if (fstat(fd, &stat) < 0)
        return -errno;
    if (!S_ISREG(stat.st_mode) || (uint64_t)stat.st_size > ROSTER_SIZE_MAX)
        return -EPROTO;
    *bytes = malloc((size_t)stat.st_size + 1);
    if (*bytes == NULL)
        return -ENOMEM;
    while (got > 0 && *size < (size_t)stat.st_size) {
        got = pread(fd, (char *)*bytes + *size, (size_t)stat.st_size - *size, (off_t)*size);
        *size += got > 0 ? (size_t)got : 0;
    }
    return got < 0 ? -errno : 0;
}

const char *roster_peer(const struct roster_row *row, char *text, size_t size)
{
    struct prong_address peer = {.family = row->family, .port = row->port, .scope = row->scope};

    if (peer.family != AF_INET && peer.family != AF_INET6)
        return "unix";
    memcpy(peer.ip, row->ip, sizeof(peer.ip));
    return prong_address_format(&peer, text, size);
}

struct roster_row roster_row(const struct roster *roster, uint64_t index)
{
    struct roster_row row = {0};
    size_t size = roster->head.row_size < sizeof(row) ? roster->head.row_size : sizeof(row);

    memcpy(&row, roster->bytes + roster->head.head_size + index * roster->head.row_size, size);
    row.text[sizeof(row.text) - 1] = '\0';
    if (row.state >= ROSTER_STATES)
        row.state = ROSTER_OPEN;
    return row;
}

const char *roster_server_name(const struct roster *roster, unsigned server,
                               struct roster_server *name)
{
    if (server >= roster->head.server_count)
        return "?";
    memcpy(name, roster->bytes + sizeof(roster->head) + server * sizeof(*name), sizeof(*name));
    name->name[sizeof(name->name) - 1] = '\0';
    return name->name;
}

const char *roster_state_name(enum roster_state state)
{
    return state_names[state];
}

bool roster_find_state(const char *name, enum roster_state *state)
{
    for (unsigned i = 0; i < ROSTER_STATES; i++) {
        if (strcmp(state_names[i], name) == 0) {
            *state = (enum roster_state)i;
            return true;
        }
    }
    return false;
}
