/* SPDX-License-Identifier: MIT
 *
 * A module that never looks at what a write returns: a megabyte for each read, and FIRST of them
 * for each client that connects.
 */
#include <prongd/handler.h>
#include <stdio.h>

#ifndef FIRST
#define FIRST 0
#endif

static char megabyte[1 << 20];

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    prong_socket_write(socket, megabyte, sizeof(megabyte));
}

static void on_connection(struct prong_socket *socket)
{
    for (int i = 0; i < FIRST; i++)
        prong_socket_write(socket, megabyte, sizeof(megabyte));
}

static size_t describe(struct prong_socket *socket, char *text, size_t size)
{
    (void)socket;
    return (size_t)snprintf(text, size, "megabytes=%d note=\"of %s\"", FIRST, "a module");
}

const struct prongd_handler prongd_module = {
    PRONGD_HANDLER,
    .name = "flood",
    .help = "Writes more than anybody reads.",
    .events = {.on_data = on_data},
    .on_connection = on_connection,
    .describe = describe,
};
