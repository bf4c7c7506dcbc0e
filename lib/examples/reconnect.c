/* SPDX-License-Identifier: MIT
 *
 * A client that does not give up: when its connection is lost or refused it connects again, after a
 * while that doubles from 100 ms to 10 s.  The port stands on the command line (8888).
 */
#include <ev.h>
#include <prong/prong.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_MS 100
#define LAST_MS  10000

static uint16_t port = 8888;
static uint64_t wait_ms = FIRST_MS;
static struct prong_timer *timer;

static void on_connect(struct prong_socket *socket)
{
    wait_ms = FIRST_MS;
    printf("connected to port %u\n", port);
    (void)socket;
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    (void)socket;
    fwrite(bytes, 1, size, stdout);
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    (void)socket;
    printf("%s, again in %u ms\n", had_error ? "failed" : "closed", (unsigned)wait_ms);
    prong_timer_start(timer, wait_ms, 0);
    wait_ms = 2 * wait_ms < LAST_MS ? 2 * wait_ms : LAST_MS;
}

static const struct prong_socket_events events = {
    .on_connect = on_connect, .on_data = on_data, .on_close = on_close};

static void connect_now(struct prong_timer *fired, void *user)
{
    struct prong_socket *socket = prong_socket_new(user, NULL, &events, NULL);

    if (socket == NULL || prong_socket_connect(socket, "127.0.0.1", port) < 0)
        prong_timer_start(fired, LAST_MS, 0); /* memory is short */
}

int main(int argc, char **argv)
{
    struct prong_loop *loop = prong_loop_new(EV_DEFAULT);

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1)
        port = (uint16_t)strtoul(argv[1], NULL, 10);
    timer = prong_timer_new(loop, connect_now, loop);
    prong_timer_start(timer, 0, 0);
    return ev_run(EV_DEFAULT, 0);
}
