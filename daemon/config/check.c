/* SPDX-License-Identifier: MIT
 *
 * Checks of single values.
 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <prong/address.h>
#include <prong/block_list.h>
#include <prong/congestion.h>

#include "access_format.h"
#include "cpus.h"
#include "nearest.h"
#include "parse.h"
#include "privileges.h"

#define MAX_WORKERS     1024
#define MAX_DESCRIPTORS 1073741816

int check_workers(const char *value, char *problem, size_t size)
{
    struct {
        uint64_t number;
    } parsed;
    const struct prongd_option row = {.type = PRONGD_TYPE_COUNT, .least = 1, .most = MAX_WORKERS};

    if (strcmp(value, "auto") == 0 || parse_value(&row, value, &parsed, problem, size) == 0)
        return 0;
    return parse_refuse(problem, size,
                        "\"%s\" is not possible: write auto or a number from 1 to %d", value,
                        MAX_WORKERS);
}

int check_user(const char *value, char *problem, size_t size)
{
    struct privileges privileges;

    if (*value == '\0')
        return parse_refuse(problem, size, "a user is missing: write its name or its number");
    /* A number without an account is allowed, and needs a group. */
    return privileges_find(&privileges, value, "0", problem, size) < 0 ? -EINVAL : 0;
}

int check_group(const char *value, char *problem, size_t size)
{
    struct privileges privileges;

    if (*value == '\0')
        return parse_refuse(problem, size, "a group is missing: write its name or its number");
    /* The user does not matter: 0 is one everywhere. */
    return privileges_find(&privileges, "0", value, problem, size) < 0 ? -EINVAL : 0;
}

int check_path(const char *value, char *problem, size_t size)
{
    if (*value == '/')
        return 0;
    return parse_refuse(problem, size,
                        "\"%s\" is not an absolute path: write one that begins with \"/\"", value);
}

int check_control_socket(const char *value, char *problem, size_t size)
{
    struct prong_address address;

    if (*value == '\0' || strcmp(value, "none") == 0)
        return 0;
    if ((*value == '/' || *value == '@') && prong_address_from_path(&address, value) == 0)
        return 0;
    return parse_refuse(
        problem, size,
        "\"%s\" is not a unix socket: write an absolute path of at most %d bytes, @NAME or "
        "none",
        value, PRONG_PATH_SIZE - 1);
}

int check_log_target(const char *value, char *problem, size_t size)
{
    static const char *const words[] = {"auto", "stderr", "syslog"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(value, words[i]) == 0)
            return 0;
    }
    if (*value == '/')
        return 0;
    return parse_refuse(
        problem, size,
        "\"%s\" is not possible: write auto, stderr, syslog or a file's absolute path", value);
}

int check_access_log(const char *value, char *problem, size_t size)
{
    static const char *const words[] = {"none", "log", "syslog"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(value, words[i]) == 0)
            return 0;
    }
    if (*value == '/')
        return 0;
    return parse_refuse(problem, size,
                        "\"%s\" is not possible: write none, log, syslog or a file's absolute path",
                        value);
}

static int refuse_field(const char *name, char *problem, size_t size)
{
    struct nearest nearest = nearest_to(name);
    char known[512] = "";
    size_t length = 0;

    for (size_t i = 0; access_format_field(i) != NULL; i++) {
        nearest_offer(&nearest, access_format_field(i));
        if (length < sizeof(known))
            length += (size_t)snprintf(known + length, sizeof(known) - length, "%s%s",
                                       i > 0 ? ", " : "", access_format_field(i));
    }
    if (nearest.best != NULL)
        return parse_refuse(problem, size, "there is no field $%s; did you mean $%s?  There are %s",
                            name, nearest.best, known);
    return parse_refuse(problem, size, "there is no field $%s; there are %s", name, known);
}

int check_access_format(const char *value, char *problem, size_t size)
{
    char name[64];

    if (*value == '\0')
        return parse_refuse(problem, size, "a format is missing: write text, json or a template");
    switch (access_format_check(value, name, sizeof(name))) {
    case ACCESS_FORMAT_FINE:
        return 0;
    case ACCESS_FORMAT_UNKNOWN:
        return refuse_field(name, problem, size);
    case ACCESS_FORMAT_NO_NAME:
        return parse_refuse(problem, size,
                            "a field's name is missing behind $: write $$ for a dollar sign");
    case ACCESS_FORMAT_NO_BRACE:
        break;
    }
    return parse_refuse(problem, size, "the } behind ${%s is missing", name);
}

