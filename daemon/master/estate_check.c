/* SPDX-License-Identifier: MIT
 *
 * Can this program take the estate over?  Asked while nothing has happened yet.
 */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "compare.h"
#include "config.h"
#include "estate.h"
#include "estate_internal.h"
#include "generation.h"
#include "inherited_config.h"

/* The generation that serves: the newest of them.  NULL: there is none. */
static const json_t *find_serving(const json_t *generations)
{
    const json_t *value, *found = NULL;
    size_t i;

    json_array_foreach(generations, i, value)
    {
        if (json_integer_value(json_object_get(value, "state")) == GENERATION_SERVING)
            found = value;
    }
    return found;
}

/* What only a restart can change is refused now, while nothing has happened. */
static int check_config(const json_t *estate, const struct config *config,
                        const struct prongd_handler *const *handlers, char *problem, size_t size)
{
    const json_t *serving = find_serving(json_object_get(estate, "generations"));
    struct config_problems problems = {0};
    struct config *before;
    int error = 0;

    if (serving == NULL)
        return 0;
    before = inherited_config_new(json_object_get(serving, "config"), handlers);
    if (before == NULL) {
        snprintf(problem, size, "the estate does not tell its configuration");
        return -EPROTO;
    }
    if (!compare_allows_reload(before, config, &problems)) {
        snprintf(problem, size, "%s", problems.text != NULL ? problems.text : "out of memory");
        error = -EINVAL;
    }
    config_problems_clear(&problems);
    config_free(before);
    return error;
}

int estate_check(int fd, const struct config *config, const struct prongd_handler *const *handlers,
                 char *problem, size_t size)
{
    json_t *estate = estate_load(fd, problem, size);
    bool is_whole;
    int error = -EPROTO;

    if (estate == NULL)
        return error;
    is_whole = json_is_array(json_object_get(estate, "generations")) &&
               json_is_array(json_object_get(estate, "listeners")) &&
               json_is_integer(json_object_get(estate, "scoreboard"));
    if (is_whole)
        error = check_config(estate, config, handlers, problem, size);
    else
        snprintf(problem, size, "the estate is not whole");
    json_decref(estate);
    return error;
}
