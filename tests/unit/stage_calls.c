/* SPDX-License-Identifier: MIT
 *
 * Every function of the library that can be called with a socket.
 */
#include "stage.h"

#include <errno.h>
#include <sys/uio.h>

static const char bytes[300000];

/* --- Writing --- */

static void write_little(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    (void)prong_socket_write(socket, "abc", 3);
}

static void write_much(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    (void)prong_socket_write(socket, bytes, sizeof(bytes));
}

static void write_nothing(struct stage *stage, struct prong_socket *socket)
{
    (void)prong_socket_write_then(socket, bytes, 0, stage_on_written, stage);
}

static void write_pieces(struct stage *stage, struct prong_socket *socket)
{
    struct iovec pieces[3] = {
        {(void *)(uintptr_t)bytes, 5}, {NULL, 0}, {(void *)(uintptr_t)bytes, 7}};

    (void)stage;
    (void)prong_socket_writev(socket, pieces, 3);
}

static void write_then(struct stage *stage, struct prong_socket *socket)
{
    (void)prong_socket_write_then(socket, bytes, 1000, stage_on_written, stage);
}

static void write_borrowed(struct stage *stage, struct prong_socket *socket)
{
    (void)prong_socket_write_borrowed(socket, bytes, sizeof(bytes), stage_on_written, stage);
}

static void write_frames(struct stage *stage, struct prong_socket *socket)
{
    static const struct prong_framing_options lines = {PRONG_FRAMING_CRLF, 1000};

    (void)stage;
    (void)!prong_framing_write(socket, &lines, "abc", 3);
    (void)!prong_framing_write(socket, &lines, bytes, 1000);
}

static void cork_and_write(struct stage *stage, struct prong_socket *socket)
{
    prong_socket_cork(socket);
    write_then(stage, socket);
}

static void cork_write_uncork(struct stage *stage, struct prong_socket *socket)
{
    cork_and_write(stage, socket);
    prong_socket_uncork(socket);
}

static void uncork(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    prong_socket_uncork(socket);
}

/* --- Ending --- */

static void end(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    (void)prong_socket_end(socket);
}

static void write_and_end(struct stage *stage, struct prong_socket *socket)
{
    write_borrowed(stage, socket);
    (void)prong_socket_end(socket);
    prong_socket_cork(socket);
}

static void end_and_write(struct stage *stage, struct prong_socket *socket)
{
    (void)prong_socket_end(socket);
    write_then(stage, socket);
}

static void destroy(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    prong_socket_destroy(socket, 0);
    prong_socket_destroy(socket, -EIO);
}

static void destroy_with_error(struct stage *stage, struct prong_socket *socket)
{
    write_then(stage, socket);
    prong_socket_destroy(socket, -EPROTO);
}

static void destroy_soon(struct stage *stage, struct prong_socket *socket)
{
    write_much(stage, socket);
    prong_socket_destroy_soon(socket);
}

static void reset(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    (void)prong_socket_reset(socket);
}

/* --- Reading --- */

static void pause_reading(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    prong_socket_pause(socket);
}

static void resume_reading(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    prong_socket_resume(socket);
}

static void pause_and_resume(struct stage *stage, struct prong_socket *socket)
{
    pause_reading(stage, socket);
    resume_reading(stage, socket);
}

static void give_back(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    if (prong_socket_unread_bytes(socket) == 0)
        (void)prong_socket_unread(socket, "xyz", 3);
}

static void give_back_and_pause(struct stage *stage, struct prong_socket *socket)
{
    give_back(stage, socket);
    pause_and_resume(stage, socket);
    prong_socket_pause(socket);
}

/* --- Connecting --- */

static void connect_again(struct stage *stage, struct prong_socket *socket)
{
    if (prong_socket_connect_address(socket, &stage->address) == 0)
        stage_revive(stage, socket);
}

static void connect_to_name(struct stage *stage, struct prong_socket *socket)
{
    if (prong_socket_connect(socket, "example", stage->address.port) == 0)
        stage_revive(stage, socket);
}

static void set_connect_options(struct stage *stage, struct prong_socket *socket)
{
    struct prong_connect_options options;

    prong_connect_options_init(&options);
    options.block_list = stage->list;
    (void)!prong_socket_set_connect_options(socket, &options);
}

static void connect_a_new_one(struct stage *stage, struct prong_socket *socket)
{
    struct prong_socket *another = prong_socket_new(stage->loop, NULL, &stage_events, stage);

    (void)socket;
    stage_adopt(stage, another);
    if (prong_socket_connect_address(another, &stage->address) < 0)
        prong_socket_destroy(another, 0);
}

