/* SPDX-License-Identifier: MIT
 *
 * A table of lists.
 */
#include "runs.h"

#include "run.h"

static size_t bucket(pid_t pid)
{
    return (size_t)pid % RUNS_BUCKETS;
}

void runs_add(struct runs *runs, struct run *run)
{
    struct run **first = &runs->buckets[bucket(run->pid)];

    run->next = *first;
    *first = run;
    runs->count++;
}

struct run *runs_find(const struct runs *runs, pid_t pid)
{
    struct run *run = runs->buckets[bucket(pid)];

    while (run != NULL && run->pid != pid)
        run = run->next;
    return run;
}

void runs_remove(struct runs *runs, struct run *run)
{
    struct run **at = &runs->buckets[bucket(run->pid)];

    while (*at != run)
        at = &(*at)->next;
    *at = run->next;
    runs->count--;
}

struct run *runs_find_connection(const struct runs *runs, uint64_t connection)
{
    for (size_t i = 0; i < RUNS_BUCKETS; i++) {
        for (struct run *run = runs->buckets[i]; run != NULL; run = run->next) {
            if (run->connection == connection)
                return run;
        }
    }
    return NULL;
}

void runs_terminate(const struct runs *runs, enum access_end end)
{
    for (size_t i = 0; i < RUNS_BUCKETS; i++) {
        for (struct run *run = runs->buckets[i]; run != NULL; run = run->next)
            run_terminate(run, end);
    }
}
