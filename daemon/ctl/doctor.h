/* SPDX-License-Identifier: MIT
 *
 * prongctl doctor: looks for what is wrong, or will be one day, and says what to do.
 *
 * Every check is a row of a table, in doctor.c or, for settings of the kernel, in doctor_kernel.c.
 * What is below /proc is looked for below the option --root, which tests set.
 */
#ifndef PRONGCTL_DOCTOR_H
#define PRONGCTL_DOCTOR_H

#include <jansson.h>
#include <stdint.h>

struct call;

/* The largest of what was found is the exit status. */
enum doctor_severity {
    DOCTOR_NOTE,    /* good to know */
    DOCTOR_WARNING, /* goes well until something else happens */
    DOCTOR_PROBLEM  /* something does not work */
};

struct doctor {
    struct call *call;
    const char *root;     /* of /proc; "" for the real one */
    const char *check;    /* the name of the one that looks */
    const json_t *status; /* the master's, or NULL when it does not answer */
    json_t *findings;
    enum doctor_severity worst;
};

/* For the checks: what was found, and what to do about it, in a sentence each. */
void doctor_find(struct doctor *doctor, enum doctor_severity severity, const char *advice,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A member of the answer's object "master". */
const json_t *doctor_master(const struct doctor *doctor, const char *member);

/* The first number in a file below the root, or -1: it is not there. */
int64_t doctor_number(const struct doctor *doctor, const char *path);

/* The soft limit of process `pid` with that name in /proc/PID/limits, INT64_MAX for none; -1: not
 * known. */
int64_t doctor_limit(const struct doctor *doctor, int64_t pid, const char *name);

/* How many connections all servers together may have; INT64_MAX: one has no limit. */
int64_t doctor_most_connections(const struct doctor *doctor);

/* --- Groups of checks --- */

void doctor_check_descriptors(struct doctor *doctor);
void doctor_check_core(struct doctor *doctor);
void doctor_check_files(struct doctor *doctor);
void doctor_check_kernel(struct doctor *doctor);
void doctor_check_backlog(struct doctor *doctor);
void doctor_check_ports(struct doctor *doctor);
void doctor_check_drift(struct doctor *doctor);
void doctor_check_generations(struct doctor *doctor);
void doctor_check_rests(struct doctor *doctor);
void doctor_check_keepers(struct doctor *doctor);
void doctor_check_drops(struct doctor *doctor);
void doctor_check_items(struct doctor *doctor);
void doctor_check_version(struct doctor *doctor);

/* The command.  Its exit status is that of the worst finding: 0, 1 or 2. */
int doctor_run(struct call *call);

#endif
