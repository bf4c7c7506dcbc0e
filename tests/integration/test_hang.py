# SPDX-License-Identifier: MIT
"""A worker whose loop does not turn is aborted and replaced; one that ends too early may rest."""

import os
import re
import signal
import time

from client import connect, echoes, receive_all
from daemon import BUILD, eventually, server

ECHO = server("echo", "echo")


def worker(daemon, slot=0):
    return next(w for w in daemon.status()["workers"] if w["slot"] == slot)


def test_it_is_aborted_and_replaced(prongd):
    daemon = prongd(ECHO, worker_timeout="2s")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
    before = worker(daemon)["pid"]
    os.kill(before, signal.SIGSTOP)
    daemon.wait_for_log("worker hangs and is aborted")
    line = next(row for row in daemon.log().splitlines() if "hangs" in row)
    assert re.search(rf"slot=0 generation=1 pid={before} silent_ms=\d+ process_state=T turns=\d+ "
                     r"callback=none last_connection=\d+", line)
    os.kill(before, signal.SIGCONT)
    eventually(lambda: worker(daemon)["pid"] not in (0, before), "another one is there")
    eventually(daemon.is_ready, "it serves")
    assert "signal 6 (Aborted)" in daemon.log()


def test_the_callback_and_the_connection_that_it_hangs_in_are_told(prongd, monkeypatch):
    monkeypatch.setattr("daemon.PRONGD", BUILD / "tests/chaos/faulty/prongd-faulty")
    daemon = prongd(server("bad", "fickle", hangs="yes"), worker_timeout="2s")
    with connect(daemon.address("bad")) as idle, connect(daemon.address("bad")) as client:
        assert echoes(idle) and echoes(client)
        client.sendall(b"hang")
        daemon.wait_for_log("worker hangs and is aborted")
        line = next(row for row in daemon.log().splitlines() if "hangs" in row)
        told = re.search(r"process_state=S .* callback=on_data last_connection=(\d+)", line)
        assert told
        slot, generation = int(told[1]) & 1023, int(told[1]) >> 10 & 0xffff
        assert f"slot={slot} generation={generation} " in line
        assert receive_all(client) == b""
    eventually(daemon.is_ready, "another worker serves")


def test_one_that_does_not_die_of_it_is_killed(prongd):
    daemon = prongd(ECHO, worker_timeout="2s")
    before = worker(daemon)["pid"]
    os.kill(before, signal.SIGSTOP)  # for ever
    daemon.wait_for_log("signal 9 (Killed)")
    eventually(daemon.is_ready, "another one serves")


def test_idle_workers_do_not_hang(prongd):
    daemon = prongd(ECHO + "accept = shared\n", worker_timeout="2s")
    pids = daemon.worker_pids()
    time.sleep(4)
    assert daemon.worker_pids() == pids
    assert "hangs" not in daemon.log()


def test_a_pause_of_all_is_no_hang(prongd):
    daemon = prongd(ECHO, worker_timeout="2s")
    pids = [daemon.process.pid, *daemon.worker_pids()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(4)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
    assert [daemon.process.pid, *daemon.worker_pids()] == pids


def test_a_place_whose_workers_end_too_early_rests_but_never_the_last(prongd):
    daemon = prongd(ECHO, workers=2, max_respawns=2)

    def kill(slot):
        pid = worker(daemon, slot)["pid"]
        if pid:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: worker(daemon, slot)["pid"] != pid, "it is gone")

    def rests(slot):
        return worker(daemon, slot)["state"] == "resting"

    for _ in range(3):
        eventually(lambda: worker(daemon, 0)["state"] == "ready", "it is there")
        kill(0)
    eventually(lambda: rests(0) and worker(daemon, 0)["rests_s"] > 30, "it rests for long")
    assert worker(daemon, 0)["early_deaths"] == 3
    assert re.search(r"^Worker 0 ended too early 3 times in a row: the next one starts in \d+ s\.$",
                     daemon.ctl("status").stdout, re.M)
    for _ in range(3):
        eventually(lambda: worker(daemon, 1)["state"] == "ready", "it is there")
        kill(1)
        assert worker(daemon, 1).get("rests_s", 0) <= 1
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
    assert daemon.ctl("reload").returncode == 0
    eventually(daemon.is_ready, "a reload fills every place")
