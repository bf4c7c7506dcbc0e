# SPDX-License-Identifier: MIT
"""max_connections over generations, max_connections_per_address, max_rate_per_address."""

import os
import socket
import time

from client import echoes
from daemon import PATIENCE, eventually, server

SOURCES = 10_000


def connect_from(address, source="127.0.0.1"):
    return socket.create_connection(address, timeout=PATIENCE, source_address=(source, 0))


def is_served(client):
    try:
        return echoes(client)
    except ConnectionError:
        return False


def try_all(address, sources):
    """The clients that are served; the others are closed."""
    clients = [connect_from(address, source) for source in sources]
    served = [client for client in clients if is_served(client)]
    for client in clients:
        if client not in served:
            client.close()
    return served


def close_all(clients):
    for client in clients:
        client.close()


def test_each_address_has_its_own_share(prongd):
    daemon = prongd(server("echo", "echo", max_connections_per_address=3), workers=4)
    address = daemon.address("echo")
    served = try_all(address, ["127.0.0.1"] * 10 + ["127.0.0.2"] * 10)
    assert len(served) == 6
    status = daemon.server_status("echo")
    assert (status["dropped"], status["dropped_per_address"]) == (14, 14)
    close_all(served)


def test_an_address_gets_its_place_back(prongd):
    daemon = prongd(server("echo", "echo", max_connections_per_address=1), workers=4)
    address = daemon.address("echo")
    for _ in range(20):
        with connect_from(address) as client:
            assert is_served(client)
        eventually(lambda: daemon.server_status("echo")["connections"] == 0, "it is gone")


def test_a_subnet_counts_as_one(prongd):
    daemon = prongd(
        server("echo", "echo", max_connections_per_address=2, address_prefix_v4=16), workers=2
    )
    sources = [f"127.{net}.0.{host}" for net in (1, 2) for host in range(1, 6)]
    served = try_all(daemon.address("echo"), sources)
    assert len(served) == 4
    close_all(served)


def test_ten_thousand_addresses_in_a_storm_over_eight_workers(prongd):
    limit = 300
    daemon = prongd(
        server("echo", "echo", max_connections=limit, max_connections_per_address=2, backlog=4096,
               excess="close"),
        workers=8,
    )
    address = daemon.address("echo")
    served = []
    for start in range(0, SOURCES, 500):
        part = range(start, start + 500)
        served += try_all(address, [f"127.{n >> 16}.{n >> 8 & 255}.{n & 255 or 1}" for n in part])
        assert len(served) <= limit
    assert len(served) == limit
    status = daemon.server_status("echo")
    assert status["connections"] == limit
    assert status["dropped_max_connections"] == SOURCES - limit
    close_all(served)


def test_what_a_killed_worker_held_is_free_again(prongd):
    daemon = prongd(
        server("echo", "echo", max_connections=20, max_connections_per_address=12, excess="close"),
        workers=4
    )
    address = daemon.address("echo")
    served = try_all(address, ["127.0.0.1"] * 15 + ["127.0.0.2"] * 15)
    assert len(served) == 20
    os.kill(daemon.worker_pids()[1], 9)
    eventually(daemon.is_ready, "the slot is filled again")
    lasting = [client for client in served if is_served(client)]
    assert len(lasting) < 20
    again = try_all(address, ["127.0.0.1"] * 15 + ["127.0.0.2"] * 15)
    assert len(lasting) + len(again) == 20
    close_all(served + again)


def test_a_share_moves_with_its_connection(prongd):
    daemon = prongd(
        server("echo", "echo", max_connections=5, max_connections_per_address=3, excess="close"),
        workers=2
    )
    address = daemon.address("echo")
    served = try_all(address, ["127.0.0.1"] * 4 + ["127.0.0.2"] * 4)
    assert len(served) == 5
    for word in ("reload", "upgrade", "reload"):
        assert daemon.ctl(word).returncode == 0
        assert not try_all(address, ["127.0.0.1", "127.0.0.2", "127.0.0.3"])
        assert all(is_served(client) for client in served)
    close_all(served)
    eventually(lambda: daemon.connections() == 0, "they are gone")
    again = try_all(address, ["127.0.0.1"] * 4 + ["127.0.0.2"] * 4)
    assert len(again) == 5
    close_all(again)


def test_no_more_than_the_rate_comes_in_within_a_second(prongd):
    daemon = prongd(server("echo", "echo", max_rate_per_address=5), workers=2)
    address = daemon.address("echo")
    begin = time.monotonic()
    served = try_all(address, ["127.0.0.1"] * 40)
    seconds = int(time.monotonic() - begin) + 2  # that it touched, at most
    assert 5 <= len(served) <= 5 * seconds
    assert daemon.server_status("echo")["dropped_rate_per_address"] == 40 - len(served)
    with connect_from(address, "127.0.0.2") as other:
        assert is_served(other)
    close_all(served)
    eventually(lambda: close_all(found := try_all(address, ["127.0.0.1"])) or found, "a new second")


def test_a_shadow_counts_and_lets_in(prongd):
    daemon = prongd(server("echo", "echo", max_connections_per_address=1, shadow="yes"))
    served = try_all(daemon.address("echo"), ["127.0.0.1"] * 4)
    assert len(served) == 4
    assert daemon.server_status("echo")["shadowed"] == 3
    close_all(served)


def test_ipv6_clients_count_too(prongd):
    daemon = prongd(server("echo", "echo", listen="[::1]:0", max_connections_per_address=2))
    address = daemon.address("echo")
    clients = [socket.create_connection(address, timeout=PATIENCE) for _ in range(4)]
    assert sum(is_served(client) for client in clients) == 2
    close_all(clients)


def test_ipv4_clients_of_an_ipv6_address_count_as_ipv4(prongd):
    daemon = prongd(server("echo", "echo", listen="[::]:0", max_connections_per_address=1))
    address = ("127.0.0.1", daemon.address("echo")[1])
    served = try_all(address, ["127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.3"])
    assert len(served) == 3
    close_all(served)
