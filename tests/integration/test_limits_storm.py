# SPDX-License-Identifier: MIT
"""Limits per subnet under a storm from 10,000 subnets of IPv6: exact over eight workers, and in
order where the table that they count in is full.

The storm comes over the loopback device of a network of the test's own, to which all of
2001:db8::/32 belongs.
"""

import collections
import resource
import socket
import subprocess

import pytest

from client import receive
from daemon import IS_ROOT, PATIENCE, eventually, server
from network import inside, own_network

GREETING = b"hello client!"
SUBNETS = 10_000
DESCRIPTORS = 60_000
BATCH = 500

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="only root can make a network")


@pytest.fixture
def many_descriptors():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(DESCRIPTORS, before[1])
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, most))
    except (OSError, ValueError):
        pytest.skip(f"this machine does not give {DESCRIPTORS} descriptors")
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[0], most))


@pytest.fixture
def hello(make_daemon, many_descriptors):
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
    client.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
    client.bind((f"2001:db8:{subnet >> 8:x}:{subnet & 255:x}::{host:x}", 0))
    client.connect(("::1", port))
    return client


def is_greeted(client):
    try:
        return receive(client, len(GREETING)) == GREETING
    except ConnectionError:
        return False


def storm(daemon, sources):
    """{subnet: its clients that were greeted}; the others were closed."""
    port = daemon.address("hello")[1]
    served = collections.defaultdict(list)
    with inside(daemon.process.pid):
        for start in range(0, len(sources), BATCH):
            batch = [(subnet, connect_from(port, subnet, host))
                     for subnet, host in sources[start:start + BATCH]]
            for subnet, client in batch:
                if is_greeted(client):
                    served[subnet].append(client)
                else:
                    client.close()
    return served


def close_all(served):
    for clients in served.values():
        for client in clients:
            client.close()


def count(served):
    return sum(map(len, served.values()))


def test_each_of_ten_thousand_subnets_has_its_share_and_no_more(hello):
    """Three addresses of each, of which two may come."""
    daemon = hello(max_connections_per_address=2)
    served = storm(daemon, [(subnet, host) for host in (1, 2, 3) for subnet in range(SUBNETS)])
    assert len(served) == SUBNETS
    assert {len(clients) for clients in served.values()} == {2}
    assert daemon.server_status("hello")["dropped_per_address"] == SUBNETS
    close_all(served)


def test_a_limit_of_all_holds_among_ten_thousand_subnets(hello):
    daemon = hello(max_connections=500, max_connections_per_address=2, excess="close")
    served = storm(daemon, [(subnet, 1) for subnet in range(SUBNETS)])
    assert count(served) == daemon.server_status("hello")["connections"] == 500
    assert daemon.server_status("hello")["dropped_max_connections"] == SUBNETS - 500
    close_all(served)


def test_where_the_table_is_full_clients_are_refused_and_nobody_has_too_many(hello):
    """A subnet takes an entry for each worker that serves it: 40,000 connections fill the table."""
    daemon = hello(max_connections_per_address=4)
    sources = [(subnet, host) for host in range(1, 6) for subnet in range(SUBNETS)]
    served = storm(daemon, sources)
    status = daemon.server_status("hello")
    assert max(map(len, served.values())) == 4
    assert status["connections"] == count(served)
    assert status["dropped_address_table_full"] > 0
    assert count(served) + status["dropped"] == len(sources)
    close_all(served)
    eventually(lambda: daemon.server_status("hello")["connections"] == 0, "they are gone")
    again = storm(daemon, [(subnet, 1) for subnet in range(SUBNETS)])
    assert count(again) == SUBNETS
    close_all(again)
