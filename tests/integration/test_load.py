# SPDX-License-Identifier: MIT
"""Thousands of connections at once, and every byte of their messages verified."""

import resource

import pytest

from client import EchoLoad, connect, talk
from daemon import BUILD, eventually, server

IS_SANITIZED = "-fsanitize=" in (BUILD / "CMakeCache.txt").read_text()
CONNECTIONS, MESSAGES = (1000, 20_000) if IS_SANITIZED else (5000, 200_000)


@pytest.fixture(scope="module", autouse=True)
def enough_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CONNECTIONS + 100:
        pytest.skip(f"the limit of open files is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def test_every_message_of_thousands_of_connections_comes_back(prongd):
    daemon = prongd(server("echo", "echo"), workers=4)
    load = EchoLoad(daemon.address("echo"), CONNECTIONS)
    eventually(lambda: daemon.connections() == CONNECTIONS, "all are accepted")

    load.exchange(MESSAGES)
    assert load.received == MESSAGES
    assert load.lost == 0

    status = daemon.status()
    assert status["servers"][0]["connections"] == CONNECTIONS
    assert all(worker["connections"] > 0 for worker in status["workers"])
    assert sum(w["bytes_read"] for w in status["workers"]) == \
        sum(w["bytes_written"] for w in status["workers"])
    load.close()
    eventually(lambda: daemon.connections() == 0, "all are gone")


def test_a_megabyte_in_one_breath_comes_back_unchanged(prongd):
    daemon = prongd(server("echo", "echo"))
    message = bytes(range(256)) * 4096
    with connect(daemon.address("echo")) as client:
        received = 0
        client.setblocking(False)
        # Writing everything before reading anything would wait for ever: both sides' buffers
        # are smaller than the message.
        sent = 0
        while received < len(message):
            try:
                sent += client.send(message[sent:sent + 65536]) if sent < len(message) else 0
            except BlockingIOError:
                pass
            try:
                part = client.recv(65536)
            except BlockingIOError:
                continue
            assert part == message[received:received + len(part)] != b""
            received += len(part)


def test_a_client_that_ends_gets_the_whole_answer_first(prongd):
    daemon = prongd(server("echo", "echo"))
    message = b"0123456789abcdef" * 1000
    assert talk(daemon.address("echo"), message) == message
