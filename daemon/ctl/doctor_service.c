/* SPDX-License-Identifier: MIT
 *
 * What the master says of itself: generations, workers at rest, drift, versions, clients turned
 * away.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "doctor.h"

static int64_t integer(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

/* --- Workers --- */

static void check_old_worker(struct doctor *doctor, const json_t *worker)
{
    doctor_find(doctor, DOCTOR_NOTE,
                "It ends when they do, or when shutdown_timeout is over; on_reload = move keeps "
                "such workers from staying.",
                "worker %" PRId64 " (pid %" PRId64 ") of generation %" PRId64 " is %s: it still "
                "has %" PRId64 " connections, which could not or should not move",
                integer(worker, "slot"), integer(worker, "pid"), integer(worker, "generation"),
                json_string_value(json_object_get(worker, "state")),
                integer(worker, "connections"));
}

void doctor_check_generations(struct doctor *doctor)
{
    const json_t *workers = json_object_get(doctor->status, "workers");
    int64_t current = json_integer_value(doctor_master(doctor, "generation"));

    for (size_t i = 0; i < json_array_size(workers); i++) {
        const json_t *worker = json_array_get(workers, i);

        if (integer(worker, "generation") < current)
            check_old_worker(doctor, worker);
    }
}

void doctor_check_rests(struct doctor *doctor)
{
    const json_t *workers = json_object_get(doctor->status, "workers");

    for (size_t i = 0; i < json_array_size(workers); i++) {
        const json_t *worker = json_array_get(workers, i);

        if (json_object_get(worker, "rests_s") != NULL)
            doctor_find(doctor, DOCTOR_PROBLEM,
                        "The log says how they ended; a reload with what was right before helps.",
                        "place %" PRId64 " has no worker: the last %" PRId64 " ended too early",
                        integer(worker, "slot"), integer(worker, "early_deaths"));
    }
}

void doctor_check_keepers(struct doctor *doctor)
{
    const json_t *keepers = json_object_get(doctor->status, "keepers");

    for (size_t i = 0; i < json_array_size(keepers); i++) {
        const json_t *keeper = json_array_get(keepers, i);
        const json_t *silent = json_object_get(keeper, "silent_s");

        if (silent != NULL)
            doctor_find(
                doctor, DOCTOR_PROBLEM,
                "Find out what it waits for (wchan and stack in /proc/PID); \"kill -9\" frees "
                "its places in max_processes: its programs go on, and nobody ends them.",
                "keeper %" PRId64 " of server %s has not answered for %.0f s: it has %" PRId64
                " programs, and another keeper takes clients",
                integer(keeper, "pid"), json_string_value(json_object_get(keeper, "server")),
                json_number_value(silent), integer(keeper, "programs"));
    }
}

/* --- The file --- */

static void compare(struct doctor *doctor, const json_t *plan)
{
    size_t options = json_array_size(json_object_get(plan, "options"));
    size_t listeners = json_array_size(json_object_get(plan, "listeners"));
    size_t refused = json_array_size(json_object_get(plan, "refused"));

    if (refused > 0)
        doctor_find(doctor, DOCTOR_WARNING, "prongctl diff shows which; restart it, or undo them.",
                    "the file has %zu changes that a reload cannot make", refused);
    else if (options + listeners > 0)
        doctor_find(doctor, DOCTOR_NOTE, "prongctl diff shows what; prongctl reload makes it so.",
                    "the file differs from what runs: %zu options, %zu addresses", options,
                    listeners);
}

void doctor_check_drift(struct doctor *doctor)
{
    json_t *plan;

    if (doctor->status == NULL)
        return;
    plan = call_ask_for(doctor->call, COMMAND_DIFF);
    if (json_is_true(json_object_get(plan, "ok")))
        compare(doctor, plan);
    else if (plan != NULL)
        doctor_find(doctor, DOCTOR_PROBLEM, "Correct the file: prongd -t tests it.",
                    "the next start or reload would fail: %s",
                    json_string_value(json_object_get(plan, "error")));
    json_decref(plan);
}

/* --- The program --- */

static void check_replaced(struct doctor *doctor)
{
    static const char mark[] = " (deleted)";
    char path[PATH_MAX], target[PATH_MAX];
    ssize_t length;

    (void)snprintf(path, sizeof(path), "%s/proc/%" PRId64 "/exe", doctor->root,
                   (int64_t)json_integer_value(doctor_master(doctor, "pid")));
    length = readlink(path, target, sizeof(target) - 1);
    if (length < (ssize_t)sizeof(mark))
        return;
    target[length] = '\0';
    if (strcmp(target + length - (sizeof(mark) - 1), mark) == 0)
        doctor_find(doctor, DOCTOR_WARNING, "prongctl upgrade runs the one that is there now.",
                    "the program that runs was replaced on the disk");
}

void doctor_check_version(struct doctor *doctor)
{
    const char *version = json_string_value(doctor_master(doctor, "version"));

    if (version == NULL)
        return;
    if (strcmp(version, PRONG_VERSION) != 0)
        doctor_find(doctor, DOCTOR_WARNING, "prongctl upgrade runs the one that is installed.",
                    "prongd %s runs, prongctl is %s", version, PRONG_VERSION);
    else
        check_replaced(doctor);
}

/* --- Clients that were turned away --- */

static void check_overflows(struct doctor *doctor, const json_t *listener)
{
    if (integer(listener, "overflows") > 0)
        doctor_find(doctor, DOCTOR_WARNING, "Raise backlog, or the number of workers.",
                    "%s turned clients away %" PRId64 " times because its queue was full",
                    json_string_value(json_object_get(listener, "address")),
                    integer(listener, "overflows"));
}

void doctor_check_drops(struct doctor *doctor)
{
    static const struct {
        const char *member, *what, *advice;
    } reasons[] = {
        {"dropped_descriptors", "there were no descriptors left",
         "Raise rlimit_nofile, or LimitNOFILE= of the service."},
        {"dropped_memory", "memory was short", "Give the machine or the service more memory."},
        {"dropped_address_table_full", "the table of addresses was full",
         "Make the networks that are counted larger: lower address_prefix_v4 and "
         "address_prefix_v6."},
    };
    const json_t *servers = json_object_get(doctor->status, "servers");
    const json_t *listeners = json_object_get(doctor->status, "listeners");

    for (size_t i = 0; i < json_array_size(servers); i++) {
        const json_t *server = json_array_get(servers, i);

        for (size_t k = 0; k < sizeof(reasons) / sizeof(reasons[0]); k++)
            if (integer(server, reasons[k].member) > 0)
                doctor_find(doctor, DOCTOR_WARNING, reasons[k].advice,
                            "server %s dropped %" PRId64 " clients because %s",
                            json_string_value(json_object_get(server, "name")),
                            integer(server, reasons[k].member), reasons[k].what);
    }
    for (size_t i = 0; i < json_array_size(listeners); i++)
        check_overflows(doctor, json_array_get(listeners, i));
}
