/* SPDX-License-Identifier: MIT
 *
 * What the tests of the channel share: two ends on one loop that write down what they see.
 */
#ifndef IPC_FIXTURE_H
#define IPC_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc.h"

/* What one end saw. */
struct seen {
    unsigned frames;
    unsigned type;
    size_t size;
    char bytes[64];
    size_t fd_count;
    int fds[IPC_MAX_FDS];
    unsigned closes;
    int error;
    bool free_on_frame;
    bool free_on_close;
};

/* Two ends on one loop; an end that a test uses raw has no `ipc`. */
struct pair {
    struct ev_loop *loop;
    int raw; /* the other end as a bare descriptor, or -1 */
    struct ipc *near;
    struct ipc *far;
    struct seen near_seen;
    struct seen far_seen;
};

int open_pair(void **state);

/* `near` alone; the other end is `raw`. */
int open_half(void **state);

int close_pair(void **state);

/* Turns the loop until nothing happens any more. */
void settle(struct pair *pair);

unsigned open_descriptors(void);

/* Sends numbered frames until one has to wait.  Returns how many were sent or queued. */
unsigned send_until_queued(struct pair *pair);

#define PAIR(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
#define HALF(name) cmocka_unit_test_setup_teardown(name, open_half, close_pair)

#endif