int check_seconds(const char *value, char *problem, size_t size)
{
    struct {
        uint64_t milliseconds;
    } parsed;
    const struct prongd_option row = {.type = PRONGD_TYPE_DURATION};
    int error = parse_value(&row, value, &parsed, problem, size);

    if (error < 0 || parsed.milliseconds % 1000 == 0)
        return error;
    return parse_refuse(problem, size, "\"%s\" is not a whole number of seconds, as 30s or 5m",
                        value);
}

int check_cidr(const char *value, char *problem, size_t size)
{
    struct prong_block_list *list = prong_block_list_new();
    int error = list != NULL ? prong_block_list_add_cidr(list, value) : -ENOMEM;

    prong_block_list_free(list);
    if (error == 0)
        return 0;
    return parse_refuse(problem, size,
                        "\"%s\" is no address and no subnet: write one as 192.0.2.1, 10.0.0.0/8 or "
                        "2001:db8::/32",
                        value);
}

int check_proxy(const char *value, char *problem, size_t size)
{
    if (strcmp(value, "unix") == 0)
        return 0;
    return check_cidr(value, problem, size);
}

int check_congestion_control(const char *value, char *problem, size_t size)
{
    switch (prong_congestion_check(value)) {
    case -ENOENT:
        return parse_refuse(problem, size,
                            "this kernel has no congestion control \"%s\": "
                            "net.ipv4.tcp_available_congestion_control says what there is",
                            value);
    case -EPERM:
        return parse_refuse(problem, size,
                            "\"%s\" is for root only: net.ipv4.tcp_allowed_congestion_control says "
                            "what every user may have",
                            value);
    default: /* without TCP it does not matter */
        return 0;
    }
}

int check_cpus(const char *value, char *problem, size_t size)
{
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    cpu_set_t set;

    if (cpus_for_slot(value, 0, &set) < 0)
        return parse_refuse(problem, size,
                            "\"%s\" is not possible: write auto, or CPUs as 0 or 0-3", value);
    for (long cpu = cpus; cpus > 0 && cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET((size_t)cpu, &set))
            return parse_refuse(problem, size, "there is no CPU %ld: this machine has 0 to %ld",
                                cpu, cpus - 1);
    }
    return 0;
}

int check_nice(const char *value, char *problem, size_t size)
{
    char *end;
    long number = strtol(value, &end, 10);

    if (*value != '\0' && *end == '\0' && number >= -20 && number <= 19)
        return 0;
    return parse_refuse(problem, size, "\"%s\" is not possible: write a number from -20 to 19",
                        value);
}

int check_core(const char *value, char *problem, size_t size)
{
    struct {
        uint64_t bytes;
    } parsed;
    const struct prongd_option row = {.type = PRONGD_TYPE_SIZE};

    if (strcmp(value, "auto") == 0 || strcmp(value, "unlimited") == 0 ||
        parse_value(&row, value, &parsed, problem, size) == 0)
        return 0;
    return parse_refuse(problem, size,
                        "\"%s\" is not possible: write auto, unlimited, or a size as 0 or 512m",
                        value);
}

int check_descriptors(const char *value, char *problem, size_t size)
{
    struct {
        uint64_t number;
    } parsed;
    const struct prongd_option row = {
        .type = PRONGD_TYPE_COUNT, .least = 64, .most = MAX_DESCRIPTORS};

    if (strcmp(value, "auto") == 0 || parse_value(&row, value, &parsed, problem, size) == 0)
        return 0;
    return parse_refuse(problem, size,
                        "\"%s\" is not possible: write auto or a number from 64 to %d", value,
                        MAX_DESCRIPTORS);
}

int check_directory(const char *value, char *problem, size_t size)
{
    struct stat status;

    if (check_path(value, problem, size) < 0)
        return -EINVAL;
    if (stat(value, &status) == 0 && S_ISDIR(status.st_mode))
        return 0;
    return parse_refuse(problem, size, "there is no directory \"%s\"", value);
}

int check_worker_timeout(const char *value, char *problem, size_t size)
{
    struct {
        uint64_t milliseconds;
    } parsed;
    const struct prongd_option row = {.type = PRONGD_TYPE_DURATION};
    int error = parse_value(&row, value, &parsed, problem, size);

    if (error < 0 || parsed.milliseconds == 0 || parsed.milliseconds >= 2000)
        return error;
    return parse_refuse(problem, size, "\"%s\" is too little: 2s or more is allowed, or 0", value);
}
