/* SPDX-License-Identifier: MIT
 *
 * What is left of a program that was sent SIGTERM and has ended: other processes of its group, as
 * those that a shell waited for.  They got the signal, too, and have the rest of kill_timeout; what
 * they say on standard error is heard.
 */
#ifndef PRONGD_REMNANT_H
#define PRONGD_REMNANT_H

struct keeper;
struct run;

/* The process of this run, which is taken, is buried.  Ends it at once when nobody else is in its
 * group. */
void remnants_add(struct keeper *keeper, struct run *run);

/* Somebody was buried: ends those in whose groups nobody is left. */
void remnants_look(struct keeper *keeper);

/* Forgets all of them. */
void remnants_clear(struct keeper *keeper);

#endif
