# SPDX-License-Identifier: MIT
"""Reloads that meet other reloads, and generations that will not end, or not begin."""

import contextlib
import os
import signal

import pytest

from client import connect, echoes
from daemon import BUILD, eventually, server
from test_move import reload_later, workers

ECHO = server("echo", "echo")
MOST = 8  # generations that live


@pytest.fixture
def hold(tmp_path, monkeypatch):
    """Workers that start while this file exists are not ready."""
    file = tmp_path / "hold"
    monkeypatch.setattr("daemon.PRONGD", BUILD / "tests/chaos/faulty/prongd-faulty")
    monkeypatch.setenv("PRONG_HOLD", str(file))
    return file


def starting(daemon):
    return [w for w in daemon.status()["workers"] if w["state"] == "starting"]


def generation(daemon):
    return daemon.status()["master"]["generation"]


def test_reloads_that_arrive_during_one_become_one(prongd, hold):
    daemon = prongd(ECHO)
    hold.touch()
    running = [reload_later(daemon)]
    eventually(lambda: len(starting(daemon)) == 2, "the next generation starts")
    mark = daemon.log_mark()
    running += [reload_later(daemon) for _ in range(5)]
    eventually(lambda: daemon.log(mark).count("reload asked for by prongctl") == 5, "they arrived")
    hold.unlink()
    for one in running:
        _, errors = one.communicate(timeout=60)
        assert one.returncode == 0, errors
    assert generation(daemon) == 3


def test_a_worker_that_is_never_ready_refuses_the_reload(prongd, hold):
    daemon = prongd(ECHO, ready_timeout="500ms")
    old = daemon.worker_pids()
    hold.touch()
    answer = daemon.ctl("reload")
    assert answer.returncode == 2
    assert "was not ready within" in answer.stderr
    assert daemon.worker_pids()[:2] == old
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
    hold.unlink()
    eventually(lambda: workers(daemon) == set(old), "nothing is left of it")
    assert daemon.ctl("reload").returncode == 0


def test_a_worker_that_dies_before_it_is_ready_refuses_the_reload(prongd, hold):
    daemon = prongd(ECHO)
    old = daemon.worker_pids()
    hold.touch()
    running = reload_later(daemon)
    victim = eventually(lambda: starting(daemon), "the next generation starts")[0]["pid"]
    os.kill(victim, signal.SIGKILL)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 2
    assert "ended before all were ready: signal 9 (Killed)" in errors
    hold.unlink()
    eventually(lambda: workers(daemon) == set(old), "nothing is left of it")


def test_a_service_that_starts_is_not_reloaded(make_daemon, hold):
    hold.touch()
    daemon = make_daemon(ECHO).launch()
    eventually(daemon.try_status, "the control socket answers")
    answer = daemon.ctl("reload")
    assert answer.returncode == 1
    assert "the service is starting" in answer.stderr
    hold.unlink()
    daemon.wait_until_ready()
    assert daemon.ctl("reload").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_service_that_starts_can_be_stopped(make_daemon, hold, number):
    hold.touch()
    daemon = make_daemon(ECHO).launch()
    eventually(daemon.try_status, "the control socket answers")
    daemon.signal(number)
    assert daemon.wait() == 0, daemon.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_service_that_reloads_can_be_stopped(prongd, hold, number):
    daemon = prongd(ECHO)
    hold.touch()
    running = reload_later(daemon)
    eventually(lambda: starting(daemon), "the next generation starts")
    daemon.signal(number)
    assert daemon.wait() == 0, daemon.log()
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 1 and errors


def test_the_oldest_generation_goes_when_there_are_too_many(prongd):
    daemon = prongd(server("echo", "echo", on_reload="drain"), workers=1)
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(MOST):
            clients.append(stack.enter_context(connect(daemon.address("echo"))))
            assert echoes(clients[-1])
            assert daemon.ctl("reload", "--no-wait").returncode == 0
        assert clients[0].recv(1) == b""
        assert "generation closed for a newer one generation=1" in daemon.log()
        assert all(echoes(client) for client in clients[1:])
    eventually(lambda: len(workers(daemon)) == 1, "the others end with their connections")
