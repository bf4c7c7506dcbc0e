/* SPDX-License-Identifier: MIT
 *
 * A walk that looks for numbers.
 */
#include "closing.h"

#include <errno.h>
#include <prong/socket.h>
#include <prongd/service.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "connection.h"
#include "message.h"
#include "service.h"
#include "unsent.h"
#include "worker_internal.h"

struct closing {
    struct worker *worker;
    size_t count; /* of the numbers that are looked for, sorted */
    size_t found;
    uint64_t *wanted;
    struct message_told *told; /* with room for all of them */
};

static int compare(const void *left, const void *right)
{
    uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;

    return (one > other) - (one < other);
}

static bool visit(struct prong_socket *socket, size_t server, void *user)
{
    struct closing *closing = user;
    uint64_t id = connection_of(socket)->id;

    if (bsearch(&id, closing->wanted, closing->count, sizeof(id), compare) == NULL ||
        closing->found == closing->count)
        return true;
    closing->told->ids[closing->found++] = id;
    access_note(socket, ACCESS_END_OPERATOR);
    prongd_log(socket, PRONGD_LOG_NOTICE, "client closed by the operator");
    unsent_cut(&closing->worker->services[server], socket);
    return closing->found < closing->count;
}

static void closing_free(struct closing *closing)
{
    free(closing->wanted);
    free(closing->told);
    free(closing);
}

static void answer(struct worker *worker, const struct message_told *told, size_t found)
{
    if (worker->channel != NULL)
        (void)ipc_send(worker->channel, MESSAGE_TOLD, told,
                       sizeof(*told) + found * sizeof(told->ids[0]), NULL, 0);
}

/* A walk that was enough is as good as a whole one. */
static void on_end(bool is_whole, void *user)
{
    struct closing *closing = user;

    if (!is_whole)
        closing->told->error = -ENOMEM;
    answer(closing->worker, closing->told, closing->found);
    closing_free(closing);
}

static const struct walk_events events = {.visit = visit, .on_end = on_end};

static struct closing *closing_new(struct worker *worker, const struct message_ask *ask,
                                   size_t count)
{
    struct closing *closing = calloc(1, sizeof(*closing));

    if (closing == NULL)
        return NULL;
    closing->worker = worker;
    closing->count = count;
    closing->wanted = calloc(count + 1, sizeof(*closing->wanted));
    closing->told = calloc(1, sizeof(*closing->told) + count * sizeof(closing->told->ids[0]));
    if (closing->wanted == NULL || closing->told == NULL) {
        closing_free(closing);
        return NULL;
    }
    memcpy(closing->wanted, ask->ids, count * sizeof(*closing->wanted));
    qsort(closing->wanted, count, sizeof(*closing->wanted), compare);
    closing->told->ticket = ask->ticket;
    return closing;
}

void closing_start(struct worker *worker, const struct message_ask *ask, size_t count)
{
    const struct message_told failure = {.ticket = ask->ticket, .error = -ENOMEM};
    struct closing *closing = closing_new(worker, ask, count);

    if (closing != NULL && walk_start(&worker->walks, &events, closing) == 0)
        return;
    if (closing != NULL)
        closing_free(closing);
    answer(worker, &failure, 0);
}
