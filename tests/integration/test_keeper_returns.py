# SPDX-License-Identifier: MIT
"""Keepers that did not answer for long, and then go on; several of them; over an upgrade."""

import os
import signal

from client import connect, echoes, receive
from daemon import BUILD, eventually
from programs import hanging, keepers, run, start

TIMEOUT = {"worker_timeout": "2s"}


def test_one_that_does_not_come_back_from_a_start_serves_when_it_does(prongd, monkeypatch, tmp_path):
    stall = tmp_path / "stall"
    monkeypatch.setattr("daemon.PRONGD", BUILD / "tests/chaos/faulty/prongd-faulty")
    monkeypatch.setenv("PRONG_STALL", str(stall))
    daemon = prongd(run(), **TIMEOUT)
    client = start(daemon)
    stall.touch()
    with connect(daemon.address("run")) as waiting:
        waiting.sendall(b"?")
        daemon.wait_for_log("another keeper takes clients")
        assert echoes(client, b"still here\n")
        stall.unlink()
        assert receive(waiting, 1) == b"?"
        eventually(lambda: hanging(daemon) == [], "it answers again")
        assert echoes(waiting, b"by the old one\n")
    client.close()
    eventually(lambda: len(keepers(daemon)["run"]) == 1, "it has ended")


def test_keepers_that_all_hang_do_not_become_more_and_more(prongd):
    daemon = prongd(run(), **TIMEOUT)
    clients, stopped = [], []
    for number in range(1, 5):
        clients.append(start(daemon))
        [pid] = set(keepers(daemon)["run"]) - set(stopped)
        stopped.append(pid)
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: len(hanging(daemon)) == number, "it hangs, too")
    assert sorted(keepers(daemon)["run"]) == sorted(stopped)
    assert daemon.log().count("another keeper takes clients") == 3
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    clients.append(start(daemon))
    for client in clients:
        assert echoes(client, b"still here\n")
        client.close()
    eventually(lambda: len(keepers(daemon)["run"]) == 1, "those that were replaced have ended")


def test_one_that_hangs_is_watched_by_the_next_program_too(prongd):
    daemon = prongd(run(), **TIMEOUT)
    client = start(daemon)
    [before] = keepers(daemon)["run"]
    os.kill(before, signal.SIGSTOP)
    daemon.wait_for_log("another keeper takes clients")
    mark = daemon.log_mark()
    assert daemon.ctl("upgrade").returncode == 0
    daemon.wait_for_log(f"pid={before} silent_ms=", mark)
    assert [row["pid"] for row in hanging(daemon)] == [before]
    daemon.descriptors.clear()
    os.kill(before, signal.SIGCONT)
    client.close()
    eventually(lambda: before not in keepers(daemon)["run"], "it ends")
