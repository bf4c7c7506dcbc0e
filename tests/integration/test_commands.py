# SPDX-License-Identifier: MIT
"""The commands that do what signals do, wait, and report; and the signal that ends workers only."""

import re
import signal
import subprocess

import pytest

from client import connect, echoes, receive
from daemon import PRONGCTL, PRONGD, eventually, server

ECHO = server("echo", "echo")


def states(daemon):
    return [worker["state"] for worker in daemon.status()["workers"]]


def test_every_signal_has_a_command(tmp_path):
    text = subprocess.run([PRONGD, "--help"], capture_output=True, text=True).stdout
    commands = subprocess.run([PRONGCTL, "--help"], capture_output=True, text=True).stdout
    rows = re.findall(r"^  ([A-Z0-9]+)  +([a-z-]+)", text.partition("Signals")[2], re.M)
    assert len(rows) == 9
    for _, command in rows:
        assert re.search(rf"^  {command}\b", commands, re.M), command


def test_the_log_is_opened_anew(make_daemon):
    daemon = make_daemon(ECHO)
    log = daemon.directory / "file.log"
    daemon.write_config(ECHO, log_target=log)
    daemon.start()
    log.rename(daemon.directory / "old.log")
    assert daemon.ctl("reopen-logs").returncode == 0
    assert log.exists()
    log.unlink()
    log.mkdir()
    answer = daemon.ctl("reopen-logs")
    assert answer.returncode == 1 and "directory" in answer.stderr


def test_the_log_level_holds_until_the_next_reload(prongd):
    daemon = prongd(ECHO)
    mark = daemon.log_mark()
    assert daemon.ctl("log-level", "debug").returncode == 0
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
    eventually(lambda: "command name=status" in daemon.log(mark), "the master logs more")
    assert daemon.ctl("reload").returncode == 0
    mark = daemon.log_mark()
    assert daemon.status()["ok"]
    assert "command name=status" not in daemon.log(mark)
    assert daemon.ctl("log-level", "loud").returncode == 2


def test_one_worker_more_and_one_less(prongd):
    daemon = prongd(ECHO, workers=1)
    assert daemon.ctl("workers", "less").returncode == 2
    assert daemon.ctl("workers", "more").stdout.startswith("generation 2 serves")
    assert len(daemon.worker_pids()) == 2
    assert daemon.ctl("workers", "less").returncode == 0
    assert len(daemon.worker_pids()) == 1
    assert daemon.ctl("workers", "many").returncode == 2


def test_stop_waits_for_the_end(prongd):
    daemon = prongd(ECHO, shutdown_timeout="1500ms")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        answer = daemon.ctl("stop")
    assert (answer.returncode, answer.stdout) == (0, "prongd has stopped.\n")
    assert "1 workers with 1 connections are left" in answer.stderr
    assert daemon.wait() == 0


def test_quit_ends_at_once(prongd):
    daemon = prongd(ECHO, shutdown_timeout="1h")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        assert daemon.ctl("quit").returncode == 0
        assert daemon.wait() == 0


# --- the end of the workers alone ---


def test_workers_end_and_the_master_keeps_the_addresses(prongd):
    daemon = prongd(ECHO)
    address = daemon.address("echo")
    answer = daemon.ctl("stop-workers")
    assert (answer.returncode, answer.stdout) == (
        0, "The workers have stopped; a reload starts new ones.\n")
    assert states(daemon) == ["empty", "empty"]
    with connect(address) as client:  # it waits in the queue
        client.sendall(b"hello?")
        assert daemon.ctl("reload").returncode == 0
        assert receive(client, 6) == b"hello?"
    assert states(daemon) == ["ready", "ready"]


def test_their_connections_may_finish(prongd):
    daemon = prongd(ECHO, shutdown_timeout="1h")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        daemon.signal(signal.SIGWINCH)
        eventually(lambda: sorted(states(daemon)) == ["draining", "empty"], "one drains")
        assert echoes(client)
    eventually(lambda: states(daemon) == ["empty", "empty"], "they are gone")
    daemon.signal(signal.SIGHUP)
    eventually(lambda: states(daemon) == ["ready", "ready"], "new ones serve")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_without_workers_it_ends_as_ever(prongd, number):
    daemon = prongd(ECHO)
    assert daemon.ctl("stop-workers").returncode == 0
    daemon.signal(number)
    assert daemon.wait() == 0
