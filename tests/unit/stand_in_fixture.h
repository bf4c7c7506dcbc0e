/* SPDX-License-Identifier: MIT
 *
 * What a worker does for the proxy, without a worker: <prongd/service.h> over a few numbers.
 *
 * Items are found by their names alone: two services of this fixture are two workers of one server.
 */
#ifndef STAND_IN_FIXTURE_H
#define STAND_IN_FIXTURE_H

#include <prongd/service.h>

#include "proxy_options.h"

struct prong_loop;

/* A service: give it as (struct prongd_service *). */
struct stand_in {
    struct proxy_config config;
    struct prong_loop *loop;
    unsigned lines; /* that were logged */
};

/* Forgets every item: none may be in use. */
void stand_in_clear(void);

#endif
