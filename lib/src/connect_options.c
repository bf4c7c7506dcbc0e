/* SPDX-License-Identifier: MIT
 *
 * Options of connecting, and their process-wide defaults.
 */
#include "connect_options.h"

#include "socket_internal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Programs with a loop in each of several threads share them. */
static atomic_bool default_auto_select_family = true;
static atomic_uint default_stagger_ms = PRONG_STAGGER_MS;

void prong_set_default_auto_select_family(bool enabled)
{
    atomic_store(&default_auto_select_family, enabled);
}

bool prong_default_auto_select_family(void)
{
    return atomic_load(&default_auto_select_family);
}

int prong_set_default_stagger_ms(uint32_t stagger_ms)
{
    if (stagger_ms == 0)
        return -EINVAL;
    atomic_store(&default_stagger_ms,
                 stagger_ms < PRONG_STAGGER_MIN_MS ? PRONG_STAGGER_MIN_MS : stagger_ms);
    return 0;
}

uint32_t prong_default_stagger_ms(void)
{
    return atomic_load(&default_stagger_ms);
}

void prong_connect_options_init(struct prong_connect_options *options)
{
    *options = (struct prong_connect_options){
        .family = AF_UNSPEC,
        .auto_select_family = prong_default_auto_select_family(),
        .stagger_ms = prong_default_stagger_ms(),
    };
}

bool connect_options_are_default(const struct prong_connect_options *options)
{
    return options->family == AF_UNSPEC && options->local.family == 0 && options->local.port == 0 &&
           options->block_list == NULL && options->resolve == NULL &&
           options->auto_select_family == prong_default_auto_select_family() &&
           options->stagger_ms == prong_default_stagger_ms();
}

int prong_socket_set_connect_options(struct prong_socket *socket,
                                     const struct prong_connect_options *options)
{
    struct socket_rare *rare = socket_rare(socket);

    if (socket->state == PRONG_SOCKET_CONNECTING)
        return -EALREADY;
    if (rare == NULL)
        return -ENOMEM;
    if (connect_options_are_default(options)) {
        free(rare->connect);
        rare->connect = NULL;
        return 0;
    }
    if (rare->connect == NULL)
        rare->connect = malloc(sizeof(*rare->connect));
    if (rare->connect == NULL)
        return -ENOMEM;
    *rare->connect = *options;
    return 0;
}

void prong_socket_forget_connect(struct prong_socket *socket)
{
    struct socket_rare *rare = socket->rare;

    if (rare == NULL || socket->state == PRONG_SOCKET_CONNECTING)
        return;
    free(rare->connect);
    rare->connect = NULL;
    rare->connect_timeout_ms = 0;
}
