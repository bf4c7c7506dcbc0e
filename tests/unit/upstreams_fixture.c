/* SPDX-License-Identifier: MIT */
#include "upstreams_fixture.h"

#include <stdlib.h>
#include <string.h>

const char *const two[] = {"192.0.2.1:80", "192.0.2.2:80", NULL};

static void on_change(void *user)
{
    struct stage *stage = user;

    stage->changes++;
}

void begin(struct stage *stage, void **state, const char *const *items)
{
    *stage = (struct stage){
        .net = *state,
        .service = {.config = {.max_fails = 1,
                               .fail_timeout_ms = 3600000,
                               .try_timeout_ms = 3000,
                               .resolve_interval_ms = 1}},
    };
    stage->service.loop = stage->net->loop;
    for (size_t i = 0; items[i] != NULL; i++) {
        stage->items[i] = strdup(items[i]);
        stage->service.config.upstream.count++;
    }
    stage->service.config.upstream.items = stage->items;
    if (stage->net->client.socket == NULL)
        net_client(stage->net, NULL);
    stage->upstreams = upstreams_new((struct prongd_service *)&stage->service);
    assert_non_null(stage->upstreams);
    upstreams_watch(stage->upstreams, on_change, stage);
}

void end(struct stage *stage)
{
    upstreams_free(stage->upstreams);
    for (size_t i = 0; i < stage->service.config.upstream.count; i++)
        free(stage->items[i]);
    stand_in_clear();
}

struct upstream *choose(struct stage *stage)
{
    struct upstream_tries tries = {0};

    return upstreams_choose(stage->upstreams, stage->net->client.socket, &tries);
}
