/* SPDX-License-Identifier: MIT
 *
 * The service manager, as seen through libsystemd: what it is told, what it keeps, what it gives.
 *
 * Where nobody listens (no NOTIFY_SOCKET in the environment), or where prongd was built without
 * libsystemd, telling does nothing and nothing is given.
 */
#ifndef PRONGD_SYSTEMD_H
#define PRONGD_SYSTEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool systemd_listens(void);

/* Lines of sd_notify(3), as "READY=1\nSTATUS=…". */
void systemd_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The descriptor store: keeps a duplicate of `fd` under a name, until it is told to drop it or the
 * service has stopped.  0, or a negative code: it is not kept. */
int systemd_store(int fd, const char *name);
void systemd_drop(const char *name);

/* Waits until everything that was told before has been read and done; 5 s at most. */
void systemd_sync(void);

/* The same where it was told to drop a descriptor since the last time: its duplicate is closed
 * then. False: it was not. */
bool systemd_sync_drops(void);

/* How often it wants to hear WATCHDOG=1, in microseconds; 0: never. */
uint64_t systemd_watchdog_us(void);

/* A descriptor that the service was started with: of a socket unit, or from the store. */
struct systemd_fd {
    int fd;     /* close-on-exec */
    char *name; /* malloc'ed */
};

/* Once: gives the descriptors and their names in `*fds`, malloc'ed; the number of them. */
size_t systemd_receive(struct systemd_fd **fds);

/* In a child: nothing there may speak for the service. */
void systemd_forget(void);

#endif
