/* SPDX-License-Identifier: MIT
 *
 * The health of an upstream: one truth for all workers, in an item that they share.
 *
 * The state and until when it holds are one number, which changes with one compare-and-swap: of
 * several workers that come to the same finding one makes it, and tells it.  Every state but UP
 * holds until a moment, whatever becomes of the worker that found it: after that of DOWN one client
 * tries the upstream, and so another one after that of TRIAL, whose worker is gone then, and after
 * that of FAILED, which nobody checks any more.
 */
#ifndef PRONGD_HEALTH_H
#define PRONGD_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "upstream_figures.h"

struct prong_address;
struct prongd_item;
struct prongd_service;
struct proxy_config;

/* Of one upstream in one worker; borrows all. */
struct health {
    struct prongd_service *service;
    const struct proxy_config *config;
    const struct prong_address *address;
    struct prongd_item *item;
    uint64_t trial; /* what this worker made the number when it began its last trial */
};

/* What this configuration would never have found does not hold: for who begins to use it. */
void health_settle(struct health *health, uint64_t now_ms);

enum health_state health_state(const struct health *health);

/* May a client be sent there now?  One that is down may be when its time is over. */
bool health_is_usable(const struct health *health, uint64_t now_ms);

/* … or when there is nobody else? */
bool health_is_possible(const struct health *health, uint64_t now_ms);

/* Was it found to be down since this moment, and is up again, or its time is over? */
bool health_is_back(const struct health *health, uint64_t since_ms, uint64_t now_ms);

/* A client is sent to one that is usable: where that is a trial, it becomes this client's.  False:
 * another one has it, or is sent there first. */
bool health_claim(struct health *health, uint64_t now_ms);

/* Is this machine short of something?  Then the negative code says nothing about the upstream. */
bool health_is_our_own(int error);

/* What an attempt says: it succeeded, it failed with this negative code, or nothing. */
void health_note_success(struct health *health, uint64_t now_ms);
void health_note_failure(struct health *health, int error, uint64_t now_ms);
void health_note_nothing(struct health *health, uint64_t now_ms);

/* What checks in a row say; `until_ms`: when the next ones would have said it again. */
void health_note_checks(struct health *health, int error, uint64_t now_ms, uint64_t until_ms);

#endif
