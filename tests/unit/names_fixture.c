/* SPDX-License-Identifier: MIT
 *
 * A resolver that knows its answers.
 */
#include "names_fixture.h"

#include <stdio.h>

static void resolve(struct prong_lookup *lookup, void *user)
{
    struct names *names = user;

    snprintf(names->host, sizeof(names->host), "%s", prong_lookup_host(lookup));
    names->family = prong_lookup_family(lookup);
    prong_lookup_answer(lookup, names->error, names->addresses, names->count);
}

void names_add(struct names *names, const char *ip)
{
    assert_int_equal(prong_address_from_ip(&names->addresses[names->count++], ip, 0), 0);
}

void names_options(struct prong_socket_options *options, struct names *names)
{
    prong_socket_options_init(options);
    options->connect.resolve = resolve;
    options->connect.resolve_user = names;
}

void names_connect(struct net *net, const struct prong_socket_options *options, uint16_t port)
{
    forget(&net->client);
    net_client(net, options);
    assert_int_equal(prong_socket_connect(net->client.socket, "example", port), 0);
}

void names_end(struct net *net)
{
    prong_socket_destroy(net->client.socket, 0);
    run_until(net, &net->client, "close");
}
