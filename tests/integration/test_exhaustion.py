# SPDX-License-Identifier: MIT
"""A worker without descriptors: clients are sent away, counted, and let in again later."""

import os
import time
from pathlib import Path

import pytest

from client import connect, echoes, receive_all
from daemon import eventually, server

LIMIT = 64
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def is_served(client):
    try:
        return echoes(client)
    except ConnectionError:
        return False


@pytest.fixture
def crowd(prongd):
    """A worker with few descriptors, and more clients than it can have."""
    daemon = prongd(server("echo", "echo"), workers=1, rlimit_nofile=LIMIT)
    address = daemon.address("echo")
    clients = [connect(address) for _ in range(LIMIT + 30)]
    served = [client for client in clients if is_served(client)]
    yield daemon, clients, served
    for client in clients:
        client.close()


def test_who_is_too_many_is_sent_away_and_counted(crowd):
    daemon, clients, served = crowd
    assert LIMIT // 4 < len(served) < LIMIT
    status = daemon.server_status("echo")
    assert status["connections"] == len(served)
    assert status["dropped_descriptors"] == len(clients) - len(served)
    for client in set(clients) - set(served):
        client.settimeout(1)
        with pytest.raises((ConnectionError, AssertionError)):
            assert client.send(b"x") and receive_all(client)
    assert all(is_served(client) for client in served)


def test_it_does_not_spin(crowd):
    daemon, _, served = crowd
    [pid] = daemon.worker_pids()
    before = cpu_seconds(pid)
    time.sleep(1)  # nothing is waited for: this is the time that is looked at
    assert cpu_seconds(pid) - before < 0.5
    assert is_served(served[0])


def test_places_that_become_free_are_given_again(crowd):
    daemon, clients, served = crowd
    for client in clients:
        client.close()
    eventually(lambda: daemon.connections() == 0, "all are gone")
    again = [connect(daemon.address("echo")) for _ in range(len(served))]
    assert all(is_served(client) for client in again)
    for client in again:
        client.close()


def test_the_worker_still_moves_what_it_has(crowd):
    """It keeps some descriptors back, for the channel to the new worker above all; that one needs a
    few more for its own part, so that not quite as many fit there."""
    daemon, _, served = crowd
    for client in served[10:]:
        client.close()
    eventually(lambda: daemon.connections() == 10, "there is room")
    assert daemon.ctl("reload").returncode == 0
    assert all(is_served(client) for client in served[:10])
