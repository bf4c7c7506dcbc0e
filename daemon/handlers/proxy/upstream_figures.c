/* SPDX-License-Identifier: MIT
 *
 * The rows.
 */
#include "upstream_figures.h"

#include <assert.h>

const struct prongd_item_state health_states[] = {
    [HEALTH_UP] = {"up", true},
    [HEALTH_DOWN] = {"down", false},
    [HEALTH_TRIAL] = {"trial", false},
    [HEALTH_FAILED] = {"check failed", false},
};

const struct prongd_figure upstream_figures[] = {
    [FIGURE_HEALTH] = {"state", "Whether it can be used.", PRONGD_FIGURE_STATE},
    [FIGURE_SINCE] = {"since", "When that was found.", PRONGD_FIGURE_MOMENT},
    [FIGURE_REASON] = {"reason", "The last error because of which it was taken out.",
                       PRONGD_FIGURE_REASON},
    [FIGURE_FAILING] = {"failing", "Failed attempts in a row.", PRONGD_FIGURE_OWN},
    [FIGURE_LEASE] = {"lease", "Who checks it.", PRONGD_FIGURE_OWN},
    [FIGURE_STREAK] = {"streak", "What the last checks said.", PRONGD_FIGURE_OWN},
    [FIGURE_WEIGHT] = {"weight", "Its share of the connections, as configured.",
                       PRONGD_FIGURE_LEVEL},
    [FIGURE_BACKUP] = {"backup", "1: it is used when no other can be.", PRONGD_FIGURE_LEVEL},
    [FIGURE_CONNECTIONS] = {"connections", "Connections that it has, and attempts under way.",
                            PRONGD_FIGURE_TAKEN},
    [FIGURE_CONNECTS] = {"connects", "Connections that were made to it.", PRONGD_FIGURE_SUM},
    [FIGURE_CONNECT_US] = {"connect_us", "How long making them took, in microseconds.",
                           PRONGD_FIGURE_SUM},
    [FIGURE_FAILURES] = {"failures", "Attempts to connect to it that failed.", PRONGD_FIGURE_SUM},
    [FIGURE_RETRIES] = {"retries", "Attempts for clients for whom another upstream had failed.",
                        PRONGD_FIGURE_SUM},
    [FIGURE_DOWNS] = {"downs", "How often it was found to be down.", PRONGD_FIGURE_SUM},
    [FIGURE_CHECKS] = {"checks", "Checks that were made.", PRONGD_FIGURE_SUM},
    [FIGURE_CHECK_FAILURES] = {"check_failures", "Checks that failed.", PRONGD_FIGURE_SUM},
};

static_assert(sizeof(upstream_figures) / sizeof(upstream_figures[0]) == UPSTREAM_FIGURES,
              "a row for each");
static_assert(sizeof(health_states) / sizeof(health_states[0]) == HEALTH_STATES, "a row for each");
