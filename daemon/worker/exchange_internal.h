/* SPDX-License-Identifier: MIT
 *
 * Inside the exchange: what giving and what the handoffs tell have in common.
 *
 * exchange.c chooses and gives, exchange_told.c hears what became of it and takes what others give.
 */
#ifndef PRONGD_EXCHANGE_INTERNAL_H
#define PRONGD_EXCHANGE_INTERNAL_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "exchange.h"
#include "selection.h"

struct channel;
struct handoff_events;
struct prong_socket;
struct service;

struct exchange {
    struct exchange_place place;
    const struct exchange_events *events;
    void *user;
    struct channel *channels;
    size_t takers;
    size_t wanted; /* still to be given */
    bool is_giving;
    bool is_leaving;            /* it gives everything */
    bool hurries;               /* it waits for nobody */
    struct selection selection; /* of those who go, when not all do */
    struct exchange_result result;
    struct service *service; /* the one whose connections are visited now */
    size_t this_turn;        /* given in this turn */
    bool asked_to_wait;      /* by a handler, in this turn */
    ev_prepare turn;         /* runs while giving */
    ev_idle busy;            /* keeps the loop from sleeping meanwhile */
    ev_timer ask_again;
    double patience_ends; /* clock_s() */
};

/* Of every channel, whose user pointer is the channel. */
extern const struct handoff_events exchange_handoff_events;

/* It ends here, when this worker leaves; otherwise it may still move another time. */
void exchange_keep(struct exchange *exchange, struct prong_socket *socket);

/* Something has changed: there may be more to give now. */
void exchange_go_on(struct exchange *exchange);

#endif
