/* SPDX-License-Identifier: MIT
 *
 * discard: reads and forgets (RFC 863).
 */
#include "limited.h"
#include "table.h"

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    (void)bytes;
    limited_note(socket, size);
}

const struct prongd_handler discard_handler = {
    .abi = PRONGD_HANDLER_ABI,
    .size = sizeof(struct prongd_handler),
    .name = "discard",
    .help = "Reads what arrives and forgets it.",
    .events = {.on_data = on_data, .on_close = limited_on_close},
    LIMITED_HANDLER,
};
