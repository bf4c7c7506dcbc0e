/* SPDX-License-Identifier: MIT
 *
 * Reading at a pace.
 */
#include "limited.h"

#include <errno.h>
#include <prongd/pace.h>

enum { PACED };

const struct prongd_option limited_options[1] = {
    {PRONGD_SIZE(struct limited_config, rate_limit), .name = "rate_limit", .fallback = "0",
     .most = PRONGD_PACE_MOST,
     .help = "How many bytes a connection may send in a second; 0 sets no limit."},
};

const struct prongd_counter limited_counters[1] = {
    [PACED] = {"paced", "How often a connection had to wait because of rate_limit."},
};

static struct prongd_pace *pace_of(struct prong_socket *socket)
{
    const struct limited *limited = prongd_state(socket);

    return limited->pace;
}

/* Who is sent more than it reads goes on with on_drain. */
static void on_ready(struct prong_socket *socket)
{
    if (!prong_socket_needs_drain(socket))
        prong_socket_resume(socket);
}

void limited_on_drain(struct prong_socket *socket)
{
    if (!prongd_pace_waits(pace_of(socket)))
        prong_socket_resume(socket);
}

void limited_note(struct prong_socket *socket, size_t size)
{
    struct prongd_pace *pace = pace_of(socket);

    prongd_pace_spend(pace, size);
    if (prongd_pace_room(pace) > 0)
        return;
    prongd_count(prongd_service(socket), PACED, 1);
    prong_socket_pause(socket);
    prongd_pace_wait(pace);
}

/* --- Life --- */

/* 0, or -ENOMEM. */
static int open_pace(struct prong_socket *socket, uint64_t rate)
{
    struct limited *limited = prongd_state(socket);

    limited->pace = prongd_pace_new(socket, rate, on_ready);
    return limited->pace == NULL && rate > 0 ? -ENOMEM : 0;
}

void limited_on_connection(struct prong_socket *socket)
{
    const struct limited_config *config = prongd_config(socket);
    int error = open_pace(socket, config->rate_limit);

    if (error < 0)
        prong_socket_destroy(socket, error);
}

void limited_on_close(struct prong_socket *socket, bool had_error)
{
    (void)had_error;
    prongd_pace_free(pace_of(socket));
}

/* --- Moving: what is left of the second --- */

long limited_save(struct prong_socket *socket, void *bytes, size_t size)
{
    return prongd_pace_save(pace_of(socket), bytes, size);
}

/* Who is paused waits for a drain, or waited for its pace, which has to wake it even where there is
 * no limit any more. */
int limited_restore(struct prong_socket *socket, const void *bytes, size_t size, uint32_t version)
{
    const struct limited_config *config = prongd_config(socket);
    bool waited = prong_socket_is_paused(socket) && !prong_socket_needs_drain(socket);
    int error = open_pace(socket, config->rate_limit == 0 && waited ? PRONGD_PACE_MOST
                                                                    : config->rate_limit);

    (void)version;
    if (error == 0)
        error = prongd_pace_restore(pace_of(socket), bytes, size);
    if (error < 0)
        prongd_pace_free(pace_of(socket));
    else if (waited)
        prongd_pace_wait(pace_of(socket));
    return error;
}

void limited_on_leave(void *state)
{
    const struct limited *limited = state;

    prongd_pace_free(limited->pace);
}
