/* SPDX-License-Identifier: MIT
 *
 * A socket led by a random script: what its peer does, what its user calls, and when, between
 * callbacks or inside them.  socket_model.c watches whether the rules are kept.
 *
 * A step of the script is two bytes: what, and how much.  The first byte of all chooses TCP or a
 * unix socket.
 */
#include "socket_model.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_STEPS 200

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct script {
    struct model model;
    struct prong_loop *loop;
    int peer; /* -1: closed */
    const uint8_t *bytes;
    size_t left;
    int steps;
    int armed; /* steps to be made inside the next callbacks */
};

/* --- The peer's steps --- */

static size_t amount(uint8_t how_much)
{
    return ((size_t)1 << how_much % 18) + how_much / 18;
}

static void peer_sends(struct script *script, uint8_t how_much)
{
    struct model *model = &script->model;
    size_t size = amount(how_much);
    ssize_t sent;

    if (script->peer < 0 || model->peer_ended)
        return;
    sent =
        send(script->peer, model_bytes(model->peer_sent, size), size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0)
        model->peer_sent += (size_t)sent;
}

static void peer_reads(struct script *script, uint8_t how_much)
{
    static uint8_t bytes[MODEL_MAX_BYTES];
    ssize_t size;

    if (script->peer < 0)
        return;
    size = recv(script->peer, bytes, amount(how_much), MSG_DONTWAIT);
    if (size > 0)
        model_peer_got(&script->model, bytes, (size_t)size);
    else if (size == 0)
        model_peer_saw_end(&script->model);
    else
        assert(errno == EAGAIN || script->model.is_cut);
}

static void peer_ends(struct script *script, uint8_t how_much)
{
    (void)how_much;
    if (script->peer < 0)
        return;
    script->model.peer_ended = true;
    shutdown(script->peer, SHUT_WR);
}

