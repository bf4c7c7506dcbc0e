/* SPDX-License-Identifier: MIT
 *
 * Numbers in portions.
 */
#include "close.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "amount.h"
#include "answer.h"
#include "call.h"
#include "connections.h"
#include "criteria.h"
#include "crowd.h"
#include "units.h"

/* What fits well into the line of a request. */
#define PORTION 2000

/* What became of them so far. */
struct outcome {
    json_int_t closed;
    json_t *not_found; /* numbers */
    json_t *failure;   /* an answer that says no; NULL */
};

static void note(struct outcome *outcome, json_t *answer)
{
    outcome->closed += json_integer_value(json_object_get(answer, "closed"));
    json_array_extend(outcome->not_found, json_object_get(answer, "not_found"));
    if (!json_is_true(json_object_get(answer, "ok")))
        outcome->failure = json_incref(answer);
}

/* Asks for one portion.  False: no answer, which was said on stderr. */
static bool close_portion(struct call *call, struct outcome *outcome, json_t *ids)
{
    json_t *answer = call_ask_with(call, COMMAND_CLOSE, ids);

    if (answer == NULL)
        return false;
    note(outcome, answer);
    json_decref(answer);
    return true;
}

static bool close_all(struct call *call, struct outcome *outcome, const json_t *ids)
{
    bool is_answered = true;

    for (size_t done = 0; is_answered && outcome->failure == NULL && done < json_array_size(ids);) {
        json_t *portion = json_array();

        for (; json_array_size(portion) < PORTION && done < json_array_size(ids); done++)
            json_array_append(portion, json_array_get(ids, done));
        is_answered = close_portion(call, outcome, portion);
    }
    return is_answered;
}

/* --- Which ones --- */

static json_t *ids_of_words(const struct call *call)
{
    json_t *ids = json_array();
    uint64_t number;

    for (size_t i = 0; i < call->word_count; i++) {
        if (!amount_read_number(call->words[i], &number) || number > INT64_MAX) {
            (void)call_fail_usage("close takes numbers, as prongctl connections shows them");
            json_decref(ids);
            return NULL;
        }
        json_array_append_new(ids, json_string(call->words[i]));
    }
    return ids;
}

/* NULL with the exit status in `status`. */
static json_t *ids_of_criteria(struct call *call, int *status)
{
    struct criteria criteria;
    struct crowd crowd = {0};
    json_t *ids = NULL;

    *status = criteria_read(&criteria, call);
    if (*status == 0)
        *status = crowd_ask(&crowd, call);
    if (*status == 0) {
        connections_filter(&crowd, &criteria);
        ids = json_array();
    }
    for (size_t i = 0; ids != NULL && i < crowd.count; i++)
        json_array_append_new(ids,
                              json_sprintf("%llu", (unsigned long long)crowd.members[i].row.id));
    crowd_clear(&crowd);
    criteria_clear(&criteria);
    return ids;
}

/* --- The command --- */

static void print(const struct outcome *outcome)
{
    char closed[UNITS_SIZE];

    (void)printf("%s connections closed.\n", units_count((uint64_t)outcome->closed, closed));
    if (json_array_size(outcome->not_found) > 0)
        (void)fputs("prongctl: not found:", stderr);
    for (size_t i = 0; i < json_array_size(outcome->not_found); i++)
        (void)fprintf(stderr, " %lld%s",
                      (long long)json_integer_value(json_array_get(outcome->not_found, i)),
                      i + 1 == json_array_size(outcome->not_found) ? "\n" : "");
}

/* Who was found by what is said of it may have gone by itself meanwhile. */
static int show(const struct call *call, const struct outcome *outcome)
{
    bool misses = call->word_count > 0 && json_array_size(outcome->not_found) > 0;
    json_t *shown;

    if (outcome->failure != NULL)
        return answer_show(outcome->failure, COMMAND_CLOSE, call->json);
    shown = json_pack("{s:b, s:I, s:O}", "ok", !misses, "closed", outcome->closed, "not_found",
                      outcome->not_found);
    if (call->json)
        answer_dump(shown);
    else
        print(outcome);
    json_decref(shown);
    return misses ? CALL_SYSTEM : 0;
}

int close_run(struct call *call)
{
    struct outcome outcome = {.not_found = json_array()};
    bool by_criteria = criteria_are_given(call);
    int status = CALL_USAGE;
    json_t *ids = NULL;

    if (by_criteria == (call->word_count > 0))
        status = call_fail_usage("close takes numbers of connections, or options that choose some");
    else
        ids = by_criteria ? ids_of_criteria(call, &status) : ids_of_words(call);
    if (ids != NULL)
        status = close_all(call, &outcome, ids) ? show(call, &outcome) : CALL_SYSTEM;
    json_decref(ids);
    json_decref(outcome.not_found);
    json_decref(outcome.failure);
    return status;
}
