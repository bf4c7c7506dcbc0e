/* SPDX-License-Identifier: MIT
 *
 * Questions to workers about their connections.
 */
#include "connections.h"

#include <stdlib.h>

#include "control.h"
#include "master_internal.h"
#include "survey.h"

static json_t *describe_part(const struct survey_part *part)
{
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
    static const struct survey_question question = {.message = MESSAGE_ROSTER,
                                                    .answer = answer_list};
    struct master *master = user;

    (void)arguments;
    survey_start(&master->surveys, &question, client);
}
