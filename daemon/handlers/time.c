/* SPDX-License-Identifier: MIT
 *
 * time: tells the seconds since 1900 as a number of 32 bits (RFC 868), which begins anew in 2036.
 */
#include <arpa/inet.h>
#include <time.h>

#include "table.h"

/* From 1900 to 1970. */
#define SECONDS_BEFORE_1970 2208988800U

/* How long a client that does not end its side is waited for. */
#define LINGER_MS 5000

static void on_connection(struct prong_socket *socket)
{
    uint32_t seconds = htonl((uint32_t)time(NULL) + SECONDS_BEFORE_1970);

    prong_socket_write(socket, &seconds, sizeof(seconds));
    prong_socket_end(socket);
    if (prong_socket_timeout(socket) == 0)
        (void)prong_socket_set_timeout(socket, LINGER_MS);
}

const struct prongd_handler time_handler = {
    .abi = PRONGD_HANDLER_ABI,
    .size = sizeof(struct prongd_handler),
    .name = "time",
    .help = "Tells the seconds since 1900 as four bytes, and ends.",
    .on_connection = on_connection,
};
