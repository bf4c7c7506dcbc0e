/* SPDX-License-Identifier: MIT
 *
 * Shares of the limits of programs.
 */
#include "allowance.h"

#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "keeping.h"
#include "network.h"
#include "scoreboard.h"
#include "shares.h"

/* Keys beside those of the connections (worker/quota.c): of a server, and of its networks. */
#define SERVER_KEY  2
#define ADDRESS_KEY 3

const char *allowance_name(enum allowance_answer answer)
{
    static const char *const names[] = {
        [ALLOWANCE_GRANTED] = "none",
        [ALLOWANCE_PROCESSES] = "max_processes",
        [ALLOWANCE_ADDRESS] = "max_processes_per_address",
        [ALLOWANCE_TABLE] = "address_table_full",
    };

    return names[answer];
}

void allowance_init(struct allowance *allowance, const struct keeping *keeping)
{
    allowance->keeping = keeping;
    allowance->shares = scoreboard_shares(keeping->scoreboard);
    allowance->owner = shares_keeper(getpid());
    allowance->server = share_server(keeping->server);
}

static struct share_key server_key(const struct allowance *allowance)
{
    return (struct share_key){.server = allowance->server + SERVER_KEY};
}

/* False: this client is not counted. */
static bool address_key(const struct allowance *allowance, const struct prong_address *client,
                        struct share_key *key)
{
    const struct keeping *keeping = allowance->keeping;

    *key = (struct share_key){.server = allowance->server + ADDRESS_KEY};
    return keeping->max_processes_per_address > 0 &&
           network_set(key, client, keeping->prefix_v4, keeping->prefix_v6);
}

/* Shown first, then counted: of two keepers that meet at the limit, as a reload may have it, at
 * least one sees the other. */
static enum allowance_answer take_one(struct allowance *allowance, const struct share_key *key,
                                      uint64_t most, enum allowance_answer refusal)
{
    struct share *share = shares_hold(allowance->shares, allowance->owner, key);

    if (share == NULL)
        return ALLOWANCE_TABLE;
    share_take(share);
    if (most == 0 || shares_connections(allowance->shares, key) <= most)
        return ALLOWANCE_GRANTED;
    share_give(share);
    return refusal;
}

static void give_one(struct allowance *allowance, const struct share_key *key)
{
    struct share *share = shares_find(allowance->shares, allowance->owner, key);

    if (share != NULL)
        share_give(share);
}

enum allowance_answer allowance_take(struct allowance *allowance,
                                     const struct prong_address *client)
{
    const struct keeping *keeping = allowance->keeping;
    const struct share_key server = server_key(allowance);
    enum allowance_answer answer;
    struct share_key address;

    answer = take_one(allowance, &server, keeping->max_processes, ALLOWANCE_PROCESSES);
    if (answer != ALLOWANCE_GRANTED || !address_key(allowance, client, &address))
        return answer;
    answer = take_one(allowance, &address, keeping->max_processes_per_address, ALLOWANCE_ADDRESS);
    if (answer != ALLOWANCE_GRANTED)
        give_one(allowance, &server);
    return answer;
}

void allowance_give(struct allowance *allowance, const struct prong_address *client)
{
    const struct share_key server = server_key(allowance);
    struct share_key address;

    give_one(allowance, &server);
    if (address_key(allowance, client, &address))
        give_one(allowance, &address);
}
