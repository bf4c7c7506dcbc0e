/* SPDX-License-Identifier: MIT
 *
 * Loading what a reload would load, and comparing.
 */
#include "diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "config.h"
#include "control.h"
#include "generation.h"
#include "master_internal.h"
#include "plan.h"
#include "rehearsal.h"

/* What prongctl exits with when the configuration is refused. */
#define EXIT_CONFIGURATION 2

struct diff {
    struct diff *next;
    struct master *master;
    struct control_client *client;
    struct rehearsal *rehearsal;
};

static void refuse(struct control_client *client, const char *why, int status)
{
    control_answer(client, json_pack("{s:b, s:s, s:i}", "ok", 0, "error", why, "exit", status));
}

static void refuse_configuration(struct control_client *client,
                                 const struct config_problems *problems)
{
    refuse(client, problems->text != NULL ? problems->text : "out of memory",
           problems->system ? EXIT_FAILURE : EXIT_CONFIGURATION);
}

/* Takes it out of the list. */
static void forget(struct diff *diff)
{
    struct diff **link = &diff->master->diffs;

    while (*link != diff)
        link = &(*link)->next;
    *link = diff->next;
    free(diff);
}

static void compare(const struct master *master, const struct generation *current,
                    struct control_client *client)
{
    struct config_problems problems = {0}, refusals = {0};
    struct config *config = config_load(current->config->file, master->handlers, &problems);

    if (config == NULL) {
        refuse_configuration(client, &problems);
    } else {
        (void)compare_allows_reload(current->config, config, &refusals);
        control_answer(client, plan_json(master, config, &refusals));
    }
    config_problems_clear(&refusals);
    config_problems_clear(&problems);
    config_free(config);
}

static void on_rehearsed(const struct config_problems *problems, void *user)
{
    struct diff *diff = user;
    struct control_client *client = diff->client;
    const struct master *master = diff->master;
    const struct generation *current = generation_list_current(&master->generations);

    forget(diff);
    if (problems->count > 0)
        refuse_configuration(client, problems);
    else if (current == NULL)
        refuse(client, "the service does not run", EXIT_FAILURE);
    else
        compare(master, current, client);
}

void diff_begin(struct master *master, struct control_client *client)
{
    const struct generation *current = generation_list_current(&master->generations);
    struct diff *diff;

    if (current == NULL) {
        refuse(client, "the service does not run", EXIT_FAILURE);
        return;
    }
    diff = calloc(1, sizeof(*diff));
    if (diff != NULL)
        diff->rehearsal = rehearsal_start(master->loop, current->config->file, master->handlers,
                                          on_rehearsed, diff);
    if (diff == NULL || diff->rehearsal == NULL) {
        refuse(client, strerror(errno), EXIT_FAILURE);
        free(diff);
        return;
    }
    diff->master = master;
    diff->client = client;
    diff->next = master->diffs;
    master->diffs = diff;
}

void diff_clear(struct master *master, json_t *answer)
{
    struct diff *diff, *next;

    for (diff = master->diffs; diff != NULL; diff = next) {
        next = diff->next;
        if (answer != NULL) {
            rehearsal_free(diff->rehearsal);
            control_answer(diff->client, json_incref(answer));
        } else {
            rehearsal_abandon(diff->rehearsal);
        }
        free(diff);
    }
    master->diffs = NULL;
    json_decref(answer);
}
