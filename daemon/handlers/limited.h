/* SPDX-License-Identifier: MIT
 *
 * limited: handlers whose connections may send so many bytes in a second, and no state besides.
 *
 * A client that sends more is not read for a while, and the kernel makes it wait.
 */
#ifndef PRONGD_LIMITED_H
#define PRONGD_LIMITED_H

#include <prongd/handler.h>

struct limited_config {
    uint64_t rate_limit;
};

struct prongd_pace;

/* A connection's state: NULL without a limit. */
struct limited {
    struct prongd_pace *pace;
};

extern const struct prongd_option limited_options[1];
extern const struct prongd_counter limited_counters[1];

/* The handler's own. */
void limited_on_connection(struct prong_socket *socket);
void limited_on_drain(struct prong_socket *socket);
void limited_on_close(struct prong_socket *socket, bool had_error);
long limited_save(struct prong_socket *socket, void *bytes, size_t size);
int limited_restore(struct prong_socket *socket, const void *bytes, size_t size, uint32_t version);
void limited_on_leave(void *state);

/* So many bytes have come; perhaps no more are read for a while. */
void limited_note(struct prong_socket *socket, size_t size);

/* All that a handler needs of them. */
#define LIMITED_HANDLER                                                                          \
    .options = limited_options, .option_count = 1, .config_size = sizeof(struct limited_config), \
    .state_size = sizeof(struct limited), .on_connection = limited_on_connection,                \
    .state_version = 1, .save = limited_save, .restore = limited_restore,                        \
    .on_leave = limited_on_leave, .counters = limited_counters, .counter_count = 1

#endif
