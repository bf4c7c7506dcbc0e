/* SPDX-License-Identifier: MIT
 *
 * Where the trail of a connection is, and its last steps.
 */
#include "trail.h"

#include <prong/socket.h>
#include <prongd/handler.h>
#include <string.h>

#include "connection.h"
#include "service.h"

static size_t offset_in(const struct service *service)
{
    const size_t unit = _Alignof(struct trail);

    return (connection_extra_bytes(service->handler->state_size) + unit - 1) / unit * unit;
}

size_t trail_extra_bytes(const struct service *service)
{
    size_t own = connection_extra_bytes(service->handler->state_size);

    return service->has_trail ? offset_in(service) - own + sizeof(struct trail) : 0;
}

/* The socket's bytes are aligned for any of it (socket_internal.h). */
struct trail *trail_of(const struct service *service, struct prong_socket *socket)
{
    if (!service->has_trail)
        return NULL;
    return (void *)((char *)prong_socket_extra(socket) + offset_in(service));
}

void trail_add(struct trail *trail, const struct trail_step *step)
{
    if (trail->step_count == TRAIL_STEPS) {
        memmove(&trail->steps[0], &trail->steps[1], sizeof(*step) * (TRAIL_STEPS - 1));
        trail->step_count--;
    }
    trail->steps[trail->step_count++] = *step;
}
