/* SPDX-License-Identifier: MIT
 *
 * The same in C++17 and in small letters.
 */
#include <cctype>
#include <prongd/handler.h>

static void on_data(prong_socket *socket, const void *bytes, size_t size)
{
    const auto *letters = static_cast<const unsigned char *>(bytes);

    for (size_t i = 0; i < size; i++) {
        char letter = static_cast<char>(std::tolower(letters[i]));

        prong_socket_write(socket, &letter, 1);
    }
}

static prongd_handler make()
{
    prongd_handler handler{};

    handler.abi = PRONGD_HANDLER_ABI;
    handler.size = sizeof(handler);
    handler.option_size = sizeof(prongd_option);
    handler.name = "lower";
    handler.help = "Sends back what arrives in small letters.";
    handler.events.on_data = on_data;
    return handler;
}

const prongd_handler prongd_module = make();
