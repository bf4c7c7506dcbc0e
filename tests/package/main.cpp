/* SPDX-License-Identifier: MIT
 *
 * The same program as main.c in C++17.
 */
#include <cstdio>
#include <ev.h>
#include <prong/prong.h>

int main()
{
    struct ev_loop *ev = ev_default_loop(0);
    prong_loop *loop = prong_loop_new(ev);
    prong_server_events events{};
    events.on_listening = [](prong_server *server) {
        prong_address address;
        char text[PRONG_ADDRESS_TEXT_SIZE];

        if (prong_server_address(server, &address) == 0)
            std::printf("listening on %s\n", prong_address_format(&address, text, sizeof(text)));
        prong_server_free(server);
    };

    prong_server *server = prong_server_new(loop, nullptr, &events, nullptr);
    if (prong_server_listen(server, "127.0.0.1", 0, nullptr) < 0)
        return 1;
    ev_run(ev, 0);
    return prong_loop_free(loop) < 0;
}
