/* SPDX-License-Identifier: MIT
 *
 * One number: the state in the lowest eight bits, above them until when, of CLOCK_MONOTONIC.
 */
#include "health.h"

#include <assert.h>
#include <errno.h>
#include <prong/address.h>
#include <prong/error.h>
#include <prongd/service.h>
#include <stddef.h>

#include "proxy_counters.h"
#include "proxy_options.h"

#define STATE_BITS 8
#define STATE_MASK UINT64_C(0xff)

/* Of the failed attempts: how many, and above that since when. */
#define COUNT_BITS 20
#define COUNT_MASK ((UINT64_C(1) << COUNT_BITS) - 1)

/* The one client may wait for its worker a little, too. */
#define TRIAL_SLACK_MS 1000

#define TO(state) (1U << (state))

static const unsigned allowed[] = {
    [HEALTH_UP] = TO(HEALTH_DOWN) | TO(HEALTH_FAILED),
    [HEALTH_DOWN] = TO(HEALTH_DOWN) | TO(HEALTH_TRIAL) | TO(HEALTH_UP) | TO(HEALTH_FAILED),
    [HEALTH_TRIAL] = TO(HEALTH_TRIAL) | TO(HEALTH_UP) | TO(HEALTH_DOWN) | TO(HEALTH_FAILED),
    [HEALTH_FAILED] = TO(HEALTH_FAILED) | TO(HEALTH_UP) | TO(HEALTH_TRIAL),
};

static uint64_t pack(enum health_state state, uint64_t until_ms)
{
    return until_ms << STATE_BITS | state;
}

/* Another program may have written it: what is no state is UP. */
static enum health_state state_of(uint64_t number)
{
    uint64_t state = number & STATE_MASK;

    return state < HEALTH_STATES ? (enum health_state)state : HEALTH_UP;
}

static bool is_over(uint64_t number, uint64_t now_ms)
{
    return now_ms >= number >> STATE_BITS;
}

static uint64_t look(const struct health *health)
{
    return prongd_item_get(health->item, FIGURE_HEALTH);
}

/* --- Changing --- */

/* How it is found to be down, or tried, is no news. */
static bool is_news(enum health_state from, enum health_state to)
{
    return (from == HEALTH_UP) != (to == HEALTH_UP);
}

static void tell(const struct health *health, enum health_state state, int error)
{
    char text[PRONG_ADDRESS_TEXT_SIZE];

    prong_address_format(health->address, text, sizeof(text));
    if (state == HEALTH_UP)
        prongd_service_log(health->service, PRONGD_LOG_NOTICE, "upstream is up upstream=%s", text);
    else
        prongd_service_log(health->service, PRONGD_LOG_WARNING,
                           "upstream is down upstream=%s found_by=%s error=\"%s\"", text,
                           state == HEALTH_FAILED ? "checks" : "clients", prong_error_text(error));
}

static void note_news(struct health *health, enum health_state state, int error, uint64_t now_ms)
{
    prongd_item_set(health->item, FIGURE_SINCE, now_ms);
    if (state != HEALTH_UP) {
        prongd_item_add(health->item, FIGURE_DOWNS, 1);
        prongd_count(health->service, PROXY_COUNT_DOWN, 1);
    }
    tell(health, state, error);
}

/* The only place that changes the state, from what the caller has seen.  False: it has changed
 * meanwhile. */
static bool enter(struct health *health, uint64_t seen, uint64_t number, int error, uint64_t now_ms)
{
    enum health_state from = state_of(seen), to = state_of(number);

    assert((allowed[from] & TO(to)) != 0);
    if (!prongd_item_replace(health->item, FIGURE_HEALTH, seen, number))
        return false;
    if (error < 0)
        prongd_item_set(health->item, FIGURE_REASON, (uint64_t) - (int64_t)error);
    if (is_news(from, to))
        note_news(health, to, error, now_ms);
    return true;
}

/* --- Looking --- */

enum health_state health_state(const struct health *health)
{
    return state_of(look(health));
}

bool health_is_usable(const struct health *health, uint64_t now_ms)
{
    uint64_t number = look(health);

    return state_of(number) == HEALTH_UP || is_over(number, now_ms);
}

bool health_is_possible(const struct health *health, uint64_t now_ms)
{
    uint64_t number = look(health);

    return state_of(number) != HEALTH_FAILED || is_over(number, now_ms);
}