static void peer_closes(struct script *script, uint8_t how_much)
{
    static const struct linger now = {.l_onoff = 1};

    if (script->peer < 0)
        return;
    if (how_much % 2 == 1)
        setsockopt(script->peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(script->peer);
    script->peer = -1;
    script->model.peer_gone = script->model.is_cut = true;
}

/* --- The user's steps; the socket is there --- */

static void write_some(struct script *script, uint8_t how_much)
{
    struct model *model = &script->model;
    size_t size = amount(how_much);

    model_wrote(model, size,
                prong_socket_write(model->socket, model_bytes(model->written, size), size));
}

static void write_pieces(struct script *script, uint8_t how_much)
{
    struct model *model = &script->model;
    size_t size = amount(how_much), first = size / 3;
    uint8_t *bytes = (uint8_t *)(uintptr_t)model_bytes(model->written, size);
    struct iovec pieces[] = {{bytes, first}, {NULL, 0}, {bytes + first, size - first}};

    model_wrote(model, size, prong_socket_writev(model->socket, pieces, 3));
}

static void write_then(struct script *script, uint8_t how_much)
{
    model_write_then(&script->model, how_much == 0 ? 0 : amount(how_much), false);
}

static void write_borrowed(struct script *script, uint8_t how_much)
{
    model_write_then(&script->model, amount(how_much), true);
}

static void cork(struct script *script, uint8_t how_much)
{
    (void)how_much;
    prong_socket_cork(script->model.socket);
}

static void uncork(struct script *script, uint8_t how_much)
{
    (void)how_much;
    prong_socket_uncork(script->model.socket);
}

static void end(struct script *script, uint8_t how_much)
{
    (void)how_much;
    if (prong_socket_end(script->model.socket) == 0)
        script->model.ended = true;
}

static void destroy(struct script *script, uint8_t how_much)
{
    script->model.is_cut = true;
    prong_socket_destroy(script->model.socket, how_much % 2 == 0 ? 0 : -EPROTO);
}

/* Unread bytes of the peer make the kernel reset the connection (R99). */
static void destroy_soon(struct script *script, uint8_t how_much)
{
    (void)how_much;
    script->model.is_cut = script->model.ended = true;
    prong_socket_destroy_soon(script->model.socket);
}

static void reset(struct script *script, uint8_t how_much)
{
    (void)how_much;
    if (prong_socket_reset(script->model.socket) == 0)
        script->model.is_cut = true;
}

static void pause_reading(struct script *script, uint8_t how_much)
{
    (void)how_much;
    prong_socket_pause(script->model.socket);
}

static void resume_reading(struct script *script, uint8_t how_much)
{
    (void)how_much;
    prong_socket_resume(script->model.socket);
}

static void give_back(struct script *script, uint8_t how_much)
{
    script->model.give_back = how_much;
}

static void set_timeout(struct script *script, uint8_t how_much)
{
    script->model.has_timeout = true;
    (void)prong_socket_set_timeout(script->model.socket, how_much % 3);
}

static void set_half_open(struct script *script, uint8_t how_much)
{
    /* Afterwards it would only matter when the socket moves. */
    if (!script->model.end_seen)
        prong_socket_set_allow_half_open(script->model.socket, how_much % 2 == 0);
}

static void set_mark(struct script *script, uint8_t how_much)
{
    prong_socket_set_high_water_mark(script->model.socket, how_much == 0 ? 0 : 1U << how_much % 20);
}

/* As between processes: by bytes. */
static void recode(struct prong_socket_image *image)
{
    size_t size = prong_socket_image_encode(image, NULL, 0);
    uint8_t *bytes = malloc(size);
    int fd = image->fd;

    assert(bytes != NULL && prong_socket_image_encode(image, bytes, size) == size);
    image->fd = -1;
    prong_socket_image_clear(image);
    assert(prong_socket_image_decode(image, bytes, size, fd) == 0);
    free(bytes);
}

static void move(struct script *script, uint8_t how_much)
{
    struct model *model = &script->model;
    struct prong_socket_image image;

    if (prong_socket_detach(model->socket, &image) < 0)
        return;
    if (how_much % 2 == 0)
        recode(&image);
    model->waiting = 0;
    model->socket = prong_socket_attach(script->loop, NULL, &image, 0, &model_events, model);
    assert(model->socket != NULL);
    prong_socket_start(model->socket);
}

static void hold_and_release(struct script *script, uint8_t how_much)
{
    (void)how_much;
    prong_socket_hold(script->model.socket);
    prong_socket_release(script->model.socket);
}

static void arm(struct script *script, uint8_t how_much)
{
    script->armed = how_much % 4;
}

/* --- The script --- */

struct row {
    void (*step)(struct script *script, uint8_t how_much);
    bool is_call; /* of the user: it needs the socket */
};

static const struct row rows[] = {
    {peer_sends, false},      {peer_sends, false},    {peer_reads, false},
    {peer_reads, false},      {peer_ends, false},     {peer_closes, false},
    {write_some, true},       {write_some, true},     {write_pieces, true},
    {write_then, true},       {write_borrowed, true}, {cork, true},
    {uncork, true},           {uncork, true},         {end, true},
    {destroy, true},          {destroy_soon, true},   {reset, true},
    {pause_reading, true},    {resume_reading, true}, {resume_reading, true},
    {give_back, true},        {set_timeout, true},    {set_half_open, true},
    {set_mark, true},         {move, true},           {move, true},
    {hold_and_release, true}, {arm, false},           {arm, false},
};

static void turn(struct script *script, int times)
{
    for (int i = 0; i < times; i++)
        ev_run(prong_loop_ev(script->loop), EVRUN_NOWAIT);
}

static void make_step(struct script *script, bool inside)
{
    uint8_t what, how_much;

    if (script->left < 2 || ++script->steps > MAX_STEPS)
        return;
    what = script->bytes[0];
    how_much = script->bytes[1];
    script->bytes += 2;
    script->left -= 2;
    if (what >= 160) { /* often: let things happen */
        if (!inside)
            turn(script, 1 + how_much % 4);
        return;
    }
    what %= sizeof(rows) / sizeof(rows[0]);
    if (rows[what].is_call && script->model.socket == NULL)
        return;
    script->model.in_call = rows[what].is_call;
    rows[what].step(script, how_much);
    script->model.in_call = false;
}

static void step_inside(void *user)
{
    struct script *script = user;

    if (script->armed == 0)
        return;
    script->armed--;
    make_step(script, true);
}

/* --- Life --- */

/* A listening socket that every input uses. */
static int listener(struct sockaddr_in *address)
{
    static int fd = -1;
    static struct sockaddr_in own;
    socklen_t length = sizeof(own);

    if (fd < 0) {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        own.sin_family = AF_INET;
        own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        assert(bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0 && listen(fd, 5) == 0);
        assert(getsockname(fd, (struct sockaddr *)&own, &length) == 0);
    }
    *address = own;
    return fd;
}

static in_port_t port_of(int fd, int (*ask)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof(address);

    assert(ask(fd, (struct sockaddr *)&address, &length) == 0);
    return address.sin_port;
}

/* The other end of `client`, and not of somebody else who found our port. */
static int accept_client(int fd, int client)
{
    for (;;) {
        int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

        assert(accepted >= 0);
        if (port_of(accepted, getpeername) == port_of(client, getsockname))
            return accepted;
        close(accepted);
    }
}

/* A unix pair also where the machine is short of ports. */
static void open_pair(bool is_tcp, int pair[2])
{
    struct sockaddr_in address;
    int fd = listener(&address);

    pair[0] = is_tcp ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    if (pair[0] >= 0 && connect(pair[0], (struct sockaddr *)&address, sizeof(address)) == 0) {
        pair[1] = accept_client(fd, pair[0]);
        return;
    }
    if (pair[0] >= 0)
        close(pair[0]);
    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
}

/* Lets it come to its natural end, or else makes one. */
static void finish(struct script *script)
{
    script->armed = 0;
    if (script->model.socket != NULL) {
        while (prong_socket_corked(script->model.socket) > 0)
            prong_socket_uncork(script->model.socket);
        prong_socket_resume(script->model.socket);
        (void)prong_socket_end(script->model.socket);
        script->model.ended = true;
    }
    peer_ends(script, 0);
    for (int i = 0; i < 100 && script->model.socket != NULL; i++) {
        turn(script, 2);
        peer_reads(script, 17);
    }
    if (script->model.socket != NULL)
        destroy(script, 0);
    turn(script, 4);
    if (script->peer >= 0)
        close(script->peer);
    assert(script->model.close_seen && script->model.socket == NULL);
    assert(prong_loop_objects(script->loop) == 0);
    assert(prong_loop_bytes_queued(script->loop) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct prong_loop *loop;
    struct script script = {.peer = -1};
    int pair[2];

    if (size == 0)
        return 0;
    if (loop == NULL)
        loop = prong_loop_new(ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV));
    assert(loop != NULL);
    open_pair(bytes[0] % 2 == 0, pair);
    script.loop = loop;
    script.peer = pair[1];
    script.bytes = bytes + 1;
    script.left = size - 1;
    script.model.inside = step_inside;
    script.model.script = &script;
    script.model.socket = prong_socket_from_fd(loop, pair[0], NULL, &model_events, &script.model);
    assert(script.model.socket != NULL);
    while (script.left >= 2 && script.steps < MAX_STEPS)
        make_step(&script, false);
    finish(&script);
    return 0;
}
