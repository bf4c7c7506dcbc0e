# SPDX-License-Identifier: MIT
"""What the trial of the relay does with each pair: drawn from a seed and the pair's number, so that
the same seed has the same pairs, whatever else happens."""

import random
from collections import namedtuple

from flows import READING, WRITING, draw_phases

# A server of the trial: how many of all pairs it gets, what stands behind each of its upstreams,
# whether these are unix sockets, how large flows may be, and its other options.
Server = namedtuple("Server", "share upstreams is_local most options")

SERVERS = {
    "plain": Server(10, [" weight=3", "", " weight=2", " backup"], False, 1 << 25, {}),
    "scarce": Server(2, [" max_connections=3", " max_connections=2"], False, 1 << 19,
                     {"balance": "least_connections"}),
    "told": Server(3, ["", ""], False, 1 << 22, {"send_proxy": "v1", "balance": "random_two"}),
    "chain": Server(3, ["", " backup"], False, 1 << 22,
                    {"send_proxy": "v2", "proxy_protocol_from": "127.0.0.0/8",
                     "proxy_protocol_timeout": "1m", "balance": "hash_source"}),
    "local": Server(2, ["", ""], True, 1 << 23, {}),
}

NAME_SIZE = 8

# How an end of a pair ends: with FIN after its last byte, or after the other's, or with RST.
ENDINGS = {"end": 10, "answer": 5, "reset": 2}

# What makes it reset: so many bytes are sent or have come, or so much time is over.
RESETS = ("sent", "received", "time")

# Beyond this size small buffers would take minutes: the kernel acknowledges each late.
SMALL = 1 << 19

End = namedtuple("End", "size writing reading ending delay_s reset_by reset_at small_buffers")
Plan = namedtuple("Plan", "number server client backend header split")


def has_name(server):
    """Is a pair's number the beginning of what its client sends?  Otherwise a header says who it is."""
    return "send_proxy" not in SERVERS[server].options


def draw_size(chance, least, most):
    """Nothing and a single byte are as likely as what needs pipes."""
    kind = chance.random()
    if kind < 0.15:
        return least + chance.randrange(3)
    high = most if kind > 0.7 else min(most, 1 << 16)
    return int((least + 1) * (high / (least + 1)) ** chance.random())


def draw_end(chance, least, most, endings):
    size = draw_size(chance, least, most)
    ending = chance.choices(endings, [ENDINGS[name] for name in endings])[0]
    by = chance.choice(RESETS)
    return End(size=size, writing=draw_phases(chance, WRITING),
               reading=draw_phases(chance, READING), ending=ending,
               delay_s=chance.choice([0, 0, 0, 0.3 * chance.random()]),
               reset_by=by, reset_at=2 * chance.random() if by == "time" else int(
                   size * chance.random()),
               small_buffers=chance.random() < 0.3)


def draw(seed, number):
    chance = random.Random(f"{seed}.{number}")
    server = chance.choices(list(SERVERS), [one.share for one in SERVERS.values()])[0]
    most = SERVERS[server].most
    client = draw_end(chance, NAME_SIZE if has_name(server) else 0, most, list(ENDINGS))
    # One of the two has to end first.  A unix socket cannot be reset.
    can = [name for name in ENDINGS if not (name == "answer" and client.ending == "answer")
           and not (name == "reset" and SERVERS[server].is_local)]
    backend = draw_end(chance, 0, most, can)
    if max(client.size, backend.size) > SMALL:
        client, backend = (end._replace(small_buffers=False) for end in (client, backend))
    return Plan(number, server, client, backend, header=chance.choice([1, 2]),
                split=chance.choice([0, 0, 1, 5, chance.randrange(1, 60)]))
