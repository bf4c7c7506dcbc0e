# SPDX-License-Identifier: MIT
"""What each signal does, to the master and to a worker."""

import os
import signal

import pytest

from client import connect, echoes, is_refused
from daemon import eventually, processes_of_session, server

ECHO = server("echo", "echo")


def state(daemon, pid):
    """Of a worker; None when there is none with that process id."""
    return next((w["state"] for w in daemon.status()["workers"] if w["pid"] == pid), None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_connections_may_finish_before_the_end(prongd, number):
    daemon = prongd(ECHO, shutdown_timeout="30s")
    address = daemon.address("echo")
    with connect(address) as client:
        assert echoes(client)
        daemon.signal(number)
        eventually(lambda: is_refused(address), "nobody accepts any more")
        assert echoes(client)
        assert daemon.process.poll() is None
    assert daemon.wait() == 0


def test_idle_connections_hold_the_end_up_no_longer_than_allowed(prongd):
    daemon = prongd(ECHO, shutdown_timeout="300ms")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert client.recv(1) == b""


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(prongd, second):
    daemon = prongd(ECHO, shutdown_timeout="1h")
    address = daemon.address("echo")
    with connect(address) as client:
        assert echoes(client)
        daemon.signal(signal.SIGTERM)
        eventually(lambda: is_refused(address), "nobody accepts any more")
        daemon.signal(second)
        daemon.wait()
    assert not processes_of_session(daemon.process.pid)


def test_quit_ends_at_once(prongd):
    daemon = prongd(ECHO, shutdown_timeout="1h")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        daemon.signal(signal.SIGQUIT)
        assert daemon.wait() == 0
        assert client.recv(1) == b""


def test_usr1_opens_the_log_anew(make_daemon):
    daemon = make_daemon(ECHO)
    log, old = daemon.directory / "own-log", daemon.directory / "old-log"
    daemon.write_config(ECHO, log_target=log)
    daemon.start()
    log.rename(old)
    daemon.signal(signal.SIGUSR1)
    eventually(lambda: log.exists() and "log opened anew" in log.read_text(), "the new one is used")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
    eventually(lambda: "client gone" in log.read_text(), "workers use it, too")


def test_without_connections_the_end_comes_at_once(prongd):
    daemon = prongd(ECHO, shutdown_timeout="1h")
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0


def test_a_worker_that_gets_term_finishes_its_connections(prongd):
    daemon = prongd(ECHO, workers=2)
    address = daemon.address("echo")
    with connect(address) as client:
        assert echoes(client)
        old = next(w["pid"] for w in daemon.status()["workers"] if w["connections"] == 1)
        os.kill(old, signal.SIGTERM)
        eventually(lambda: state(daemon, old) == "draining", "it drains")
        for _ in range(20):
            with connect(address) as other:
                assert echoes(other)
        assert echoes(client)
        assert state(daemon, old) == "draining"
    eventually(lambda: state(daemon, old) is None, "it is gone")
    eventually(daemon.is_ready, "the slot is filled again")


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGWINCH]
)
def test_what_a_terminal_sends_to_the_whole_group_leaves_workers_alone(prongd, number):
    daemon = prongd(ECHO)
    pids = daemon.worker_pids()
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        for pid in pids:
            os.kill(pid, number)
        assert echoes(client)
    for _ in range(20):
        with connect(daemon.address("echo")) as client:
            assert echoes(client)
    assert daemon.worker_pids() == pids


def test_signals_in_a_row_while_starting_do_no_harm(make_daemon):
    daemon = make_daemon(ECHO).launch()
    eventually(lambda: daemon.try_status(), "the control socket answers")
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
