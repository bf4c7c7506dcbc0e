/* SPDX-License-Identifier: MIT
 *
 * What the tests of the library share: a loop, a server, sockets that write down what happens to
 * them, and raw peers that do what a test says.
 *
 * Time: run_until() turns the loop until a condition holds, and fails the test after 10 s.
 */
#ifndef NET_FIXTURE_H
#define NET_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <ev.h>
#include <prong/prong.h>

/* What happened to one object, in words: "connect data:5 end finish close". */
struct record {
    char events[4096];
    char bytes[1 << 17]; /* what on_data brought */
    size_t size;
    struct prong_error_info error; /* of on_error; syscall points to static text, host is gone */
    char host[64];                 /* of on_error */
    bool had_error;                /* of on_close */
    struct prong_socket *socket;   /* the socket, until on_close */

    /* Runs inside the callback of that name, after it was written down. */
    const char *when;
    void (*then)(struct record *record);
    struct net *net;
};

struct net {
    struct ev_loop *ev;
    struct prong_loop *loop;
    struct prong_server *server;
    struct prong_server_options options;
    uint16_t port;
    struct record listener; /* "listening connection drop error close" */
    struct record accepted; /* the last accepted socket */
    struct record client;
    void *scratch; /* the test's own */
};

/* Writes every event into the socket's user pointer, a struct record. */
extern const struct prong_socket_events recording;

/* The same, and what becomes of attempts ("attempt:started:IP", slow, failed) and "hangup". */
extern const struct prong_socket_events recording_all;

/* For prong_socket_write_then(), whose user pointer is a label: "written:LABEL", and behind it the
 * name of the error if there is one. */
void note_written(struct prong_socket *socket, int error, void *label);

/* cmocka's set-up and tear-down; the state is a struct net with a loop. */
int net_setup(void **state);
int net_teardown(void **state);

/* A server of net->options on 127.0.0.1, port in net->port. */
void net_listen(struct net *net);

/* A client that is connecting to it. */
void net_connect(struct net *net);

/* A client with these options, or the defaults, that is not connecting yet; it tells everything. */
void net_client(struct net *net, const struct prong_socket_options *options);

/* Where the server listens. */
struct prong_address net_address(const struct net *net);

/* Both, connected: net->accepted.socket and net->client.socket are open. */
void net_pair(struct net *net);

/* The events for which this server's handle stands in the kernel's epoll set of the loop; 0: it
 * does not. */
unsigned net_kernel_mask(const struct net *net, const struct prong_server *server);

/* A blocking descriptor that is connected to the server. */
int net_raw_client(struct net *net);

/* The same with its accepted socket: net->accepted.socket is open. */
int net_raw_pair(struct net *net);

/* A listening descriptor of an IP that nobody watches; its port goes into `*address`. */
int net_raw_listener(const char *ip, struct prong_address *address);

/* A port of this machine's IPv4 that nobody has, and that the system gives to nobody else, as it
 * may do at any time with one that was its own choice. */
void net_free_port(struct prong_address *address);

/* The same with a full backlog, so that connecting to it hangs; `*filler` is the one client that
 * fills it.  accept(2) makes room: then the kernel tries again, after a second. */
int net_hanging_listener(const char *ip, struct prong_address *address, int *filler);

/* Closes with RST. */
void net_raw_reset(int fd);

/* Turns the loop until `text` stands in the record's events, or fails. */
void run_until(struct net *net, const struct record *record, const char *text);
void run_until_bytes(struct net *net, const struct record *record, size_t size);

/* Turns the loop for that long: to see that something does not happen. */
void run_for(struct net *net, unsigned ms);

/* Turns the loop as often as it takes for everything that is due by now. */
void run_idle(struct net *net);

bool happened(const struct record *record, const char *text);
void forget(struct record *record);
void note(struct record *record, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The events are exactly these. */
void assert_events(const struct record *record, const char *events);

#endif