bool health_is_back(const struct health *health, uint64_t since_ms, uint64_t now_ms)
{
    uint64_t number = look(health);

    if (state_of(number) != HEALTH_UP)
        return is_over(number, now_ms);
    return prongd_item_get(health->item, FIGURE_SINCE) > since_ms;
}

/* --- Clients --- */

void health_settle(struct health *health, uint64_t now_ms)
{
    uint64_t number = look(health);
    enum health_state state = state_of(number);
    bool is_found_by_checks = state == HEALTH_FAILED;

    if (state == HEALTH_UP || (is_found_by_checks ? health->config->check_interval_ms > 0
                                                  : health->config->max_fails > 0))
        return;
    (void)enter(health, number, pack(HEALTH_UP, 0), 0, now_ms);
}

bool health_claim(struct health *health, uint64_t now_ms)
{
    uint64_t number = look(health);
    uint64_t until_ms = now_ms + health->config->try_timeout_ms + TRIAL_SLACK_MS;

    if (state_of(number) == HEALTH_UP)
        return true;
    if (!is_over(number, now_ms) || !enter(health, number, pack(HEALTH_TRIAL, until_ms), 0, now_ms))
        return false;
    health->trial = pack(HEALTH_TRIAL, until_ms);
    return true;
}

bool health_is_our_own(int error)
{
    static const int errors[] = {-EMFILE, -ENFILE, -ENOMEM, -ENOBUFS, -EADDRNOTAVAIL, -EADDRINUSE};

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i] == error)
            return true;
    }
    return false;
}

void health_note_success(struct health *health, uint64_t now_ms)
{
    uint64_t number = look(health);

    if (prongd_item_get(health->item, FIGURE_FAILING) != 0)
        prongd_item_set(health->item, FIGURE_FAILING, 0);
    while (state_of(number) == HEALTH_DOWN || state_of(number) == HEALTH_TRIAL) {
        if (enter(health, number, pack(HEALTH_UP, 0), 0, now_ms))
            return;
        number = look(health);
    }
}

/* How many attempts of all workers have failed within the time, this one included. */
static uint64_t count_failure(const struct health *health, uint64_t now_ms)
{
    uint64_t seen, first_ms, count;

    do {
        seen = prongd_item_get(health->item, FIGURE_FAILING);
        first_ms = seen >> COUNT_BITS;
        count = seen & COUNT_MASK;
        if (count == 0 || now_ms > first_ms + health->config->fail_timeout_ms) {
            first_ms = now_ms;
            count = 0;
        }
        count += count < COUNT_MASK;
    } while (
        !prongd_item_replace(health->item, FIGURE_FAILING, seen, first_ms << COUNT_BITS | count));
    return count;
}

static void count_out(struct health *health, int error, uint64_t now_ms)
{
    uint64_t until_ms = now_ms + health->config->fail_timeout_ms;
    uint64_t count = count_failure(health, now_ms), number;

    do {
        number = look(health);
        if (state_of(number) == HEALTH_FAILED)
            return;
        if (count < health->config->max_fails && state_of(number) != HEALTH_TRIAL)
            return;
    } while (!enter(health, number, pack(HEALTH_DOWN, until_ms), error, now_ms));
}

void health_note_failure(struct health *health, int error, uint64_t now_ms)
{
    if (health_is_our_own(error))
        health_note_nothing(health, now_ms);
    else if (health->config->max_fails == 0)
        health_settle(health, now_ms);
    else
        count_out(health, error, now_ms);
}

/* Only where it is this worker's: of another's nothing is known here. */
void health_note_nothing(struct health *health, uint64_t now_ms)
{
    uint64_t number = look(health);

    if (state_of(number) == HEALTH_TRIAL && number == health->trial)
        (void)enter(health, number, pack(HEALTH_DOWN, now_ms), 0, now_ms);
}

/* --- Checks --- */

void health_note_checks(struct health *health, int error, uint64_t now_ms, uint64_t until_ms)
{
    uint64_t number, wanted;

    do {
        number = look(health);
        if (error == 0 && state_of(number) != HEALTH_FAILED)
            return;
        wanted = error == 0 ? pack(HEALTH_UP, 0) : pack(HEALTH_FAILED, until_ms);
    } while (!enter(health, number, wanted, error, now_ms));
}
