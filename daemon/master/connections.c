/* SPDX-License-Identifier: MIT
 *
 * Questions to workers and keepers about their connections.
 */
#include "connections.h"

#include <stdlib.h>

#include "control.h"
#include "master_internal.h"
#include "request.h"
#include "survey.h"

static json_t *describe_part(const struct survey_part *part)
{
    if (part->is_keeper)
        return json_pack("{s:b, s:I}", "keeper", 1, "pid", (json_int_t)part->pid);
    return json_pack("{s:I, s:i, s:I}", "generation", (json_int_t)part->generation, "slot",
                     (int)part->slot, "pid", (json_int_t)part->pid);
}

/* --- The list --- */

static void answer_list(struct survey *survey)
{
    json_t *rosters = json_array(), *missing = json_array();
    int *fds = calloc(survey->part_count + 1, sizeof(int));
    size_t count = 0;

    for (size_t i = 0; fds != NULL && i < survey->part_count; i++) {
        struct survey_part *part = &survey->parts[i];
        bool has_told = part->state == SURVEY_PART_TOLD && part->fd >= 0;

        if (part->state != SURVEY_PART_GONE)
            json_array_append_new(has_told ? rosters : missing, describe_part(part));
        if (has_told)
            fds[count++] = part->fd;
        if (has_told)
            part->fd = -1;
    }
    control_answer_with(
        survey->client,
        json_pack("{s:b, s:o, s:o}", "ok", 1, "rosters", rosters, "missing", missing), fds, count);
}

void connections_list(struct control_client *client, const json_t *arguments, void *user)
{
    struct message_ask ask = {0};
    struct survey_question question = {.message = MESSAGE_ROSTER,
                                       .payload = &ask,
                                       .payload_size = sizeof(ask),
                                       .asks_keepers = true,
                                       .answer = answer_list};
    struct master *master = user;

    (void)arguments;
    survey_start(&master->surveys, &question, client);
}

/* --- Closing --- */

static int compare(const void *left, const void *right)
{
    uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;

    return (one > other) - (one < other);
}

static bool is_found(const struct survey *survey, uint64_t id)
{
    return bsearch(&id, survey->found, survey->found_count, sizeof(id), compare) != NULL;
}

static void answer_close(struct survey *survey)
{
    json_t *not_found = json_array();

    qsort(survey->found, survey->found_count, sizeof(survey->found[0]), compare);
    for (size_t i = 0; i < survey->asked_count; i++) {
        if (!is_found(survey, survey->asked[i]))
            json_array_append_new(not_found, json_integer((json_int_t)survey->asked[i]));
    }
    control_answer(survey->client,
                   json_pack("{s:b, s:I, s:o}", "ok", 1, "closed", (json_int_t)survey->found_count,
                             "not_found", not_found));
}

/* False: one of them is no number. */
static bool read_ids(const json_t *arguments, uint64_t *ids)
{
    for (size_t i = 0; i < json_array_size(arguments); i++) {
        const char *text = json_string_value(json_array_get(arguments, i));
        char *end;

        ids[i] = strtoull(text, &end, 10);
        if (*text < '0' || *text > '9' || *end != '\0')
            return false;
    }
    return true;
}

void connections_close(struct control_client *client, const json_t *arguments, void *user)
{
    size_t count = json_array_size(arguments);
    size_t size = sizeof(struct message_ask) + count * sizeof(uint64_t);
    struct message_ask *ask = calloc(1, size);
    struct survey_question question = {.message = MESSAGE_CLOSE,
                                       .payload = ask,
                                       .payload_size = size,
                                       .id_count = count,
                                       .asks_keepers = true,
                                       .answer = answer_close};
    struct master *master = user;

    if (ask == NULL) {
        control_answer(client, NULL);
        return;
    }
    question.ids = ask->ids;
    if (count == 0 || !read_ids(arguments, ask->ids))
        control_answer(client, request_refusal(2, "close takes the numbers of connections"));
    else
        survey_start(&master->surveys, &question, client);
    free(ask);
}
