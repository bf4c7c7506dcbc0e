/* SPDX-License-Identifier: MIT
 *
 * Rosters: any bytes that a worker which was taken over may pass to prongctl.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "roster.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void look_at_row(const struct roster *roster, uint64_t index)
{
    struct roster_row row = roster_row(roster, index);
    struct roster_server name;

    assert(row.state < ROSTER_STATES);
    assert(strlen(row.text) < sizeof(row.text));
    assert(strlen(roster_server_name(roster, row.server, &name)) < sizeof(name.name));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct roster roster;

    if (roster_read(&roster, bytes, size) < 0)
        return 0;
    assert(roster.head.row_count <= size / roster.head.row_size);
    for (uint64_t i = 0; i < roster.head.row_count; i++)
        look_at_row(&roster, i);
    return 0;
}
