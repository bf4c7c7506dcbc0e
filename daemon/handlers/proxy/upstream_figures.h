/* SPDX-License-Identifier: MIT
 *
 * What all workers know together of each upstream: one row each.
 */
#ifndef PRONGD_UPSTREAM_FIGURES_H
#define PRONGD_UPSTREAM_FIGURES_H

#include <prongd/handler.h>

/*  UP → DOWN → TRIAL → UP
 *              TRIAL → DOWN
 *  UP, DOWN, TRIAL → FAILED → UP
 *                    FAILED → TRIAL: nobody checks it any more */
enum health_state {
    HEALTH_UP,
    HEALTH_DOWN,   /* too many attempts failed: it is left alone for a time */
    HEALTH_TRIAL,  /* that time is over, and one client of one worker tries it */
    HEALTH_FAILED, /* the checks say so */
    HEALTH_STATES
};

/* In the order of the rows.  Choosing reads the first eight; what is counted for each connection
 * lies apart from them. */
enum upstream_figure {
    FIGURE_HEALTH, /* enum health_state, and until when: health.c */
    FIGURE_SINCE,
    FIGURE_REASON,
    FIGURE_FAILING, /* failed attempts in a row: health.c */
    FIGURE_LEASE,   /* who checks next, and when: upstream_check.c */
    FIGURE_STREAK,  /* what the last checks said */
    FIGURE_WEIGHT,
    FIGURE_BACKUP,
    FIGURE_CONNECTIONS,
    FIGURE_CONNECTS,
    FIGURE_CONNECT_US,
    FIGURE_FAILURES,
    FIGURE_RETRIES,
    FIGURE_DOWNS,
    FIGURE_CHECKS,
    FIGURE_CHECK_FAILURES,
    UPSTREAM_FIGURES
};

extern const struct prongd_figure upstream_figures[];
extern const struct prongd_item_state health_states[];

#endif
