# SPDX-License-Identifier: MIT
"""prongctl drain and undrain: a server takes nobody new, whatever becomes of its workers."""

import json
import urllib.error
import urllib.request

import pytest

from client import connect, echoes, receive_all
from daemon import eventually, server
from ports import reserve

TWO = server("echo", "echo") + server("other", "echo")


def is_turned_away(address):
    """Connected and closed, or reset, without a byte."""
    with connect(address) as client:
        try:
            client.sendall(b"anybody?")
            return receive_all(client) == b""
        except ConnectionError:
            return True


def state(daemon, name="echo"):
    return daemon.server_status(name)["state"]


def drained(daemon, *words):
    answer = daemon.ctl("drain", "echo", *words)
    assert answer.returncode == 0, answer.stderr
    return answer


def test_who_is_connected_goes_on_and_nobody_new_comes(prongd):
    daemon = prongd(TWO)
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        drained(daemon)
        assert state(daemon) == "draining" and state(daemon, "other") == "serving"
        assert all(is_turned_away(daemon.address("echo")) for _ in range(4))
        assert echoes(client)
        with connect(daemon.address("other")) as other:
            assert echoes(other)
    eventually(lambda: state(daemon) == "drained", "the last one has gone")
    assert daemon.server_status("echo")["dropped_drained"] >= 4
    assert daemon.ctl("undrain", "echo").returncode == 0
    assert state(daemon) == "serving"
    with connect(daemon.address("echo")) as client:
        assert echoes(client)


def test_an_announcement_fails_readyz_first(prongd):
    with reserve() as holder:
        port = holder.getsockname()[1]
        daemon = prongd(TWO, metrics_listen=f"127.0.0.1:{port}")

    def readyz():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as answer:
                return answer.status, ""
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    eventually(lambda: readyz()[0] == 200, "it is ready")
    drained(daemon, "--announce")
    eventually(lambda: readyz()[0] == 503, "it says so")
    assert "the server echo is drained" in readyz()[1]
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
    drained(daemon)
    assert is_turned_away(daemon.address("echo"))
    assert daemon.ctl("undrain", "echo").returncode == 0
    eventually(lambda: readyz()[0] == 200, "it is ready again")


@pytest.mark.parametrize("words", [["reload"], ["workers", "1"], ["recycle", "0"], ["upgrade"]])
def test_it_outlives_what_becomes_of_workers(prongd, words):
    daemon = prongd(TWO)
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        drained(daemon)
        before = set(daemon.worker_pids())
        assert daemon.ctl(*words).returncode == 0
        eventually(lambda: {w["pid"] for w in daemon.status()["workers"] if w["state"] == "ready"}
                   - before, "there are new workers")
        assert all(is_turned_away(daemon.address("echo")) for _ in range(6))
        assert echoes(client)
    daemon.workers = len(daemon.worker_pids())


def test_it_ends_with_its_server(prongd):
    daemon = prongd(TWO)
    drained(daemon)
    daemon.write_config(server("other", "echo"))
    assert daemon.ctl("reload").returncode == 0
    daemon.write_config(TWO)
    assert daemon.ctl("reload").returncode == 0
    assert state(daemon) == "serving"


def test_it_waits_until_nobody_is_left(prongd):
    daemon = prongd(TWO)
    client = connect(daemon.address("echo"))
    assert echoes(client)
    answer = daemon.ctl("drain", "echo", "--timeout=200ms")
    assert answer.returncode == 1 and "echo still has 1 connections" in answer.stderr
    waiting = daemon.begin_ctl("drain", "echo", "--wait")
    assert waiting.stderr.readline() == "1 connections are left\n"
    client.close()
    assert waiting.communicate(timeout=30)[0] == "echo has no connection any more.\n"
    assert json.loads(daemon.ctl("drain", "echo", "--wait", "--json").stdout)["connections"] == 0


@pytest.mark.parametrize("words, status, problem", [
    (["drain", "nobody"], 2, "no server of that name"),
    (["drain"], 2, "usage: prongctl drain SERVER"),
    (["drain", "echo", "10.0.0.1:80"], 1, "no items that can be drained"),
    (["drain", "echo", "x", "--wait"], 2, "only for a server"),
    (["drain", "echo", "--timeout=soon"], 2, "--timeout takes a time"),
    (["undrain", "echo"], 1, "not drained"),
])
def test_what_cannot_be_drained_is_explained(prongd, words, status, problem):
    daemon = prongd(TWO)
    answer = daemon.ctl(*words)
    assert answer.returncode == status and problem in answer.stderr
    assert state(daemon) == "serving" and daemon.server_status("echo")["drained_items"] == []
