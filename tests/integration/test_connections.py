# SPDX-License-Identifier: MIT
"""prongctl connections: who is connected, picked, sorted, and while everything moves."""

import json
import os
import signal
import socket

import pytest

from client import connect, echoes
from daemon import eventually, server

ECHO = server("echo", "echo") + server("quiet", "discard", listen="127.0.0.1:0, unix:{directory}/quiet")


@pytest.fixture
def daemon(make_daemon):
    daemon = make_daemon("")
    daemon.write_config(ECHO.format(directory=daemon.directory))
    return daemon.start()


def connections(daemon, *words):
    answer = daemon.ctl("connections", "--json", *words)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["missing_workers"] == 0
    return json.loads(answer.stdout)["connections"]


def ports(rows):
    return sorted(int(row["peer"].rpartition(":")[2]) for row in rows)


def test_each_connection_is_told_with_its_bytes(daemon):
    with connect(daemon.address("echo")) as client:
        assert echoes(client, b"seven b")
        row, = connections(daemon)
        assert row["server"] == "echo" and row["state"] == "open" and row["moves"] == 0
        assert row["peer"] == "127.0.0.1:%d" % client.getsockname()[1]
        assert row["bytes_read"] == row["bytes_written"] == 7 and row["queued_bytes"] == 0
        assert 0 <= row["idle_s"] <= row["age_s"] + 1
        assert row["slot"] in (0, 1) and row["worker"] == f"1.{row['slot']}"
        lines = daemon.ctl("connections").stdout.splitlines()
        assert lines[0].split()[:4] == ["ID", "SERVER", "PEER", "WORKER"]
        assert lines[1].split()[:3] == [str(row["id"]), "echo", row["peer"]]
        assert lines[-1] == "1 connections."
    eventually(lambda: connections(daemon) == [], "it is gone from the list")


def test_a_unix_socket_has_no_address(daemon):
    with connect(daemon.addresses("quiet")[1]):
        eventually(lambda: connections(daemon), "it is accepted")
        row, = connections(daemon)
        assert row["peer"] == "unix" and row["idle_s"] is None


def test_filters_choose(daemon):
    talker, quiet = connect(daemon.address("echo")), connect(daemon.address("quiet"))
    with talker, quiet:
        assert echoes(talker, b"x" * 1000)
        eventually(lambda: len(connections(daemon)) == 2, "both are accepted")
        assert ports(connections(daemon, "--server=quiet")) == [quiet.getsockname()[1]]
        assert ports(connections(daemon, "--min-bytes=1K")) == [talker.getsockname()[1]]
        assert len(connections(daemon, "--peer", "127.0.0.0/8")) == 2
        assert connections(daemon, "--peer", "10.0.0.0/8") == []
        assert connections(daemon, "--min-age=1h") == [] and connections(daemon, "--min-idle=1h") == []
        assert len(connections(daemon, "--max-age=1h", "--state=open")) == 2
        assert connections(daemon, "--state=blocked") == []
        both = connections(daemon, "--worker=0") + connections(daemon, "--worker=1.1")
        assert ports(both) == ports(connections(daemon))
        assert connections(daemon, "--worker=2.0") == []
        top = connections(daemon, "--top")
        assert [row["server"] for row in top] == ["echo", "quiet"]
        first, = connections(daemon, "--sort=bytes", "--limit=1")
        assert first["id"] == top[0]["id"]


def test_how_a_connection_does_is_its_state(daemon):
    with connect(daemon.address("echo")) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)

        def push():
            try:
                client.send(b"x" * 65536)
            except BlockingIOError:
                pass
            rows = connections(daemon, "--state=blocked", "--min-queued=1")
            return rows and rows[0]["queued_bytes"] > 0

        eventually(push, "what comes back is not taken")


@pytest.mark.parametrize("option, word", [
    ("--peer=localhost", "a network as"), ("--state=odd", "half-open"), ("--sort=size", "queued"),
    ("--worker=x", "slot"), ("--worker=1.", "slot"), ("--min-age=old", "a time"),
    ("--min-bytes=1X", "a number of bytes"), ("--limit=-1", "a number"),
])
def test_a_wrong_filter_says_what_is_right(daemon, option, word):
    answer = daemon.ctl("connections", option)
    assert answer.returncode == 2 and word in answer.stderr and answer.stdout == ""


def test_connections_of_old_workers_are_listed(make_daemon):
    daemon = make_daemon(server("echo", "echo", on_reload="drain"), shutdown_timeout="1h").start()
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        assert daemon.ctl("reload", "--no-wait").returncode == 0
        row, = connections(daemon)
        assert row["generation"] == 1 and row["state"] == "draining"


