/* SPDX-License-Identifier: MIT
 *
 * A row for each program.
 */
#include "listing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "keeper_internal.h"
#include "keeping.h"
#include "roster.h"
#include "run.h"

/* Rows after which others have their turn. */
#define SLICE 64

struct listing {
    struct listing *next;
    struct keeper *keeper;
    uint64_t ticket;
    size_t bucket; /* of the runs: the next one */
    int fd;
    int error;
    struct roster_head head;
    ev_timer turn;
};

/* --- Rows --- */

static void describe_peer(struct roster_row *row, const struct prong_address *peer)
{
    row->family = (uint8_t)peer->family;
    row->port = peer->port;
    row->scope = peer->scope;
    memcpy(row->ip, peer->ip, sizeof(row->ip));
}

/* Of itself; what its children have used is told at its end. */
static uint64_t cpu_ms(pid_t pid)
{
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
        return 0;
    return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
}

/* As it was started, with spaces between.  Not /proc/PID/cmdline: a program that hangs in its
 * memory, or means to, makes everybody hang who reads that. */
static void describe_command(char *text, size_t size, char *const *arguments)
{
    size_t used = 0;

    for (; *arguments != NULL && used < size; arguments++) {
        int length = snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "", *arguments);

        used += length > 0 ? (size_t)length : 0;
    }
}

static uint32_t age_ds(double since)
{
    return (uint32_t)((clock_s() - since) * 10);
}

static struct roster_row describe_run(const struct run *run)
{
    struct roster_row row = {
        .id = run->connection,
        .age_ds = age_ds(run->started_at),
        .idle_ms = ROSTER_IDLE_UNKNOWN,
        .state = run->state == RUN_RUNNING ? ROSTER_RUNNING : ROSTER_ENDING,
        .cpu_ms = cpu_ms(run->pid),
        .pid = (uint32_t)run->pid,
    };

    describe_peer(&row, &run->remote);
    describe_command(row.text, sizeof(row.text), run->keeping->arguments);
    return row;
}

static struct roster_row describe_held(const struct job *job)
{
    struct roster_row row = {.id = job->connection,
                             .age_ds = age_ds(job->taken_at),
                             .idle_ms = ROSTER_IDLE_UNKNOWN,
                             .state = ROSTER_PAUSED};

    describe_peer(&row, &job->remote);
    return row;
}

/* --- The file --- */

static void put(struct listing *listing, const void *bytes, size_t size, uint64_t offset)
{
    ssize_t written;

    if (listing->error < 0)
        return;
    written = pwrite(listing->fd, bytes, size, (off_t)offset);
    if (written != (ssize_t)size)
        listing->error = written < 0 ? -errno : -ENOSPC;
}

static void put_row(struct listing *listing, const struct roster_row *row)
{
    put(listing, row, sizeof(*row),
        listing->head.head_size + listing->head.row_count * sizeof(*row));
    listing->head.row_count++;
}

static void put_head(struct listing *listing)
{
    struct roster_server server = {0};

    (void)snprintf(server.name, sizeof(server.name), "%s", listing->keeper->keeping->server);
    put(listing, &listing->head, sizeof(listing->head), 0);
    put(listing, &server, sizeof(server), sizeof(listing->head));
}

/* --- Life --- */

static void unlink_listing(const struct listing *listing)
{
    struct listing **link = &listing->keeper->listings;

    while (*link != listing)
        link = &(*link)->next;
    *link = listing->next;
}

/* It is in the list no more. */
static void listing_free(struct listing *listing)
{
    ev_timer_stop(listing->keeper->loop, &listing->turn);
    close(listing->fd);
    free(listing);
}

static void finish(struct listing *listing)
{
    struct message_told told = {.ticket = listing->ticket};

    if (listing->keeper->holds) {
        struct roster_row row = describe_held(&listing->keeper->held);

        put_row(listing, &row);
    }
    put_head(listing);
    unlink_listing(listing);
    told.error = listing->error;
    keeper_tell(listing->keeper, &told, sizeof(told), listing->error == 0 ? listing->fd : -1);
    listing_free(listing);
}

static void on_turn(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct listing *listing = timer->data;
    uint64_t most = listing->head.row_count + SLICE;

    (void)revents;
    while (listing->bucket < RUNS_BUCKETS && listing->head.row_count < most) {
        const struct run *run = listing->keeper->runs.buckets[listing->bucket++];

        for (; run != NULL; run = run->next) {
            struct roster_row row = describe_run(run);

            put_row(listing, &row);
        }
    }
    if (listing->bucket < RUNS_BUCKETS)
        ev_timer_start(loop, timer);
    else
        finish(listing);
}

static struct listing *listing_new(struct keeper *keeper, uint64_t ticket)
{
    struct listing *listing = calloc(1, sizeof(*listing));

    if (listing == NULL)
        return NULL;
    listing->keeper = keeper;
    listing->ticket = ticket;
    listing->head = (struct roster_head){
        .magic = ROSTER_MAGIC,
        .version = ROSTER_VERSION,
        .head_size = sizeof(struct roster_head) + sizeof(struct roster_server),
        .row_size = sizeof(struct roster_row),
        .server_count = 1,
        .slot = ROSTER_KEEPER,
        .pid = (uint32_t)getpid(),
    };
    listing->fd = memfd_create("prongd-roster", MFD_CLOEXEC);
    if (listing->fd >= 0)
        return listing;
    free(listing);
    return NULL;
}

void listing_start(struct keeper *keeper, uint64_t ticket)
{
    const struct message_told failure = {.ticket = ticket, .error = -ENOMEM};
    struct listing *listing = listing_new(keeper, ticket);

    if (listing == NULL) {
        keeper_tell(keeper, &failure, sizeof(failure), -1);
        return;
    }
    listing->next = keeper->listings;
    keeper->listings = listing;
    ev_timer_init(&listing->turn, on_turn, 0., 0.);
    listing->turn.data = listing;
    ev_timer_start(keeper->loop, &listing->turn);
}

void listing_stop_all(struct keeper *keeper)
{
    struct listing *listing;

    while ((listing = keeper->listings) != NULL) {
        keeper->listings = listing->next;
        listing_free(listing);
    }
}
