# SPDX-License-Identifier: MIT
"""Limits per subnet under a storm from 10,000 subnets of IPv6: exact over eight workers, and in
order where the table that they count in is full.

The storm comes over the loopback device of a network of the test's own, to which all of
2001:db8::/32 belongs, from several processes at once.
"""

import collections
import contextlib
import multiprocessing
import socket
import subprocess

import pytest

from client import receive
from daemon import IS_ROOT, PATIENCE, eventually, server
from network import inside, own_network

GREETING = b"hello client!"
SUBNETS = 10_000
PROCESSES = 4  # so that each has descriptors enough
BATCH = 250
IP_BIND_ADDRESS_NO_PORT = 24

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="only root can make a network")


@pytest.fixture
def hello(make_daemon):
    """Starts eight workers that greet, in a network of their own."""
    def enter():
        own_network({"net/ipv6/ip_nonlocal_bind": 1})()
        subprocess.run("ip -6 route add local 2001:db8::/32 dev lo".split(), check=True)

    def start(**options):
        daemon = make_daemon(server("hello", "hello", listen="[::]:0", backlog=4096, **options),
                             workers=8, log_level="notice")
        daemon.start(preexec_fn=enter)
        daemon.descriptors = {}
        return daemon

    return start


def connect_from(port, subnet, host):
    client = socket.socket(socket.AF_INET6)
    client.settimeout(PATIENCE)
    client.setsockopt(socket.SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    client.bind((f"2001:db8:{subnet >> 8:x}:{subnet & 255:x}::{host:x}", 0))
    client.connect(("::1", port))
    return client


def is_greeted(client):
    try:
        return receive(client, len(GREETING)) == GREETING
    except ConnectionError:
        return False


def come(port, sources):
    """[(subnet, client)] of those that were greeted; the others were closed."""
    served = []
    for start in range(0, len(sources), BATCH):
        batch = [(subnet, connect_from(port, subnet, host))
                 for subnet, host in sources[start:start + BATCH]]
        for subnet, client in batch:
            if is_greeted(client):
                served.append((subnet, client))
            else:
                client.close()
    return served


def play(pipe, pid, port, sources):
    with inside(pid):
        served = come(port, sources)
    pipe.send(collections.Counter(subnet for subnet, _ in served))
    pipe.recv()


@contextlib.contextmanager
def storm(daemon, sources):
    """How many clients of each subnet were greeted; they stay for the block."""
    port = daemon.address("hello")[1]
    pairs = [multiprocessing.Pipe() for _ in range(PROCESSES)]
    players = [multiprocessing.Process(target=play, args=(theirs, daemon.process.pid, port,
                                                          sources[index::PROCESSES]))
               for index, (_, theirs) in enumerate(pairs)]
    for player in players:
        player.start()
    for _, theirs in pairs:
        theirs.close()
    try:
        yield sum((ours.recv() for ours, _ in pairs), collections.Counter())
    finally:
        for ours, _ in pairs:
            with contextlib.suppress(BrokenPipeError):
                ours.send("done")
        for player in players:
            player.join()


def test_each_of_ten_thousand_subnets_has_its_share_and_no_more(hello):
    """Two addresses of each, of which one may come."""
    daemon = hello(max_connections_per_address=1)
    sources = [(subnet, host) for host in (1, 2) for subnet in range(SUBNETS)]
    with storm(daemon, sources) as served:
        assert len(served) == SUBNETS
        assert set(served.values()) == {1}
        assert daemon.server_status("hello")["dropped_per_address"] == SUBNETS


def test_a_limit_of_all_holds_among_ten_thousand_subnets(hello):
    daemon = hello(max_connections=500, max_connections_per_address=2, excess="close")
    with storm(daemon, [(subnet, 1) for subnet in range(SUBNETS)]) as served:
        assert served.total() == 500
        assert daemon.server_status("hello")["dropped_max_connections"] == SUBNETS - 500
        # Somebody who is refused counts for a moment, too.
        eventually(lambda: daemon.server_status("hello")["connections"] == 500, "they are there")


def test_where_the_table_is_full_clients_are_refused_and_nobody_has_too_many(hello):
    """A subnet takes an entry for each worker that serves it: 40,000 connections fill the table."""
    daemon = hello(max_connections_per_address=4)
    sources = [(subnet, host) for host in range(1, 6) for subnet in range(SUBNETS)]
    with storm(daemon, sources) as served:
        status = daemon.server_status("hello")
        assert max(served.values()) == 4
        assert status["dropped_address_table_full"] > 0
        assert served.total() + status["dropped"] == len(sources)
    eventually(lambda: daemon.server_status("hello")["connections"] == 0, "they are gone")
    with storm(daemon, [(subnet, 1) for subnet in range(SUBNETS)]) as served:
        assert served.total() == SUBNETS
