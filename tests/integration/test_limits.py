# SPDX-License-Identifier: MIT
"""max_connections and timeout."""

import os

from client import connect, echoes, receive_all
from daemon import eventually, server


def is_served(client):
    try:
        return echoes(client)
    except ConnectionError:
        return False


def test_max_connections_counts_over_all_workers(prongd):
    daemon = prongd(server("echo", "echo", max_connections=5, excess="close"), workers=4)
    address = daemon.address("echo")
    clients = [connect(address) for _ in range(12)]
    served = [client for client in clients if is_served(client)]
    assert len(served) == 5

    status = daemon.server_status("echo")
    assert status["connections"] == 5
    assert status["dropped"] == 7
    for client in clients:
        client.close()


def test_a_place_that_becomes_free_is_given_again(prongd):
    daemon = prongd(server("echo", "echo", max_connections=1), workers=4)
    address = daemon.address("echo")
    for _ in range(20):
        with connect(address) as client:
            assert is_served(client)
        eventually(lambda: daemon.server_status("echo")["connections"] == 0, "it is gone")


def test_the_limit_of_one_server_is_not_that_of_another(prongd):
    daemon = prongd(server("small", "echo", max_connections=1) + server("large", "echo"))
    with connect(daemon.address("small")) as client:
        assert is_served(client)
        others = [connect(daemon.address("large")) for _ in range(10)]
        assert all(is_served(other) for other in others)
        for other in others:
            other.close()


def test_a_place_comes_back_when_its_worker_dies(prongd):
    daemon = prongd(server("echo", "echo", max_connections=1), workers=1)
    address = daemon.address("echo")
    with connect(address) as client:
        assert is_served(client)
        os.kill(daemon.worker_pids()[0], 9)
        eventually(daemon.is_ready, "the slot is filled again")
    with connect(address) as client:
        assert is_served(client)


def test_an_idle_connection_is_closed_after_its_timeout(prongd):
    daemon = prongd(server("echo", "echo", timeout="200ms"))
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        assert receive_all(client) == b""
    eventually(lambda: daemon.connections() == 0, "it is gone")


def test_without_a_timeout_nothing_is_closed(prongd):
    daemon = prongd(server("quick", "echo", timeout="100ms") + server("patient", "echo"))
    with connect(daemon.address("quick")) as quick, connect(daemon.address("patient")) as patient:
        assert receive_all(quick) == b""
        assert echoes(patient)


def test_a_client_that_says_nothing_is_closed_and_one_that_spoke_stays(prongd):
    daemon = prongd(server("echo", "echo", first_byte_timeout="1s"))
    with connect(daemon.address("echo")) as silent, connect(daemon.address("echo")) as other:
        assert echoes(other)
        assert receive_all(silent) == b""
        assert echoes(other)
    assert "client timed out reason=first_byte_timeout server=echo" in daemon.log()


def test_a_lifetime_counts_on_over_a_reload(prongd):
    daemon = prongd(server("echo", "echo", lifetime="2s"))
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        assert daemon.ctl("reload").returncode == 0
        assert receive_all(client) == b""
    assert "client timed out reason=lifetime server=echo" in daemon.log()
