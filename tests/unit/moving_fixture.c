/* SPDX-License-Identifier: MIT
 *
 * Stories of moving sockets.
 */
#include "moving_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_S 10.

/* --- Bytes --- */

static uint8_t pattern(size_t place)
{
    return (uint8_t)(place % 251 + place / 65521);
}

void write_pattern(struct prong_socket *socket, size_t size)
{
    uint8_t *bytes = malloc(size);

    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern(i);
    assert_true(prong_socket_write(socket, bytes, size) >= 0);
    free(bytes);
}

void peer_sends(int peer, const char *text)
{
    assert_int_equal(send(peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void send_all(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t sent = send(fd, (const uint8_t *)bytes + done, size - done, MSG_NOSIGNAL);

        assert_true(sent > 0);
        done += (size_t)sent;
    }
}

/* false at the end of the stream. */
static bool receive_all(int fd, void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = read(fd, (uint8_t *)bytes + done, size - done);

        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* --- The receiver --- */

static void on_tick(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    (void)ev;
    (void)timer;
    (void)revents;
}

static void turn(struct net *net)
{
    struct ev_timer tick;

    ev_timer_init(&tick, on_tick, 0.005, 0.);
    ev_timer_start(net->ev, &tick);
    ev_run(net->ev, EVRUN_ONCE);
    ev_timer_stop(net->ev, &tick);
}

/* Attaches and starts; nothing may happen before the start. */
static void arrive(struct net *net, struct prong_socket_image *image, const struct story *story)
{
    struct record *record = &net->client;
    size_t length = strlen(record->events);

    record->socket = prong_socket_attach(net->loop, NULL, image, 0, &recording, record);
    assert_non_null(record->socket);
    run_idle(net);
    assert_int_equal(strlen(record->events), length);
    prong_socket_start(record->socket);
    if (story->user_after != NULL)
        story->user_after(record->socket);
}

/* Until everything has happened that should, and what should not had its chance. */
static void live_out(struct net *net, const struct record *record, const struct story *story)
{
    ev_tstamp end = ev_time() + PATIENCE_S;

    while (strcmp(record->events, story->events) != 0 && ev_time() < end)
        turn(net);
    run_idle(net);
}

/* What travels beside the descriptor. */
struct parcel {
    size_t image_size;
    size_t size; /* of the bytes that the sender has received so far */
    char events[4096];
    char bytes[256];
};

/* The child's life: takes the parcel, lives on until the parent hangs up, and tells. */
static void receive_and_live(int channel, const struct story *story)
{
    static struct parcel parcel;
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec piece = {.iov_base = &parcel, .iov_len = sizeof(parcel)};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct pollfd hang_up = {.fd = channel, .events = POLLIN};
    struct prong_socket_image image;
    struct net *net;
    void *state;
    uint8_t *bytes;
    int fd;

    assert_int_equal(recvmsg(channel, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL), sizeof(parcel));
    assert_non_null(CMSG_FIRSTHDR(&message));
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    bytes = malloc(parcel.image_size);
    assert_true(receive_all(channel, bytes, parcel.image_size));
    assert_int_equal(prong_socket_image_decode(&image, bytes, parcel.image_size, fd), 0);
    free(bytes);
    net_setup(&state);
    net = state;
    memcpy(net->client.events, parcel.events, sizeof(parcel.events));
    memcpy(net->client.bytes, parcel.bytes, sizeof(parcel.bytes));
    net->client.size = parcel.size;
    arrive(net, &image, story);
    while (poll(&hang_up, 1, 0) == 0)
        turn(net);
    live_out(net, &net->client, story);
    memcpy(parcel.events, net->client.events, sizeof(parcel.events));
    memcpy(parcel.bytes, net->client.bytes, sizeof(parcel.bytes));
    parcel.size = net->client.size;
    send_all(channel, &parcel, sizeof(parcel));
    net_teardown(&state);
    _exit(0);
}

/* --- The sender --- */

struct teller {
    const struct story *story;
    enum way way;
    struct net *net;      /* where the story begins */
    struct net *receiver; /* where it goes on; NULL: in the child */
    struct record *mover;
    struct prong_socket_image image;
    bool moved;
    int peer;
    int channel;
    pid_t child;
};

/* The mover's hook finds the teller here. */
static struct teller *current;

static void depart(struct teller *teller)
{
    assert_int_equal(prong_socket_detach(teller->mover->socket, &teller->image), 0);
    teller->mover->socket = NULL;
    teller->moved = true;
}

static void depart_inside(struct record *record)
{
    record->then = NULL;
    depart(current);
}

static int raw_listener(struct net *net)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    net->port = ntohs(address.sin_port);
    return fd;
}

static void meet(struct teller *teller)
{
    struct net *net = teller->net;

    net->options.socket.allow_half_open = teller->story->half_open;
    if (teller->story->connects) {
        teller->peer = raw_listener(net);
        teller->mover = &net->client;
        net_connect(net);
    } else {
        net_listen(net);
        teller->mover = &net->accepted;
        teller->peer = net_raw_client(net);
        run_until(net, &net->listener, "connection");
    }
    assert_true(teller->peer >= 0);
    teller->mover->then = depart_inside;
    teller->mover->when = teller->way == STAY ? NULL : teller->story->inside;
}

/* A client's peer is known when it has connected. */
static void welcome(struct teller *teller)
{
    int listener = teller->peer;

    if (!teller->story->connects)
        return;
    do {
        turn(teller->net);
        teller->peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    } while (teller->peer < 0 && errno == EAGAIN);
    assert_true(teller->peer >= 0);
    close(listener);
}

static void send_parcel(struct teller *teller)
{
    static struct parcel parcel;
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec piece = {.iov_base = &parcel, .iov_len = sizeof(parcel)};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    uint8_t *bytes;

    *rights = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(rights), &teller->image.fd, sizeof(int));
    parcel.image_size = prong_socket_image_encode(&teller->image, NULL, 0);
    parcel.size = teller->mover->size;
    memcpy(parcel.events, teller->mover->events, sizeof(parcel.events));
    memcpy(parcel.bytes, teller->mover->bytes, sizeof(parcel.bytes));
    bytes = malloc(parcel.image_size);
    assert_int_equal(prong_socket_image_encode(&teller->image, bytes, parcel.image_size),
                     parcel.image_size);
    assert_int_equal(sendmsg(teller->channel, &message, MSG_NOSIGNAL), sizeof(parcel));
    send_all(teller->channel, bytes, parcel.image_size);
    free(bytes);
    prong_socket_image_clear(&teller->image);
}

static void move(struct teller *teller)
{
    void *state;

    switch (teller->way) {
    case STAY:
        teller->receiver = teller->net;
        if (teller->story->user_after != NULL && teller->mover->socket != NULL)
            teller->story->user_after(teller->mover->socket);
        break;
    case TO_ANOTHER_LOOP:
        net_setup(&state);
        teller->receiver = state;
        teller->receiver->client = *teller->mover;
        teller->receiver->client.net = teller->receiver;
        teller->mover = &teller->receiver->client;
        arrive(teller->receiver, &teller->image, teller->story);
        break;
    case TO_ANOTHER_PROCESS:
        send_parcel(teller);
        break;
    }
}

/* Reads what is there for the peer.  false at the end. */
static bool read_answers(int peer, size_t *done)
{
    static uint8_t bytes[1 << 16];
    ssize_t size;

    while ((size = recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
        for (size_t i = 0; i < (size_t)size; i++)
            assert_int_equal(bytes[i], pattern(*done + i));
        *done += (size_t)size;
    }
    assert_true(size == 0 || errno == EAGAIN);
    return size < 0;
}

/* Reads what the peer gets, until it is everything. */
static void collect(struct teller *teller)
{
    const struct story *story = teller->story;
    ev_tstamp end = ev_time() + PATIENCE_S;
    size_t done = 0;
    bool ended = false;

    while ((done < story->answered || ended != story->closed) && ev_time() < end) {
        struct pollfd readable = {.fd = teller->peer, .events = POLLIN};

        if (teller->receiver != NULL)
            turn(teller->receiver);
        else
            poll(&readable, 1, 10);
        ended = !read_answers(teller->peer, &done);
    }
    assert_int_equal(done, story->answered);
    assert_int_equal(ended, story->closed);
    if (ended)
        shutdown(teller->peer, SHUT_WR);
}

/* The child's record becomes the mover's. */
static void hear_child(struct teller *teller)
{
    static struct parcel parcel;
    int status;

    shutdown(teller->channel, SHUT_WR);
    assert_true(receive_all(teller->channel, &parcel, sizeof(parcel)));
    teller->mover->size = parcel.size;
    memcpy(teller->mover->events, parcel.events, sizeof(parcel.events));
    memcpy(teller->mover->bytes, parcel.bytes, sizeof(parcel.bytes));
    assert_int_equal(waitpid(teller->child, &status, 0), teller->child);
    assert_int_equal(status, 0);
}

static void finish(struct teller *teller)
{
    const struct story *story = teller->story;

    if (teller->receiver == NULL)
        hear_child(teller);
    else
        live_out(teller->receiver, teller->mover, story);
    assert_events(teller->mover, story->events);
    assert_int_equal(teller->mover->size, strlen(story->bytes));
    assert_memory_equal(teller->mover->bytes, story->bytes, teller->mover->size);
}

static void open_channel(struct teller *teller)
{
    int channel[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel), 0);
    teller->child = fork();
    assert_true(teller->child >= 0);
    if (teller->child == 0) {
        close(channel[0]);
        alarm(3 * (unsigned)PATIENCE_S); /* should an assertion fail here */
        receive_and_live(channel[1], teller->story);
    }
    close(channel[1]);
    teller->channel = channel[0];
}

void tell(const struct story *story, enum way way)
{
    struct teller teller = {.story = story, .way = way, .channel = -1};
    void *state;

    print_message("# %s\n", story->name);
    current = &teller;
    if (way == TO_ANOTHER_PROCESS)
        open_channel(&teller);
    net_setup(&state);
    teller.net = state;
    meet(&teller);
    if (story->before != NULL)
        story->before(teller.net, teller.mover, teller.peer);
    welcome(&teller);
    while (way != STAY && story->inside != NULL && !teller.moved)
        turn(teller.net);
    if (way != STAY && !teller.moved)
        depart(&teller);
    move(&teller);
    if (story->peer_after != NULL)
        story->peer_after(teller.peer);
    collect(&teller);
    finish(&teller);
    close(teller.peer);
    if (teller.channel >= 0)
        close(teller.channel);
    if (way == TO_ANOTHER_LOOP) {
        state = teller.receiver;
        net_teardown(&state);
    }
    state = teller.net;
    net_teardown(&state);
}
