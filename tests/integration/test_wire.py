# SPDX-License-Identifier: MIT
"""Nothing that a client can send, or fail to send, changes anything but counters."""

import random
import socket

import pytest

from client import connect, echoes, receive, receive_all, reset
from daemon import eventually, server

SEED = 20120  # fixed, so that a failure can be repeated


def random_bytes(address):
    """Noise of every size, sent whole and in pieces."""
    noise = random.Random(SEED)
    for _ in range(200):
        with connect(address) as client:
            for _ in range(noise.randrange(4)):
                client.sendall(noise.randbytes(noise.randrange(1, 5000)))
    return 200


def half_open(address):
    """Ends at once, then reads until the server ends, too."""
    for _ in range(200):
        with connect(address) as client:
            client.shutdown(socket.SHUT_WR)
            receive_all(client)
    return 200


def reset_at_once(address):
    for _ in range(500):
        reset(connect(address))
    return 500


def reset_after_sending(address):
    for size in [1, 100, 10_000] * 100:
        client = connect(address)
        client.sendall(b"x" * size)
        reset(client)
    return 300


def reset_while_receiving(address):
    """The peer has bytes to send that nobody will read."""
    for _ in range(50):
        client = connect(address)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        try:
            while True:
                client.send(b"x" * 65536)
        except BlockingIOError:
            reset(client)
    return 50


def reset_after_the_end(address):
    for _ in range(200):
        client = connect(address)
        client.sendall(b"x" * 1000)
        client.shutdown(socket.SHUT_WR)
        reset(client)
    return 200


def connect_without_a_byte(address):
    """Ten thousand, a hundred of them at once."""
    for _ in range(100):
        clients = [connect(address) for _ in range(100)]
        for client in clients:
            client.close()
    return 10_000


def urgent_data(address):
    for _ in range(50):
        with connect(address) as client:
            client.send(b"!", socket.MSG_OOB)
            client.sendall(b"after")
    return 50


@pytest.mark.parametrize("handler", ["hello", "echo", "discard"])
@pytest.mark.parametrize(
    "attack",
    [random_bytes, half_open, reset_at_once, reset_after_sending, reset_while_receiving,
     reset_after_the_end, connect_without_a_byte, urgent_data],
    ids=lambda attack: attack.__name__,
)
def test_only_counters_change(prongd, attack, handler):
    daemon = prongd(server("target", handler) + server("other", "echo"))
    with connect(daemon.address("other")) as bystander:
        assert echoes(bystander)
        before = daemon.status()
        count = attack(daemon.address("target"))

        eventually(
            lambda: daemon.server_status("target")["accepted"] == count
            and daemon.server_status("target")["connections"] == 0,
            "every connection was accepted and is gone",
        )
        after = daemon.status()
        assert [w["pid"] for w in after["workers"]] == [w["pid"] for w in before["workers"]]
        assert daemon.server_status("target")["dropped"] == 0
        assert echoes(bystander)


def test_a_client_that_never_reads_costs_the_others_nothing(prongd):
    daemon = prongd(server("echo", "echo"), workers=1)
    address = daemon.address("echo")
    with connect(address) as greedy, connect(address) as polite:
        greedy.setblocking(False)
        try:
            while True:
                greedy.send(b"x" * 65536)
        except BlockingIOError:
            pass
        for _ in range(100):
            assert echoes(polite)


def test_what_a_client_sends_is_escaped_in_the_log(prongd):
    daemon = prongd(server("hello", "hello"))
    with connect(daemon.address("hello")) as client:
        assert receive(client, 13) == b"hello client!"
        client.sendall(b"a\n<3>forged line\x1b[31m\x00\xff")
        daemon.wait_for_log("client send message: ")
    log = daemon.log()
    assert r"a\n<3>forged line\x1b[31m\x00\xff" in log
    assert "\n<3>forged" not in log and "\x1b" not in log
