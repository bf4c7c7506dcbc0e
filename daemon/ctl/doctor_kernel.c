/* SPDX-License-Identifier: MIT
 *
 * Limits of processes, and settings of the kernel.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

/* What a worker has open besides connections. */
#define OWN_DESCRIPTORS 64

/* --- Descriptors --- */

/* "Max open files" of one worker; false: it is enough, or not known. */
static bool is_short(const struct doctor *doctor, const json_t *worker, int64_t *limit)
{
    int64_t most = doctor_most_connections(doctor);

    *limit =
        doctor_limit(doctor, json_integer_value(json_object_get(worker, "pid")), "Max open files");
    return *limit >= 0 && most != INT64_MAX && most > *limit - OWN_DESCRIPTORS;
}

void doctor_check_descriptors(struct doctor *doctor)
{
    const json_t *worker = json_array_get(json_object_get(doctor->status, "workers"), 0);
    int64_t limit;

    if (worker != NULL && is_short(doctor, worker, &limit))
        doctor_find(doctor, DOCTOR_WARNING,
                    "Raise rlimit_nofile, or LimitNOFILE= of the service, or lower "
                    "max_connections.",
                    "a worker may open %" PRId64 " files, but the servers allow %" PRId64
                    " connections, which one worker may have to hold alone",
                    limit, doctor_most_connections(doctor));
}

/* --- Core files --- */

void doctor_check_core(struct doctor *doctor)
{
    const json_t *worker = json_array_get(json_object_get(doctor->status, "workers"), 0);

    if (worker != NULL && doctor_limit(doctor, json_integer_value(json_object_get(worker, "pid")),
                                       "Max core file size") == 0)
        doctor_find(doctor, DOCTOR_NOTE,
                    "Set rlimit_core, or LimitCORE= of the service, to learn more of a crash.",
                    "workers that crash leave no core file");
}

/* --- Settings --- */

/* Wrong when the value lies outside; INT64_MAX: no limit there. */
static const struct setting {
    const char *path;
    int64_t least, most;
    enum doctor_severity severity;
    const char *what, *advice;
} settings[] = {
    {"/proc/sys/net/ipv4/tcp_abort_on_overflow", 0, 0, DOCTOR_WARNING,
     "the kernel resets clients when an accept queue is full, instead of letting them wait",
     "Set net.ipv4.tcp_abort_on_overflow to 0."},
    {"/proc/sys/net/ipv4/tcp_syncookies", 1, INT64_MAX, DOCTOR_WARNING,
     "a flood of connection requests keeps clients out", "Set net.ipv4.tcp_syncookies to 1."},
    {"/proc/sys/net/ipv4/tcp_max_syn_backlog", 256, INT64_MAX, DOCTOR_NOTE,
     "few connections may be half-open at a time",
     "Raise net.ipv4.tcp_max_syn_backlog to 1024 or more."},
    {"/proc/sys/net/ipv4/tcp_retries2", 5, 15, DOCTOR_NOTE,
     "a client that is gone is noticed much earlier or later than usual",
     "Set net.ipv4.tcp_retries2 to a value from 8 to 15."},
};

static void check_setting(struct doctor *doctor, const struct setting *setting)
{
    int64_t value = doctor_number(doctor, setting->path);

    if (value >= 0 && (value < setting->least || value > setting->most))
        doctor_find(doctor, setting->severity, setting->advice, "%s is %" PRId64 ": %s",
                    setting->path, value, setting->what);
}

/* Where the firewall keeps an entry for each connection. */
static void check_tracking(struct doctor *doctor)
{
    int64_t most = doctor_most_connections(doctor);
    int64_t tracked = doctor_number(doctor, "/proc/sys/net/netfilter/nf_conntrack_max");

    if (tracked >= 0 && most != INT64_MAX && most > tracked)
        doctor_find(doctor, DOCTOR_WARNING, "Raise net.netfilter.nf_conntrack_max.",
                    "the firewall tracks %" PRId64 " connections, but the servers allow %" PRId64,
                    tracked, most);
}

