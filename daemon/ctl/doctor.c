/* SPDX-License-Identifier: MIT
 *
 * The table of checks, and what they found.
 */
#include "doctor.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "call.h"
#include "log.h"

static const char *const severities[] = {
    [DOCTOR_NOTE] = "note", [DOCTOR_WARNING] = "warning", [DOCTOR_PROBLEM] = "problem"};

static void check_master(struct doctor *doctor)
{
    if (doctor->status == NULL)
        doctor_find(doctor, DOCTOR_PROBLEM,
                    "Start it, or name the one that is meant with -c FILE or -s SOCKET.",
                    "no prongd answers on the control socket");
}

static const struct check {
    const char *name;
    void (*look)(struct doctor *doctor);
} checks[] = {
    {"master", check_master},
    {"generations", doctor_check_generations},
    {"rests", doctor_check_rests},
    {"keepers", doctor_check_keepers},
    {"drift", doctor_check_drift},
    {"version", doctor_check_version},
    {"drops", doctor_check_drops},
    {"items", doctor_check_items},
    {"descriptors", doctor_check_descriptors},
    {"backlog", doctor_check_backlog},
    {"ports", doctor_check_ports},
    {"kernel", doctor_check_kernel},
    {"core", doctor_check_core},
    {"files", doctor_check_files},
};

/* --- For the checks --- */

void doctor_find(struct doctor *doctor, enum doctor_severity severity, const char *advice,
                 const char *format, ...)
{
    char what[1024], text[2048];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    /* What comes from a file or a name is no control sequence of a terminal. */
    (void)log_escape(what, strlen(what), text, sizeof(text));
    json_array_append_new(doctor->findings,
                          json_pack("{s:s, s:s, s:s, s:s}", "check", doctor->check, "severity",
                                    severities[severity], "what", text, "advice", advice));
    if (severity > doctor->worst)
        doctor->worst = severity;
}

const json_t *doctor_master(const struct doctor *doctor, const char *member)
{
    return json_object_get(json_object_get(doctor->status, "master"), member);
}

int64_t doctor_number(const struct doctor *doctor, const char *path)
{
    char whole[PATH_MAX], line[64];
    int64_t number = -1;
    char *end = line;
    FILE *file;

    (void)snprintf(whole, sizeof(whole), "%s%s", doctor->root, path);
    file = fopen(whole, "re");
    if (file == NULL)
        return -1;
    if (fgets(line, sizeof(line), file) != NULL)
        number = strtoll(line, &end, 10);
    (void)fclose(file);
    return end != line ? number : -1;
}

static int64_t read_limit(const char *text)
{
    text += strspn(text, " ");
    return strncmp(text, "unlimited", 9) == 0 ? INT64_MAX : strtoll(text, NULL, 10);
}

int64_t doctor_limit(const struct doctor *doctor, int64_t pid, const char *name)
{
    char path[PATH_MAX], line[256];
    int64_t limit = -1;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/proc/%" PRId64 "/limits", doctor->root, pid);
    file = fopen(path, "re");
    if (file == NULL)
        return -1;
    while (limit < 0 && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            limit = read_limit(line + strlen(name));
    (void)fclose(file);
    return limit;
}

int64_t doctor_most_connections(const struct doctor *doctor)
{
    const json_t *servers = json_object_get(doctor->status, "servers");
    int64_t sum = 0;

    for (size_t i = 0; i < json_array_size(servers); i++) {
        int64_t most =
            json_integer_value(json_object_get(json_array_get(servers, i), "max_connections"));

        if (most == 0)
            return INT64_MAX;
        sum += most;
    }
    return sum;
}

/* --- The command --- */

static void print_finding(const json_t *finding)
{
    (void)printf("%-7s  %s\n         %s\n", json_string_value(json_object_get(finding, "severity")),
                 json_string_value(json_object_get(finding, "what")),
                 json_string_value(json_object_get(finding, "advice")));
}

static void print(const struct doctor *doctor)
{
    size_t i;
    const json_t *finding;

    json_array_foreach(doctor->findings, i, finding)
    {
        print_finding(finding);
    }
    (void)printf("%zu checks, %zu findings.\n", sizeof(checks) / sizeof(checks[0]),
                 json_array_size(doctor->findings));
}

static void look(struct doctor *doctor)
{
    json_t *answer = call_ask_for(doctor->call, COMMAND_STATUS);

    if (json_is_true(json_object_get(answer, "ok")))
        doctor->status = answer;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        doctor->check = checks[i].name;
        checks[i].look(doctor);
    }
    doctor->status = NULL;
    json_decref(answer);
}

int doctor_run(struct call *call)
{
    const char *root = call_option(call, "root");
    struct doctor doctor = {
        .call = call, .root = root != NULL ? root : "", .findings = json_array()};

    look(&doctor);
    if (call->json) {
        json_t *shown = json_pack("{s:b, s:O}", "ok", 1, "findings", doctor.findings);

        answer_dump(shown);
        json_decref(shown);
    } else {
        print(&doctor);
    }
    json_decref(doctor.findings);
    return (int)doctor.worst;
}