/* --- Options --- */

static void set_timeout(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    (void)prong_socket_set_timeout(socket, 1);
}

static void clear_timeout(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    (void)prong_socket_set_timeout(socket, 0);
}

static void set_options(struct stage *stage, struct prong_socket *socket)
{
    struct prong_keep_alive keep_alive = {.enabled = true, .idle_s = 7};

    (void)stage;
    (void)prong_socket_set_no_delay(socket, !prong_socket_no_delay(socket));
    (void)prong_socket_set_keep_alive(socket, &keep_alive);
    (void)prong_socket_set_user_timeout(socket, 1000);
    (void)prong_socket_set_type_of_service(socket, 8);
    prong_socket_set_high_water_mark(socket, 0);
}

static void allow_half_open(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    prong_socket_set_allow_half_open(socket, true);
}

static void forbid_half_open(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    prong_socket_set_allow_half_open(socket, false);
}

static void lose_interest(struct stage *stage, struct prong_socket *socket)
{
    static const struct prong_socket_events none;

    prong_socket_set_events(socket, &none, stage);
    stage_lose(stage, socket); /* nobody will hear of its close */
}

static void unref(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    prong_socket_unref(socket);
}

static void ref(struct stage *stage, struct prong_socket *socket)
{
    unref(stage, socket);
    prong_socket_ref(socket);
    prong_socket_ref(socket);
}

static void hold(struct stage *stage, struct prong_socket *socket)
{
    stage_hold(stage, socket);
}

static void hold_and_release(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    prong_socket_hold(socket);
    prong_socket_release(socket);
}

static void ask_everything(struct stage *stage, struct prong_socket *socket)
{
    struct prong_keep_alive keep_alive;
    struct prong_credentials credentials;
    struct prong_address address;
    size_t count;

    (void)stage;
    (void)prong_socket_is_paused(socket);
    (void)prong_socket_timeout(socket);
    prong_socket_keep_alive(socket, &keep_alive);
    (void)prong_socket_user_timeout(socket);
    (void)prong_socket_type_of_service(socket);
    (void)prong_socket_allow_half_open(socket);
    (void)prong_socket_high_water_mark(socket);
    (void)prong_socket_user(socket);
    (void)prong_socket_extra(socket);
    (void)prong_socket_server(socket);
    (void)prong_socket_loop(socket);
    (void)prong_socket_state(socket);
    (void)prong_socket_is_readable(socket);
    (void)prong_socket_is_writable(socket);
    (void)prong_socket_has_ended(socket);
    (void)prong_socket_has_finished(socket);
    (void)prong_socket_needs_drain(socket);
    (void)prong_socket_corked(socket);
    (void)prong_socket_bytes_read(socket);
    (void)prong_socket_bytes_written(socket);
    (void)prong_socket_queue_bytes(socket);
    (void)prong_socket_queue_room(socket);
    (void)prong_socket_local(socket, &address);
    (void)prong_socket_remote(socket, &address);
    (void)prong_socket_peer_credentials(socket, &credentials);
    (void)prong_socket_fd(socket);
    (void)prong_socket_has_ref(socket);
    (void)prong_socket_attempts(socket, &count);
}

#define CALL(function)                             \
    {                                              \
        .name = #function, .on_socket = (function) \
    }

const struct call socket_calls[] = {
    CALL(write_little),
    CALL(write_much),
    CALL(write_nothing),
    CALL(write_pieces),
    CALL(write_then),
    CALL(write_borrowed),
    CALL(write_frames),
    CALL(cork_and_write),
    CALL(cork_write_uncork),
    CALL(uncork),
    CALL(end),
    CALL(write_and_end),
    CALL(end_and_write),
    CALL(destroy),
    CALL(destroy_with_error),
    CALL(destroy_soon),
    CALL(reset),
    CALL(pause_reading),
    CALL(resume_reading),
    CALL(pause_and_resume),
    CALL(give_back),
    CALL(give_back_and_pause),
    CALL(connect_again),
    CALL(connect_to_name),
    CALL(set_connect_options),
    CALL(connect_a_new_one),
    CALL(set_timeout),
    CALL(clear_timeout),
    CALL(set_options),
    CALL(allow_half_open),
    CALL(forbid_half_open),
    CALL(lose_interest),
    CALL(unref),
    CALL(ref),
    CALL(hold),
    CALL(hold_and_release),
    CALL(ask_everything),
};

const size_t socket_call_count = sizeof(socket_calls) / sizeof(socket_calls[0]);
