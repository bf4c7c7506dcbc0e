/* SPDX-License-Identifier: MIT
 *
 * echo: sends back what arrives (RFC 862).
 */
#include "limited.h"
#include "table.h"

/* A client that does not read what it is sent is not read either, until it does: so the memory it
 * can cost is bounded by the high-water mark and one read. */
static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    if (prong_socket_write(socket, bytes, size) == 1)
        prong_socket_pause(socket);
    limited_note(socket, size);
}

const struct prongd_handler echo_handler = {
    .abi = PRONGD_HANDLER_ABI,
    .size = sizeof(struct prongd_handler),
    .name = "echo",
    .help = "Sends back what arrives.",
    .events = {.on_data = on_data, .on_drain = limited_on_drain, .on_close = limited_on_close},
    LIMITED_HANDLER,
};