def test_a_connection_keeps_its_number_when_it_moves(daemon):
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        before, = connections(daemon)
        assert daemon.ctl("reload").returncode == 0
        after, = connections(daemon)
        assert after["id"] == before["id"] and after["moves"] == 1 and after["generation"] == 2
        assert after["bytes_read"] == before["bytes_read"]


def test_a_worker_that_stands_still_is_named_as_missing(daemon):
    """Others are listed after a while; nobody waits for it."""
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        stopped = daemon.worker_pids()[0]
        os.kill(stopped, signal.SIGSTOP)
        try:
            answer = daemon.ctl("connections", "--json")
            assert daemon.status()["ok"]
        finally:
            os.kill(stopped, signal.SIGCONT)
        assert json.loads(answer.stdout)["missing_workers"] == 1
        assert "1 workers told nothing" in answer.stderr
        assert len(connections(daemon)) == 1


def test_a_worker_that_dies_is_not_waited_for(daemon):
    stopped = daemon.worker_pids()[0]
    os.kill(stopped, signal.SIGSTOP)
    asking = daemon.begin_ctl("connections", "--json")
    eventually(lambda: "name=connections" in daemon.log() or asking.poll() is None, "it asks")
    os.kill(stopped, signal.SIGKILL)
    output, _ = asking.communicate(timeout=30)
    assert json.loads(output)["missing_workers"] == 0


def test_many_are_listed_completely_while_they_move(daemon):
    address = daemon.address("echo")
    clients = [connect(address) for _ in range(300)]
    try:
        eventually(lambda: daemon.connections() == 300, "all are accepted")
        moving = daemon.begin_ctl("reload")
        lists = [connections(daemon) for _ in range(5)]
        assert moving.wait(30) == 0
        for rows in lists:  # one on its way may be met by nobody, but nobody is met twice
            assert len({row["id"] for row in rows}) == len(rows) <= 300
        assert ports(connections(daemon)) == sorted(c.getsockname()[1] for c in clients)
    finally:
        for client in clients:
            client.close()


# --- close ---


def test_a_connection_is_closed_by_its_number(daemon):
    with connect(daemon.address("echo")) as client, connect(daemon.address("echo")) as other:
        assert echoes(client) and echoes(other)
        port = client.getsockname()[1]
        row, = (row for row in connections(daemon) if row["peer"].endswith(f":{port}"))
        mark = daemon.log_mark()
        answer = daemon.ctl("close", str(row["id"]))
        assert (answer.returncode, answer.stdout) == (0, "1 connections closed.\n"), answer.stderr
        assert client.recv(1) == b"" and echoes(other)
        daemon.wait_for_log(f"client closed by the operator server=echo connection={row['id']}", mark)


def test_who_is_closed_while_bytes_wait_for_it_is_told_so(prongd):
    """An end would look like that of the bytes."""
    daemon = prongd(server("chars", "chargen"))
    with connect(daemon.address("chars")) as client:
        row, = eventually(lambda: connections(daemon, "--state=blocked"), "bytes wait for the client")
        assert daemon.ctl("close", str(row["id"])).returncode == 0
        with pytest.raises(ConnectionResetError):
            while client.recv(65536):
                pass


def test_numbers_that_nobody_has_are_named(daemon):
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        row, = connections(daemon)
        answer = daemon.ctl("close", str(row["id"]), "7", "99", "--json")
        assert answer.returncode == 1
        assert json.loads(answer.stdout) == {"ok": False, "closed": 1, "not_found": [7, 99]}
    answer = daemon.ctl("close", "7")
    assert answer.returncode == 1 and "not found: 7\n" in answer.stderr


def test_connections_are_closed_by_what_is_said_of_them(daemon):
    clients = [connect(address) for address in 5 * [daemon.address("echo")]]
    with connect(daemon.address("quiet")) as quiet:
        assert all(echoes(client) for client in clients)
        assert daemon.ctl("close", "--server=echo", "--peer=10.0.0.0/8").stdout.startswith("0 ")
        assert daemon.ctl("close", "--server=echo").stdout == "5 connections closed.\n"
        assert all(client.recv(1) == b"" for client in clients)
        eventually(lambda: [row["server"] for row in connections(daemon)] == ["quiet"], "one is left")
        quiet.close()


@pytest.mark.parametrize("words", [[], ["x"], ["1", "--server=echo"], ["--peer=x"], ["-1"]])
def test_close_wants_numbers_or_a_choice(daemon, words):
    assert daemon.ctl("close", *words).returncode == 2
