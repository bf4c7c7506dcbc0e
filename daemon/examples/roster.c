/* SPDX-License-Identifier: MIT
 *
 * Seats, behind the lock of the shared memory.
 *
 * The user's number is written last when a seat is taken, and first when it is given up: so a
 * worker that is killed in the middle leaves a seat that is free, and nothing has to be mended.
 */
#include "roster.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct seat {
    uint64_t user;   /* 0: free */
    uint64_t seen_s; /* CLOCK_MONOTONIC: the same in every process */
    char name[NAME_SIZE];
    char room[NAME_SIZE];
};

_Static_assert(sizeof(struct seat) * ROSTER_SEATS <= ROSTER_SIZE, "all seats have room");

static uint64_t now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

static struct seat *seats(struct prongd_service *service)
{
    size_t size;

    return prongd_shared(service, &size);
}

static bool is_taken(const struct seat *seat)
{
    return seat->user != 0 && seat->seen_s + ROSTER_COLD_S > now_s();
}

/* Under the lock.  The seat, or -EEXIST or -ENOSPC. */
static int find_free(const struct seat *all, const char *name)
{
    int found = -ENOSPC;

    for (int i = 0; i < ROSTER_SEATS; i++) {
        if (!is_taken(&all[i]))
            found = found < 0 ? i : found;
        else if (strcmp(all[i].name, name) == 0)
            return -EEXIST;
    }
    return found;
}

int roster_enter(struct prongd_service *service, uint64_t user, const char *name, const char *room)
{
    struct seat *all = seats(service);
    int seat;

    if (prongd_shared_lock(service) < 0)
        return -EBUSY;
    seat = find_free(all, name);
    if (seat >= 0) {
        all[seat].user = 0;
        snprintf(all[seat].name, NAME_SIZE, "%s", name);
        snprintf(all[seat].room, NAME_SIZE, "%s", room);
        all[seat].seen_s = now_s();
        all[seat].user = user;
    }
    prongd_shared_unlock(service);
    return seat;
}

void roster_move(struct prongd_service *service, int seat, uint64_t user, const char *room)
{
    struct seat *own = &seats(service)[seat];

    if (prongd_shared_lock(service) < 0)
        return;
    if (own->user == user)
        snprintf(own->room, NAME_SIZE, "%s", room);
    prongd_shared_unlock(service);
}

/* One word, of a seat that nobody else takes while it is warm: no lock. */
void roster_refresh(struct prongd_service *service, int seat, uint64_t user)
{
    struct seat *own = &seats(service)[seat];

    if (own->user == user)
        own->seen_s = now_s();
}

void roster_leave(struct prongd_service *service, int seat, uint64_t user)
{
    struct seat *own = &seats(service)[seat];

    if (own->user == user)
        own->user = 0;
}

const char *roster_list(struct prongd_service *service, const char *room, char *text, size_t size)
{
    const struct seat *all = seats(service);
    size_t length = 0;

    text[0] = '\0';
    if (prongd_shared_lock(service) < 0)
        return text;
    for (int i = 0; i < ROSTER_SEATS && length + NAME_SIZE + 1 < size; i++)
        if (is_taken(&all[i]) && strcmp(all[i].room, room) == 0)
            length += (size_t)snprintf(text + length, size - length, " %s", all[i].name);
    prongd_shared_unlock(service);
    return text;
}
