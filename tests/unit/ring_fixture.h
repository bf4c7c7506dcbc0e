/* SPDX-License-Identifier: MIT
 *
 * A ring of the least size.
 */
#ifndef RING_FIXTURE_H
#define RING_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ring.h"

/* cmocka's set-up and tear-down; the state is the ring's descriptor, an int. */
int open_ring(void **state);
int close_ring(void **state);

/* One more process' view of it, or thread's; ring_free() it. */
struct ring *view(void **state);

#define RING(name) cmocka_unit_test_setup_teardown(name, open_ring, close_ring)

#endif
