/* SPDX-License-Identifier: MIT
 *
 * Lists of timeouts, a heap of lists, one timer.
 */
#include "timeouts.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <time.h>

struct timeout_list {
    uint32_t duration_ms; /* first: the tree's key */
    size_t place;         /* in the heap */
    struct timeout *first, *last;
};

/* Not ev_now(): that is the time of day, which somebody may set. */
static ev_tstamp now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (ev_tstamp)time.tv_sec + (ev_tstamp)time.tv_nsec / 1e9;
}

static int compare_durations(const void *left, const void *right)
{
    const struct timeout_list *a = left, *b = right;

    return (a->duration_ms > b->duration_ms) - (a->duration_ms < b->duration_ms);
}

static void heap_put(struct timeouts *timeouts, size_t place, struct timeout_list *list)
{
    timeouts->heap[place] = list;
    list->place = place;
}

/* Moves a list to where its first deadline belongs. */
static void heap_settle(struct timeouts *timeouts, struct timeout_list *list)
{
    ev_tstamp deadline = list->first->deadline;
    size_t place = list->place;

    while (place > 0 && timeouts->heap[(place - 1) / 2]->first->deadline > deadline) {
        heap_put(timeouts, place, timeouts->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (size_t child = 2 * place + 1; child < timeouts->count; child = 2 * place + 1) {
        if (child + 1 < timeouts->count &&
            timeouts->heap[child + 1]->first->deadline < timeouts->heap[child]->first->deadline)
            child++;
        if (timeouts->heap[child]->first->deadline >= deadline)
            break;
        heap_put(timeouts, place, timeouts->heap[child]);
        place = child;
    }
    heap_put(timeouts, place, list);
}

static void heap_remove(struct timeouts *timeouts, struct timeout_list *list)
{
    struct timeout_list *last = timeouts->heap[--timeouts->count];

    if (last == list)
        return;
    heap_put(timeouts, list->place, last);
    heap_settle(timeouts, last);
}

/* Wakes up for the earliest deadline.  A timer that is too early is left alone: it looks again
 * when it fires, which is cheaper than moving it with every read. */
static void arm(struct timeouts *timeouts)
{
    ev_tstamp deadline;

    if (timeouts->count == 0)
        return;
    deadline = timeouts->heap[0]->first->deadline;
    if (ev_is_active(&timeouts->timer)) {
        if (timeouts->armed_for <= deadline)
            return;
        ev_ref(timeouts->ev);
        ev_timer_stop(timeouts->ev, &timeouts->timer);
    }
    timeouts->armed_for = deadline;
    ev_timer_set(&timeouts->timer, deadline - now(), 0.);
    ev_timer_start(timeouts->ev, &timeouts->timer);
    ev_unref(timeouts->ev); /* an idle time never keeps a program alive (R109) */
}

static void on_timer(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    struct timeouts *timeouts = timer->data;
    ev_tstamp turn = now();

    (void)revents;
    ev_ref(ev);
    while (timeouts->count > 0 && timeouts->heap[0]->first->deadline <= turn) {
        struct timeout *timeout = timeouts->heap[0]->first;

        timeout_stop(timeouts, timeout);
        timeout->on_expired(timeout);
    }
    arm(timeouts);
}

void timeouts_init(struct timeouts *timeouts, struct ev_loop *ev)
{
    *timeouts = (struct timeouts){.ev = ev};
    ev_init(&timeouts->timer, on_timer);
    timeouts->timer.data = timeouts;
}

void timeouts_clear(struct timeouts *timeouts)
{
    assert(timeouts->count == 0);
    if (ev_is_active(&timeouts->timer)) {
        ev_ref(timeouts->ev);
        ev_timer_stop(timeouts->ev, &timeouts->timer);
    }
    free(timeouts->heap);
    timeouts->heap = NULL;
}

static int heap_reserve(struct timeouts *timeouts)
{
    size_t capacity = timeouts->capacity == 0 ? 8 : timeouts->capacity * 2;
    struct timeout_list **heap;

    if (timeouts->count < timeouts->capacity)
        return 0;
    heap = realloc(timeouts->heap, capacity * sizeof(struct timeout_list *));
    if (heap == NULL)
        return -ENOMEM;
    timeouts->heap = heap;
    timeouts->capacity = capacity;
    return 0;
}

/* The list of a duration, found or made.  A new one is empty and not in the heap yet. */
static struct timeout_list *list_of(struct timeouts *timeouts, uint32_t duration_ms)
{
    struct timeout_list key = {.duration_ms = duration_ms};
    struct timeout_list **found = tfind(&key, &timeouts->tree, compare_durations);
    struct timeout_list *list;

    if (found != NULL)
        return *found;
    if (heap_reserve(timeouts) < 0)
        return NULL;
    list = calloc(1, sizeof(*list));
    if (list == NULL)
        return NULL;
    list->duration_ms = duration_ms;
    if (tsearch(list, &timeouts->tree, compare_durations) == NULL) {
        free(list);
        return NULL;
    }
    return list;
}

static void append(struct timeouts *timeouts, struct timeout_list *list, struct timeout *timeout)
{
    bool is_first = list->first == NULL;

    timeout->list = list;
    timeout->deadline = now() + list->duration_ms / 1e3;
    timeout->previous = list->last;
    timeout->next = NULL;
    if (is_first)
        list->first = timeout;
    else
        list->last->next = timeout;
    list->last = timeout;
    if (is_first) {
        heap_put(timeouts, timeouts->count++, list);
        heap_settle(timeouts, list);
    }
}

/* Takes a timeout out of its list; an empty list goes as well, unless `keep`. */
static void unlink_from(struct timeouts *timeouts, struct timeout *timeout, bool keep)
{
    struct timeout_list *list = timeout->list;
    bool was_first = list->first == timeout;

    if (was_first)
        list->first = timeout->next;
    else
        timeout->previous->next = timeout->next;
    if (list->last == timeout)
        list->last = timeout->previous;
    else
        timeout->next->previous = timeout->previous;
    timeout->list = NULL;
    if (!was_first)
        return;
    if (list->first != NULL) {
        heap_settle(timeouts, list);
        return;
    }
    heap_remove(timeouts, list);
    if (!keep) {
        tdelete(list, &timeouts->tree, compare_durations);
        free(list);
    }
}

int timeout_start(struct timeouts *timeouts, struct timeout *timeout, uint32_t after_ms)
{
    struct timeout_list *list;

    timeout_stop(timeouts, timeout);
    list = list_of(timeouts, after_ms);
    if (list == NULL)
        return -ENOMEM;
    append(timeouts, list, timeout);
    arm(timeouts);
    return 0;
}

void timeout_restart(struct timeouts *timeouts, struct timeout *timeout)
{
    struct timeout_list *list = timeout->list;

    if (list->last == timeout && list->first == timeout) {
        timeout->deadline = now() + list->duration_ms / 1e3;
        heap_settle(timeouts, list);
        return;
    }
    unlink_from(timeouts, timeout, true);
    append(timeouts, list, timeout);
}

void timeout_stop(struct timeouts *timeouts, struct timeout *timeout)
{
    if (timeout->list != NULL)
        unlink_from(timeouts, timeout, false);
}

uint32_t timeout_left_ms(const struct timeout *timeout)
{
    ev_tstamp left;

    if (timeout->list == NULL)
        return 0;
    left = (timeout->deadline - now()) * 1e3;
    return left < 1 ? 1 : (uint32_t)left;
}

uint32_t timeout_duration_ms(const struct timeout *timeout)
{
    return timeout->list->duration_ms;
}
