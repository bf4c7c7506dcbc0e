# SPDX-License-Identifier: MIT
"""After whatever happens, each process has exactly the descriptors that it should."""

import os
import signal

import pytest

from client import connect, echoes
from daemon import eventually, server
from descriptors import audit

SERVERS = server("echo", "echo") + server("hello", "hello", listen="127.0.0.1:0, [::1]:0")


@pytest.fixture
def daemon(prongd):
    """With a connection that lives through everything."""
    daemon = prongd(SERVERS, workers=3)
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        audit(daemon)
        yield daemon
        daemon.descriptors.clear()  # audit() is stricter
        audit(daemon)
        assert echoes(client)


def test_after_the_start(daemon):
    pass


def test_after_connections_have_come_and_gone(daemon):
    clients = [connect(daemon.address("echo")) for _ in range(50)]
    assert all(echoes(client) for client in clients)
    audit(daemon)
    for client in clients:
        client.close()


def test_after_reloads(daemon):
    for _ in range(3):
        assert daemon.ctl("reload").returncode == 0


def test_after_reloads_that_were_refused(daemon):
    daemon.write_config(SERVERS + "backlog = many\n")
    assert daemon.ctl("reload").returncode == 2
    daemon.write_config(SERVERS + server("late", "echo", listen="127.0.0.1:1, unix:/no/where"))
    assert daemon.ctl("reload").returncode == 1


def test_after_diffs(daemon):
    daemon.write_config(SERVERS + server("late", "echo", listen="127.0.0.1:1"))
    for _ in range(3):
        assert daemon.ctl("diff").returncode == 0
    daemon.write_config(SERVERS)


def test_after_addresses_came_and_went(daemon):
    daemon.write_config(SERVERS + server("late", "echo", listen="127.0.0.1:0, unix:@prong-audit"))
    assert daemon.ctl("reload").returncode == 0
    audit(daemon)
    daemon.write_config(SERVERS)
    assert daemon.ctl("reload").returncode == 0


def test_after_another_number_of_workers(daemon):
    assert daemon.ctl("workers", "5").returncode == 0
    audit(daemon)
    assert daemon.ctl("workers", "2").returncode == 0
    daemon.workers = 2


def test_after_a_worker_died(daemon):
    victim = next(w["pid"] for w in daemon.status()["workers"] if w["connections"] == 0)
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in daemon.worker_pids(), "it is gone")
    eventually(daemon.is_ready, "another one serves")


def test_after_a_worker_was_recycled(daemon):
    before = daemon.worker_pids()
    assert daemon.ctl("recycle", "0").returncode == 0
    eventually(lambda: daemon.worker_pids()[0] not in (0, before[0]), "it is another one")
    eventually(daemon.is_ready, "it serves")


def test_after_an_upgrade(daemon):
    assert daemon.ctl("upgrade").returncode == 0
    audit(daemon)
    assert daemon.ctl("reload").returncode == 0


def test_after_the_workers_slept(prongd):
    daemon = prongd(SERVERS)
    assert daemon.ctl("stop-workers").returncode == 0
    assert daemon.ctl("reload").returncode == 0
    audit(daemon)
