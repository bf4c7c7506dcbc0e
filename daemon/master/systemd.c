/* SPDX-License-Identifier: MIT
 *
 * The only file that calls libsystemd.
 */
#include "systemd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef PRONGD_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define MESSAGE_SIZE 2048

#define SYNC_TIMEOUT_US (5 * UINT64_C(1000000))

static bool has_dropped;

static const char *const variables[] = {
    "NOTIFY_SOCKET", "WATCHDOG_USEC",  "WATCHDOG_PID", "LISTEN_PID",
    "LISTEN_FDS",    "LISTEN_FDNAMES", "FDSTORE",
};

void systemd_forget(void)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        (void)unsetenv(variables[i]);
}

bool systemd_sync_drops(void)
{
    bool had_dropped = has_dropped;

    has_dropped = false;
    if (had_dropped)
        systemd_sync();
    return had_dropped;
}

#ifdef PRONGD_SYSTEMD

bool systemd_listens(void)
{
    return getenv("NOTIFY_SOCKET") != NULL;
}

void systemd_tell(const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    (void)sd_notify(0, message);
}

/* FDPOLL=0: it would drop a handle that poll(2) finds hung up, which a listening one never is. */
int systemd_store(int fd, const char *name)
{
    char message[MESSAGE_SIZE];
    int result;

    (void)snprintf(message, sizeof(message), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
    result = sd_pid_notify_with_fds(0, 0, message, &fd, 1);
    if (result == 0)
        return -ENOTCONN;
    return result < 0 ? result : 0;
}

void systemd_drop(const char *name)
{
    has_dropped = true;
    systemd_tell("FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void systemd_sync(void)
{
    (void)sd_notify_barrier(0, SYNC_TIMEOUT_US);
}

uint64_t systemd_watchdog_us(void)
{
    uint64_t period_us = 0;

    return sd_watchdog_enabled(0, &period_us) > 0 ? period_us : 0;
}

size_t systemd_receive(struct systemd_fd **fds)
{
    char **names = NULL;
    int count = sd_listen_fds_with_names(1, &names);

    *fds = NULL;
    if (count > 0)
        *fds = calloc((size_t)count, sizeof(**fds));
    for (int i = 0; *fds != NULL && i < count; i++)
        (*fds)[i] = (struct systemd_fd){SD_LISTEN_FDS_START + i, names[i]};
    for (int i = 0; *fds == NULL && i < count; i++)
        free(names[i]);
    free(names);
    return *fds != NULL ? (size_t)count : 0;
}

#else

bool systemd_listens(void)
{
    return false;
}

void systemd_tell(const char *format, ...)
{
    (void)format;
}

int systemd_store(int fd, const char *name)
{
    (void)fd;
    (void)name;
    return -ENOTSUP;
}

void systemd_drop(const char *name)
{
    (void)name;
}

void systemd_sync(void)
{
}

uint64_t systemd_watchdog_us(void)
{
    return 0;
}

size_t systemd_receive(struct systemd_fd **fds)
{
    *fds = NULL;
    return 0;
}

#endif
