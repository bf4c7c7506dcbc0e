/* SPDX-License-Identifier: MIT
 *
 * A name on the table of shares.
 */
#include "limit.h"

#include <errno.h>
#include <prongd/handler.h>
#include <prongd/service.h>
#include <stddef.h>
#include <stdlib.h>

#include "config.h"
#include "service.h"
#include "shares.h"

struct prongd_limit {
    struct shares *shares;
    uint64_t owner;
    struct share_key key;
};

struct prongd_limit *prongd_limit_new(struct prongd_service *handle, const char *name)
{
    const struct service *service = (const struct service *)handle;
    struct prongd_limit *limit = calloc(1, sizeof(*limit));

    if (limit == NULL)
        return NULL;
    limit->shares = service->shares;
    limit->owner = service->share_owner;
    limit->key = share_limit_key(service->config->name, name);
    return limit;
}

void prongd_limit_free(struct prongd_limit *limit)
{
    free(limit);
}

uint64_t prongd_limit_sum(const struct prongd_limit *limit)
{
    return shares_connections(limit->shares, &limit->key);
}

/* Shown first, and taken back when it is one too many: then again, for several who meet at the very
 * limit would all go without. */
int prongd_limit_take(struct prongd_limit *limit, uint64_t most)
{
    for (unsigned attempt = 0; attempt < SHARE_ATTEMPTS; attempt++) {
        struct share *share = shares_hold(limit->shares, limit->owner, &limit->key);

        if (share == NULL)
            return -ENOSPC;
        share_take(share);
        if (most == 0 || prongd_limit_sum(limit) <= most)
            return 0;
        share_give(share);
        share_step_back(limit->owner, attempt);
    }
    return -EDQUOT;
}

static struct share *own_share(const struct prongd_limit *limit)
{
    return shares_find(limit->shares, limit->owner, &limit->key);
}

void prongd_limit_give(struct prongd_limit *limit)
{
    struct share *share = own_share(limit);

    if (share != NULL)
        share_give(share);
}

struct share *limit_share_of(const struct prongd_handler *handler, struct prong_socket *socket)
{
    const struct prongd_limit *limit = handler->limit != NULL ? handler->limit(socket) : NULL;

    return limit != NULL ? own_share(limit) : NULL;
}
