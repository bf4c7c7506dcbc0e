/* SPDX-License-Identifier: MIT
 *
 * Noting it, telling every worker, saying what they said.
 */
#include "draining.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "control.h"
#include "drains.h"
#include "log.h"
#include "master_internal.h"
#include "request.h"
#include "survey.h"

static struct master *master_of(const struct survey *survey)
{
    return (struct master *)((char *)survey->surveys - offsetof(struct master, surveys));
}

/* What the handlers said; the server itself is drained without an error. */
static int error_of(const struct survey *survey)
{
    int error = 0;

    for (size_t i = 0; i < survey->part_count; i++) {
        const struct survey_part *part = &survey->parts[i];

        if (part->state == SURVEY_PART_TOLD)
            return 0;
        if (part->state == SURVEY_PART_FAILED && part->error < 0)
            error = part->error;
    }
    return error;
}

static const char *describe_error(int error)
{
    switch (error) {
    case -ENOENT:
        return "the server's handler has no such item";
    case -ENOTSUP:
        return "the server's handler has no items that can be drained";
    default:
        return strerror(-error);
    }
}

static void answer(struct survey *survey)
{
    int error = error_of(survey);

    if (error == 0) {
        control_answer(survey->client, json_pack("{s:b}", "ok", 1));
        return;
    }
    drains_remove_number(&master_of(survey)->drains, survey->number);
    control_answer(survey->client, request_refusal(EXIT_FAILURE, "%s", describe_error(error)));
}

/* `number`: what is forgotten when the workers refuse it; 0: nothing. */
static void tell_all(struct master *master, const char *server, const char *item, uint64_t number,
                     struct control_client *client)
{
    struct survey_question question = {
        .message = MESSAGE_DRAIN_SERVER, .answer = answer, .number = number};
    struct message_drain *message =
        drains_message(server, item, number != 0, &question.payload_size);

    question.payload = message;
    if (message != NULL)
        survey_start(&master->surveys, &question, client);
    else
        control_answer(client, NULL);
    free(message);
    observation_tell(master->observation);
}

static const char *item_of(const json_t *arguments)
{
    const char *item = request_argument(arguments, 1);

    return item != NULL ? item : "";
}

/* False: there is none of that name, and the client was told. */
static bool is_server(const struct master *master, const char *name, struct control_client *client)
{
    const struct generation *current = generation_list_current(&master->generations);

    for (size_t i = 0; current != NULL && i < current->config->server_count; i++) {
        if (strcmp(current->config->servers[i]->name, name) == 0)
            return true;
    }
    control_answer(client, request_refusal(2, "there is no server of that name"));
    return false;
}

void draining_drain(struct control_client *client, const json_t *arguments, void *user)
{
    struct master *master = user;
    const char *server = request_argument(arguments, 0), *item = item_of(arguments);
    bool announced = request_option(arguments, "announce") != NULL;
    struct drain *drain;

    if (!is_server(master, server, client))
        return;
    drain = drains_add(&master->drains, server, item, announced);
    if (drain == NULL) {
        control_answer(client, NULL);
        return;
    }
    log_notice("drain asked for by prongctl server=%s item=%s announced=%s", server,
               *item != '\0' ? item : "-", drain->is_announced ? "yes" : "no");
    if (!drain->is_announced) {
        tell_all(master, server, item, drain->number, client);
        return;
    }
    observation_tell(master->observation);
    control_answer(client, json_pack("{s:b}", "ok", 1));
}

void draining_undrain(struct control_client *client, const json_t *arguments, void *user)
{
    struct master *master = user;
    const char *server = request_argument(arguments, 0), *item = item_of(arguments);
    struct drain *drain = drains_find(&master->drains, server, item);

    if (drain == NULL) {
        control_answer(client, request_refusal(EXIT_FAILURE, "that is not drained"));
        return;
    }
    log_notice("undrain asked for by prongctl server=%s item=%s", server,
               *item != '\0' ? item : "-");
    drains_remove(&master->drains, drain);
    tell_all(master, server, item, 0, client);
}