static bool has_proxy(const struct doctor *doctor)
{
    const json_t *servers = json_object_get(doctor->status, "servers");

    for (size_t i = 0; i < json_array_size(servers); i++) {
        const char *handler =
            json_string_value(json_object_get(json_array_get(servers, i), "handler"));

        if (handler != NULL && strcmp(handler, "proxy") == 0)
            return true;
    }
    return false;
}

/* A relay that splices has two pipes; a user with too many pages in them gets pipes of one page. */
static void check_pipes(struct doctor *doctor)
{
    int64_t pages = doctor_number(doctor, "/proc/sys/fs/pipe-user-pages-soft");

    if (has_proxy(doctor) && pages > 0 && pages < 65536)
        doctor_find(doctor, DOCTOR_NOTE, "Raise fs.pipe-user-pages-soft, or set it to 0.",
                    "a user's pipes have %" PRId64 " pages before they become small and slow: "
                    "enough for %" PRId64 " relays with large pipes",
                    pages, pages / 32);
}

void doctor_check_kernel(struct doctor *doctor)
{
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        check_setting(doctor, &settings[i]);
    check_tracking(doctor);
    check_pipes(doctor);
}

/* --- Accept queues --- */

void doctor_check_backlog(struct doctor *doctor)
{
    const json_t *servers = json_object_get(doctor->status, "servers");
    int64_t most = doctor_number(doctor, "/proc/sys/net/core/somaxconn");

    for (size_t i = 0; i < json_array_size(servers); i++) {
        const json_t *server = json_array_get(servers, i);
        int64_t wanted = json_integer_value(json_object_get(server, "backlog"));

        if (most >= 0 && wanted > most)
            doctor_find(doctor, DOCTOR_WARNING,
                        "Raise net.core.somaxconn to the backlog, and reload.",
                        "server %s wants a backlog of %" PRId64 ", the kernel allows %" PRId64,
                        json_string_value(json_object_get(server, "name")), wanted, most);
    }
}

/* --- Ports --- */

/* Those that the kernel gives to who connects; false: not known. */
static bool read_range(const struct doctor *doctor, long *first, long *last)
{
    char path[4096], line[64] = "";
    char *end;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/proc/sys/net/ipv4/ip_local_port_range", doctor->root);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    if (fgets(line, sizeof(line), file) == NULL)
        line[0] = '\0';
    (void)fclose(file);
    *first = strtol(line, &end, 10);
    *last = strtol(end, NULL, 10);
    return *first > 0 && *last >= *first;
}

static void check_port(struct doctor *doctor, const char *address, long first, long last)
{
    const char *colon = address != NULL && *address != '/' ? strrchr(address, ':') : NULL;
    long port = colon != NULL ? strtol(colon + 1, NULL, 10) : 0;

    if (port >= first && port <= last)
        doctor_find(doctor, DOCTOR_NOTE,
                    "Add the port to net.ipv4.ip_local_reserved_ports, or use another one.",
                    "%s is one of the ports %ld to %ld, which the kernel gives to programs that "
                    "connect: it may be taken when prongd starts",
                    address, first, last);
}

void doctor_check_ports(struct doctor *doctor)
{
    const json_t *listeners = json_object_get(doctor->status, "listeners");
    int64_t most = doctor_most_connections(doctor);
    long first, last;

    if (!read_range(doctor, &first, &last))
        return;
    for (size_t i = 0; i < json_array_size(listeners); i++) {
        const json_t *listener = json_array_get(listeners, i);

        check_port(doctor, json_string_value(json_object_get(listener, "address")), first, last);
    }
    if (has_proxy(doctor) && most != INT64_MAX && most > last - first + 1)
        doctor_find(doctor, DOCTOR_WARNING,
                    "Widen net.ipv4.ip_local_port_range, or give the proxy more upstreams.",
                    "%ld ports are there to connect to one upstream, but the servers allow %" PRId64
                    " connections",
                    last - first + 1, most);
}
