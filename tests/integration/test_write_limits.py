# SPDX-License-Identifier: MIT
"""Clients that do not read: write_timeout and max_write_queue."""

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
    with connect_without_reading(daemon.address("flood")) as client:
        eventually(lambda: cuts(daemon, option) == 1, "it is cut off, and counted")
        assert is_reset(client)
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
