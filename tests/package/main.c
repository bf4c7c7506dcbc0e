/* SPDX-License-Identifier: MIT
 *
 * A program outside the tree: a server that closes itself once it listens.
 */
#include <ev.h>
#include <prong/prong.h>
#include <stdio.h>

static void on_listening(struct prong_server *server)
{
    struct prong_address address;
    char text[PRONG_ADDRESS_TEXT_SIZE];

    if (prong_server_address(server, &address) == 0)
        printf("listening on %s\n", prong_address_format(&address, text, sizeof(text)));
    prong_server_free(server);
}

static const struct prong_server_events events = {.on_listening = on_listening};

int main(void)
{
    struct ev_loop *ev = ev_default_loop(0);
    struct prong_loop *loop = prong_loop_new(ev);
    struct prong_server *server = prong_server_new(loop, NULL, &events, NULL);

    if (prong_server_listen(server, "127.0.0.1", 0, NULL) < 0)
        return 1;
    ev_run(ev, 0);
    return prong_loop_free(loop) < 0;
}
