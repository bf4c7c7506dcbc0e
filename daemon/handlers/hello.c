/* SPDX-License-Identifier: MIT
 *
 * hello: greets, and logs what it is told; the first program of every tutorial.
 */
#include "table.h"

static const char greeting[] = "hello client!";

static void on_connection(struct prong_socket *socket)
{
    prong_socket_write(socket, greeting, sizeof(greeting) - 1);
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    char text[1024];

    if (prongd_log_wants(PRONGD_LOG_INFO))
        prongd_log(socket, PRONGD_LOG_INFO, "client send message: %s",
                   prongd_escape(bytes, size, text, sizeof(text)));
}

const struct prongd_handler hello_handler = {
    .abi = PRONGD_HANDLER_ABI,
    .size = sizeof(struct prongd_handler),
    .name = "hello",
    .help = "Greets every client with \"hello client!\" and logs what it sends.",
    .events = {.on_data = on_data},
    .on_connection = on_connection,
};
