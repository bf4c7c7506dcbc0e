# SPDX-License-Identifier: MIT
"""Somebody sets the clock: what takes its time takes as long as before."""

import time

import pytest

import faked_clock
from client import connect, echoes
from daemon import BUILD, PRONGD, eventually, server
from test_canary import Reload, begin
from test_move import workers

DAY = 86400
ECHO = server("echo", "echo")

needs_faketime = pytest.mark.skipif(faked_clock.find_library() is None,
                                    reason="faketime is not installed")
pytestmark = needs_faketime


@pytest.fixture
def clock(tmp_path):
    return faked_clock.FakedClock(tmp_path)


@pytest.fixture
def program(clock, monkeypatch):
    def use(path=PRONGD):
        monkeypatch.setattr("daemon.PRONGD", clock.wrap(path))
    use()
    return use


def jump(daemon, clock, seconds):
    """Until its log shows the other time."""
    clock.set(seconds)
    wanted = time.strftime("%Y-%m-%d", time.gmtime(time.time() + seconds))

    def is_seen():
        mark = daemon.log_mark()
        daemon.ctl("log-level", "debug")  # until a reload says otherwise
        daemon.ctl("version")
        daemon.ctl("status")
        return wanted in daemon.log(mark)

    eventually(is_seen, f"the log is at {wanted}")


def test_a_canary_does_not_serve_a_day_longer(prongd, clock, program):
    daemon, reload, _ = begin(prongd, "3s")
    jump(daemon, clock, -DAY)
    assert reload.result().returncode == 0


def test_a_handler_does_not_put_off_a_move_for_a_day(prongd, clock, program):
    program(BUILD / "tests/chaos/faulty/prongd-faulty")
    daemon = prongd(server("bad", "fickle", waits=100), handoff_timeout="3s")
    with connect(daemon.address("bad")) as client:
        assert echoes(client)
        reload = Reload(daemon)
        jump(daemon, clock, -DAY)
        assert reload.result().returncode == 0
        assert echoes(client)


def test_old_workers_do_not_drain_for_a_day(prongd, clock, program):
    daemon = prongd(ECHO + "on_reload = drain\n", shutdown_timeout="1h")
    old = workers(daemon)
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        assert daemon.ctl("reload", "--no-wait").returncode == 0
        jump(daemon, clock, -DAY)
        daemon.write_config(ECHO + "on_reload = drain\n", shutdown_timeout="1s")
        assert daemon.ctl("reload", "--no-wait").returncode == 0
        assert client.recv(1) == b""
    eventually(lambda: not workers(daemon) & old, "they are gone")
