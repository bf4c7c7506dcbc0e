# SPDX-License-Identifier: MIT
"""The built-in handlers."""

import socket

from client import connect, echoes, receive, receive_all, talk
from daemon import eventually, server


def test_hello_greets_and_keeps_the_connection_until_the_client_ends(prongd):
    daemon = prongd(server("hello", "hello"))
    with connect(daemon.address("hello")) as client:
        assert receive(client, 13) == b"hello client!"
        mark = daemon.log_mark()
        client.sendall(b"first")
        daemon.wait_for_log("client send message: first", mark)
        client.sendall(b"second")
        daemon.wait_for_log("client send message: second", mark)
        client.shutdown(socket.SHUT_WR)
        assert receive_all(client) == b""


def test_hello_says_nothing_below_info(prongd):
    daemon = prongd(server("hello", "hello"), log_level="notice")
    assert talk(daemon.address("hello"), b"secret") == b"hello client!"
    assert "secret" not in daemon.log()


def test_echo_keeps_no_bytes_back(prongd):
    daemon = prongd(server("echo", "echo"))
    with connect(daemon.address("echo")) as client:
        for size in (1, 2, 3, 1000, 65536):
            assert echoes(client, b"x" * size)


def test_discard_swallows_everything_and_answers_nothing(prongd):
    daemon = prongd(server("discard", "discard"))
    assert talk(daemon.address("discard"), b"x" * 1_000_000) == b""
    eventually(
        lambda: sum(w["bytes_read"] for w in daemon.status()["workers"]) == 1_000_000,
        "every byte was read",
    )
    assert sum(w["bytes_written"] for w in daemon.status()["workers"]) == 0


def test_half_open_connections_are_allowed_where_asked_for(prongd):
    # Nobody but the timeout ends a half-open connection whose server never ends it.
    half_open = server("half", "hello", allow_half_open="yes", timeout="2s")
    daemon = prongd(server("plain", "hello") + half_open)
    with connect(daemon.address("plain")) as plain, connect(daemon.address("half")) as half:
        for client in (plain, half):
            assert receive(client, 13) == b"hello client!"
            client.shutdown(socket.SHUT_WR)
        assert receive_all(plain) == b""
        eventually(lambda: daemon.server_status("plain")["connections"] == 0, "it is closed")
        assert daemon.server_status("half")["connections"] == 1
