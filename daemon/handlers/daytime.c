/* SPDX-License-Identifier: MIT
 *
 * daytime: tells date and time as a line of text (RFC 867), in the form that inetd's has.
 */
#include <stdio.h>
#include <time.h>

#include "table.h"

/* How long a client that does not end its side is waited for. */
#define LINGER_MS 5000

static void on_connection(struct prong_socket *socket)
{
    char text[32], line[40];
    time_t now = time(NULL);
    struct tm local;
    int size;

    if (localtime_r(&now, &local) != NULL &&
        strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &local) > 0) {
        size = snprintf(line, sizeof(line), "%s\r\n", text);
        prong_socket_write(socket, line, (size_t)size);
    }
    prong_socket_end(socket);
    if (prong_socket_timeout(socket) == 0)
        (void)prong_socket_set_timeout(socket, LINGER_MS);
}

const struct prongd_handler daytime_handler = {
    .abi = PRONGD_HANDLER_ABI,
    .size = sizeof(struct prongd_handler),
    .name = "daytime",
    .help = "Tells the local date and time as a line of text, and ends.",
    .on_connection = on_connection,
};
