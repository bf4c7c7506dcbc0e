# SPDX-License-Identifier: MIT
"""Clients that do not read: write_timeout and max_write_queue."""

import contextlib
import json
import socket

import pytest

from client import connect, receive_all
from daemon import PATIENCE, eventually, server
from modules import compile_module

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def flood(tmp_path_factory):
    """A handler that writes 64 megabytes to everybody, whatever write() says."""
    directory = tmp_path_factory.mktemp("modules")
    directory.parent.chmod(0o755)
    directory.chmod(0o755)
    return compile_module("flood.c", directory / "flood.so", FIRST=64)


def connect_without_reading(address):
    """A small window, so that nearly everything waits in the worker."""
    client = socket.socket()
    client.settimeout(PATIENCE)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(address)
    return client


def cuts(daemon, reason):
    return next(cut["count"] for cut in daemon.status()["cuts"] if cut["reason"] == reason)


def ended(path):
    line = json.loads(path.read_text().splitlines()[0])
    return line["ended_by"], line["reason"], line["fields"]


def is_reset(client):
    """The client has read nothing, and its connection is gone."""
    try:
        receive_all(client)
    except ConnectionResetError:
        return True
    return False


@pytest.mark.parametrize(
    ("option", "value", "by"), [("write_timeout", "1s", "timeout"),
                                ("max_write_queue", "1m", "limit")])
def test_a_client_that_takes_nothing_is_cut_off(make_daemon, flood, option, value, by):
    daemon = make_daemon("", workers=1)
    path = daemon.directory / "access"
    daemon.write_config(server("flood", flood, access_log=path, access_format="json",
                               **{option: value}))
    daemon.start()
    try:
        client = connect_without_reading(daemon.address("flood"))
    except ConnectionResetError:
        client = None  # so early that connect(2) told it
    eventually(lambda: cuts(daemon, option) == 1, "it is cut off, and counted")
    if client is not None:
        assert is_reset(client)
        client.close()
    eventually(lambda: path.exists() and path.read_text(), "its line")
    assert ended(path) == (by, option, {"megabytes": 64, "note": "of a module"})
    assert f'prong_server_cuts_total{{server="flood",reason="{option}"}} 1' in daemon.ctl(
        "metrics").stdout


def test_a_client_that_reads_slowly_is_left_alone(make_daemon, flood):
    daemon = make_daemon(server("flood", flood, write_timeout="3s"), workers=1).start()
    with connect(daemon.address("flood")) as client:
        size = 0
        while size < 64 * MEGABYTE:
            part = client.recv(MEGABYTE)
            assert part
            size += len(part)
    assert cuts(daemon, "write_timeout") == 0


def test_a_reload_does_not_start_the_time_anew(make_daemon, flood):
    """Moved each half second, a client of two seconds would otherwise stay for ever."""
    daemon = make_daemon(server("flood", flood, write_timeout="2s"), workers=1).start()
    with connect_without_reading(daemon.address("flood")):
        eventually(lambda: daemon.connections() == 1, "it is there")
        for _ in range(100):
            assert daemon.ctl("reload").returncode == 0
            if cuts(daemon, "write_timeout") == 1:
                break
        assert cuts(daemon, "write_timeout") == 1


# --- All clients of a worker together ---


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """A handler that answers each read with a megabyte, whatever write() says."""
    directory = tmp_path_factory.mktemp("modules")
    directory.parent.chmod(0o755)
    directory.chmod(0o755)
    return compile_module("flood.c", directory / "answers.so")


def test_a_handler_that_writes_on_is_named_and_read_no_more(make_daemon, answers):
    daemon = make_daemon(server("answers", answers), workers=1)
    daemon.write_config(server("answers", answers), max_memory="32m")
    daemon.start()
    with connect_without_reading(daemon.address("answers")) as client:
        client.setblocking(False)
        asked = 0

        def ask():
            nonlocal asked
            try:
                asked += client.send(b"x")
            except BlockingIOError:
                pass
            return "handler writes on although" in daemon.log()

        eventually(ask, "its handler is named")
        assert "server=answers handler=flood connections=1 " in daemon.log()
        assert cuts(daemon, "max_memory") == 0
        # What it had asked for arrives, and then it is read again.
        client.settimeout(PATIENCE)
        client.sendall(b"last")
        client.shutdown(socket.SHUT_WR)
        received = len(receive_all(client))
        assert received % MEGABYTE == 0
        assert received > 20 * MEGABYTE
    assert daemon.log().count("handler writes on although") == 1


def test_the_heaviest_are_closed_where_nothing_else_helps(make_daemon, flood, answers):
    daemon = make_daemon("", workers=1)
    daemon.write_config(server("flood", flood) + server("answers", answers), max_memory="100m")
    daemon.start()
    with connect_without_reading(daemon.address("answers")) as light:
        light.sendall(b"x")
        clients = []
        for _ in range(4):
            with contextlib.suppress(ConnectionResetError):
                clients.append(connect_without_reading(daemon.address("flood")))
        eventually(lambda: sum(cut["count"] for cut in daemon.status()["cuts"]
                               if cut["reason"] == "max_memory") >= 3, "three of 64 MiB each")
        assert "client closed: too much waits for it reason=max_memory handler=flood" in daemon.log()
        assert len(light.recv(MEGABYTE)) > 0
        for client in clients:
            client.close()


def test_what_is_held_moves_and_is_read_again(make_daemon, answers):
    daemon = make_daemon("", workers=1)
    daemon.write_config(server("answers", answers), max_memory="8m")
    daemon.start()
    with connect_without_reading(daemon.address("answers")) as client:
        for asked in range(1, 100):
            client.sendall(b"x")
            eventually(lambda: "handler writes on although" in daemon.log()
                       or daemon.server_status("answers")["bytes_read"] == asked, "it is read")
            if "handler writes on although" in daemon.log():
                break
        assert daemon.ctl("reload", "--no-wait").returncode == 0
        client.shutdown(socket.SHUT_WR)
        assert len(receive_all(client)) >= 6 * MEGABYTE
