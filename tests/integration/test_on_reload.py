# SPDX-License-Identifier: MIT
"""What becomes of connections when their worker is replaced: the operator's choice."""

import time

import pytest

from client import connect, echoes
from daemon import eventually, server


def clients(daemon, count):
    found = [connect(daemon.address("echo")) for _ in range(count)]
    assert all(echoes(client) for client in found)
    daemon.descriptors = {}
    return found


def close_all(open_clients):
    for client in open_clients:
        client.close()


def test_drained_connections_stay_with_their_worker_until_they_end(prongd):
    daemon = prongd(server("echo", "echo", on_reload="drain"))
    old = daemon.worker_pids()
    open_clients = clients(daemon, 6)
    assert daemon.ctl("reload", "--no-wait").returncode == 0
    assert all(echoes(client) for client in open_clients)
    states = {w["pid"]: w["state"] for w in daemon.status()["workers"]}
    assert any(states.get(pid) == "draining" for pid in old)
    close_all(open_clients)
    eventually(lambda: not set(old) & set(daemon.worker_pids()), "the old workers are gone")


def test_closed_connections_get_an_orderly_end(prongd):
    daemon = prongd(server("echo", "echo", on_reload="close"))
    open_clients = clients(daemon, 10)
    assert daemon.ctl("reload").returncode == 0
    assert [client.recv(1) for client in open_clients] == [b""] * 10
    close_all(open_clients)


def test_a_spread_closes_them_little_by_little(prongd):
    daemon = prongd(server("echo", "echo", on_reload="close", close_spread="1s"), workers=1)
    open_clients = clients(daemon, 20)
    begin = time.monotonic()
    assert daemon.ctl("reload", "--no-wait").returncode == 0
    ends = []
    for client in open_clients:
        assert client.recv(1) == b""
        ends.append(time.monotonic() - begin)
    # One each 20 ms and more, not all at once: the order is the worker's, so the latest tells.
    assert max(ends) > 0.15
    close_all(open_clients)


@pytest.mark.parametrize("choice", ["move", "drain", "close"])
def test_a_stop_is_no_reload(prongd, choice):
    daemon = prongd(server("echo", "echo", on_reload=choice), shutdown_timeout="30s")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        daemon.signal(15)
        assert echoes(client)
    assert daemon.wait() == 0
