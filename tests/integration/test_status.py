# SPDX-License-Identifier: MIT
"""What `prongctl status` says."""

import os
import re
import signal
import subprocess

from client import connect, echoes, receive, talk
from daemon import PRONGCTL, eventually, server

MASTER = {"pid": int, "version": str, "generation": int, "started": str, "uptime_s": int}
WORKER = {"slot": int, "pid": int, "generation": int, "state": str, "connections": int,
          "accepted": int, "closed": int, "bytes_read": int, "bytes_written": int, "gate": str,
          "gate_closed": int, "gate_forced": int, "gate_nudges": int,
          "queues_relieved": int, "was_full": int}
SERVER = {"name": str, "handler": str, "addresses": list, "connections": int, "accepted": int,
          "closed": int, "dropped": int, "failed": int, "bytes_read": int, "bytes_written": int,
          "max_to_mean": float, "jain": float}


def has_shape(entry, shape):
    return all(isinstance(entry[name], kind) for name, kind in shape.items())


def test_it_has_the_documented_members(prongd):
    daemon = prongd(server("one", "echo") + server("two", "hello"), workers=3)
    status = daemon.status()
    assert status["ok"] is True
    assert has_shape(status["master"], MASTER)
    assert status["master"]["pid"] == daemon.process.pid
    assert status["master"]["generation"] == 1
    assert [worker["slot"] for worker in status["workers"]] == [0, 1, 2]
    assert all(has_shape(worker, WORKER) for worker in status["workers"])
    assert all(worker["state"] == "ready" for worker in status["workers"])
    assert [(s["name"], s["handler"]) for s in status["servers"]] == [
        ("one", "echo"), ("two", "hello")]
    assert all(has_shape(entry, SERVER) for entry in status["servers"])


def test_it_counts_connections_and_bytes(prongd):
    daemon = prongd(server("echo", "echo") + server("hello", "hello"))
    for _ in range(10):
        assert talk(daemon.address("echo"), b"12345") == b"12345"
    eventually(lambda: daemon.server_status("echo")["connections"] == 0, "all are closed")
    with connect(daemon.address("hello")) as client:
        assert receive(client, 13) == b"hello client!"
        eventually(lambda: daemon.server_status("hello")["connections"] == 1, "one is open")

        status = daemon.status()
        assert sum(w["accepted"] for w in status["workers"]) == 11
        assert sum(w["closed"] for w in status["workers"]) == 10
        assert sum(w["connections"] for w in status["workers"]) == 1
        assert sum(w["bytes_read"] for w in status["workers"]) == 50
        assert sum(w["bytes_written"] for w in status["workers"]) == 63
        assert daemon.server_status("echo")["accepted"] == 10
        assert daemon.server_status("hello")["accepted"] == 1


def test_sums_outlive_the_worker_that_made_them(prongd):
    daemon = prongd(server("echo", "echo"), workers=1)
    assert talk(daemon.address("echo"), b"12345") == b"12345"
    eventually(lambda: daemon.status()["workers"][0]["closed"] == 1, "it is counted")
    os.kill(daemon.worker_pids()[0], 9)
    eventually(daemon.is_ready, "the slot is filled again")
    assert daemon.server_status("echo")["accepted"] == 1
    assert daemon.connections() == 0


def test_sums_outlive_their_generation(prongd):
    daemon = prongd(server("echo", "echo") + server("other", "echo"))
    for _ in range(3):
        assert talk(daemon.address("echo"), b"12345") == b"12345"
        assert daemon.ctl("reload").returncode == 0
    status = daemon.server_status("echo")
    assert {worker["generation"] for worker in daemon.status()["workers"]} == {4}
    assert (status["accepted"], status["closed"], status["bytes_read"]) == (3, 3, 15)
    assert daemon.server_status("other")["accepted"] == 0


def test_the_spread_is_that_of_each_server(prongd):
    daemon = prongd(server("echo", "echo") + server("idle", "echo"), workers=2)
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        eventually(lambda: daemon.server_status("echo")["max_to_mean"] == 2, "one worker has it")
        assert daemon.server_status("echo")["jain"] == 0.5
    idle = daemon.server_status("idle")
    assert (idle["max_to_mean"], idle["jain"]) == (0, 1)


def test_a_person_gets_a_table(prongd):
    daemon = prongd(server("echo", "echo"))
    answer = daemon.ctl("status")
    assert answer.returncode == 0
    host, port = daemon.address("echo")
    for word in ("ready", "echo", f"{host}:{port}", str(daemon.process.pid)):
        assert word in answer.stdout


def test_prongctl_reads_the_socket_from_the_configuration(prongd):
    daemon = prongd(server("echo", "echo"))
    answer = subprocess.run([PRONGCTL, "-c", daemon.config, "status", "--json"],
                            capture_output=True, text=True, timeout=30)
    assert answer.returncode == 0, answer.stderr


def test_the_start_is_a_moment_ago(prongd):
    master = prongd(server("echo", "echo")).status()["master"]
    assert 0 <= master["uptime_s"] < 60
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", master["started"])


def test_a_worker_under_load_does_not_delay_the_answer(prongd):
    daemon = prongd(server("echo", "echo"))
    with connect(daemon.address("echo")) as client:
        for _ in range(20):
            assert echoes(client)
            assert daemon.status()["ok"]


def test_the_timeline_tells_what_happened_and_outlives_an_upgrade(prongd):
    daemon = prongd(server("echo", "echo"), workers=2)
    assert daemon.ctl("reload").returncode == 0
    good = daemon.config.read_text()
    daemon.config.write_text(good + "nonsense = 1\n")
    assert daemon.ctl("reload").returncode == 2
    daemon.config.write_text(good)
    os.kill(daemon.worker_pids()[0], signal.SIGKILL)
    eventually(lambda: daemon.status()["counters"]["worker_deaths"] == 1, "the death is noticed")
    assert daemon.ctl("upgrade").returncode == 0

    timeline = daemon.status()["timeline"]
    assert [(entry["event"], entry["generation"]) for entry in timeline] == [
        ("start", 1), ("reload", 2), ("refusal", 2), ("death", 2), ("upgrade", 2), ("reload", 3)]
    assert "nonsense" in timeline[2]["detail"]
    assert "signal 9" in timeline[3]["detail"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry["time"])
               for entry in timeline)
