/* SPDX-License-Identifier: MIT
 *
 * A module outside the tree: sends back what arrives in capitals.
 */
#include <ctype.h>
#include <prongd/handler.h>

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    const unsigned char *letters = bytes;

    for (size_t i = 0; i < size; i++) {
        char letter = (char)toupper(letters[i]);

        prong_socket_write(socket, &letter, 1);
    }
}

const struct prongd_handler prongd_module = {
    PRONGD_HANDLER,
    .name = "upper",
    .help = "Sends back what arrives in capitals.",
    .events = {.on_data = on_data},
};
