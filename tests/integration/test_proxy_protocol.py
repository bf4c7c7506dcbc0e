# SPDX-License-Identifier: MIT
"""proxy_protocol_from: who the client is, as a trusted proxy tells it, for every handler."""

import signal
import socket
import struct

import pytest

from client import connect, echoes, receive, receive_all
from daemon import eventually, server

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LINE = b"PROXY TCP4 192.0.2.77 198.51.100.1 4000 25\r\n"


def version_2(source, port, values=b""):
    address = socket.inet_pton(socket.AF_INET6, source)
    body = address + socket.inet_pton(socket.AF_INET6, "::1") + struct.pack(">HH", port, 25) + values
    return SIGNATURE + b"\x21\x21" + struct.pack(">H", len(body)) + body


def greet(daemon, header, name="echo"):
    client = connect(daemon.address(name))
    client.sendall(header)
    return client


def drops(daemon, reason, name="echo"):
    return daemon.server_status(name)[f"dropped_{reason}"]


def trusting(name="echo", **options):
    return server(name, "echo", **{"proxy_protocol_from": "127.0.0.0/8, ::1", **options})


@pytest.mark.parametrize(
    "header, peer",
    [
        (LINE, "192.0.2.77:4000"),
        (version_2("2001:db8::77", 4001), "[2001:db8::77]:4001"),
        (version_2("2001:db8::77", 4002, b"\x04\0\x01x"), "[2001:db8::77]:4002"),
    ],
)
def test_the_client_of_a_header_is_who_the_log_sees(prongd, header, peer):
    daemon = prongd(trusting())
    with greet(daemon, header + b"first") as client:
        assert receive(client, 5) == b"first"  # what came with the header is the client's
        assert echoes(client)
    daemon.wait_for_log(f"peer={peer}")


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", SIGNATURE + b"\x20\0\0\0"])
def test_a_proxy_may_speak_for_itself(prongd, header):
    daemon = prongd(trusting())
    with greet(daemon, header) as client:
        assert echoes(client)
        port = client.getsockname()[1]
    daemon.wait_for_log(f"peer=127.0.0.1:{port}")


def test_a_header_may_come_byte_by_byte(prongd):
    daemon = prongd(trusting(), workers=1)
    client = connect(daemon.address("echo"))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in LINE + b"and more":
        client.sendall(bytes([byte]))
    assert receive(client, 8) == b"and more"
    client.close()
    daemon.wait_for_log("peer=192.0.2.77:4000")


def test_clients_of_other_addresses_speak_for_themselves(prongd):
    daemon = prongd(trusting(proxy_protocol_from="192.0.2.0/24"))
    with connect(daemon.address("echo")) as client:
        assert echoes(client, LINE)


def test_what_is_no_header_is_refused_and_counted(prongd):
    daemon = prongd(trusting())
    with greet(daemon, b"GET / HTTP/1.1\r\n\r\n") as client:
        assert is_closed(client)
    eventually(lambda: drops(daemon, "proxy_header") == 1, "it is counted")
    assert "proxy sent no PROXY header" in daemon.log()


def test_half_a_header_is_refused_and_nothing_is_none(prongd):
    daemon = prongd(trusting())
    with greet(daemon, LINE[:20]) as client:
        client.shutdown(socket.SHUT_WR)
        assert is_closed(client)
    with connect(daemon.address("echo")) as client:  # a health check
        client.shutdown(socket.SHUT_WR)
        assert is_closed(client)
    eventually(lambda: drops(daemon, "proxy_header") == 1, "one of them is counted")


def is_closed(client):
    try:
        return receive_all(client) == b""
    except ConnectionResetError:
        return True


def test_a_proxy_that_says_nothing_is_sent_away(prongd):
    daemon = prongd(trusting(proxy_protocol_timeout="100ms"))
    with connect(daemon.address("echo")) as client:
        assert is_closed(client)
    eventually(lambda: drops(daemon, "proxy_header") == 1, "it is counted")


def test_lists_and_limits_are_about_the_client(prongd):
    daemon = prongd(trusting(deny="192.0.2.0/24", max_connections_per_address=1))
    with greet(daemon, LINE) as refused:
        assert is_closed(refused)
    first = greet(daemon, version_2("2001:db8::1", 1))
    assert echoes(first)
    with greet(daemon, version_2("2001:db8::1", 2)) as second:
        assert is_closed(second)
    with greet(daemon, version_2("2001:db9::1", 3)) as other:
        assert echoes(other)
    first.close()
    eventually(lambda: drops(daemon, "list") == 1, "by the list")
    assert drops(daemon, "per_address") == 1


def test_the_client_stays_who_it_is_over_a_reload(prongd):
    daemon = prongd(trusting())
    clients = [greet(daemon, version_2(f"2001:db8::{i + 1}", 5000 + i)) for i in range(10)]
    waiting = connect(daemon.address("echo"))
    waiting.sendall(LINE[:30])
    assert all(echoes(client) for client in clients)
    daemon.signal(signal.SIGHUP)
    daemon.wait_for_log("reloaded generation=2")
    waiting.sendall(LINE[30:])  # in the worker that is about to leave
    assert all(echoes(client) for client in [*clients, waiting])
    for client in [*clients, waiting]:
        client.close()
    for i in range(10):
        daemon.wait_for_log(f"peer=[2001:db8::{i + 1}]:{5000 + i}")
    daemon.wait_for_log("peer=192.0.2.77:4000")


def test_those_who_come_through_a_unix_socket_may_be_trusted(prongd, tmp_path):
    path = tmp_path / "echo.sock"
    daemon = prongd(trusting(listen=f"unix:{path}", proxy_protocol_from="unix"))
    with greet(daemon, LINE + b"x") as client:
        assert receive(client, 1) == b"x"
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_log("reloaded generation=2")
        assert echoes(client)
    daemon.wait_for_log("peer=192.0.2.77:4000")

