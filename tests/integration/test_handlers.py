# SPDX-License-Identifier: MIT
"""The built-in handlers."""

import calendar
import socket
import struct
import threading
import time

import pytest

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


def test_daytime_tells_the_local_time_and_ends(prongd):
    daemon = prongd(server("day", "daytime"))
    before = int(time.time())
    line = talk(daemon.address("day"), b"what is ignored")
    assert line.endswith(b"\r\n")
    told = time.mktime(time.strptime(line.decode().strip(), "%a %b %d %H:%M:%S %Y"))
    assert before <= told <= time.time()


def test_time_tells_the_seconds_since_1900_and_ends(prongd):
    daemon = prongd(server("clock", "time"))
    before = int(time.time())
    (told,) = struct.unpack("!I", talk(daemon.address("clock"), b""))
    assert before <= told + calendar.timegm((1900, 1, 1, 0, 0, 0)) <= time.time()


def chargen_text(size):
    """What RFC 864 recommends: 72 printable characters a line, each begins one further on."""
    ring = bytes(range(32, 127)) * 2
    lines = b"".join(ring[first:first + 72] + b"\r\n" for first in range(95))
    return (lines * (size // len(lines) + 1))[:size]


def test_chargen_sends_its_lines_without_end(prongd):
    daemon = prongd(server("chars", "chargen"))
    with connect(daemon.address("chars")) as client:
        client.sendall(b"what is ignored")
        assert receive(client, 300_000) == chargen_text(300_000)


def test_chargen_goes_on_in_mid_line_after_reloads(prongd):
    limited = server("chars", "chargen", rate_limit=3000)
    daemon = prongd(limited)
    with connect(daemon.address("chars")) as client:
        text = receive(client, 1001)
        for sections in (limited, server("chars", "chargen", rate_limit="9000"), limited):
            daemon.write_config(sections)
            answer = daemon.ctl("reload")
            assert answer.returncode == 0, answer.stderr
            text += receive(client, 1001)
        daemon.write_config(server("chars", "chargen"))
        assert daemon.ctl("reload").returncode == 0
        text += receive(client, 100_000)
        assert text == chargen_text(len(text))


def test_chargen_keeps_to_its_rate(prongd):
    daemon = prongd(server("chars", "chargen", rate_limit=10_000))
    address, begun = daemon.address("chars"), time.monotonic()
    with connect(address) as client:
        assert len(receive(client, 6_000)) == 6_000
        # A tenth of a second's bytes may come at once; only being too fast is a mistake.
        assert time.monotonic() - begun >= 0.49


@pytest.mark.parametrize("handler", ["echo", "discard"])
def test_echo_and_discard_read_no_faster_than_their_rate(prongd, handler):
    daemon = prongd(server("slow", handler, rate_limit="100k"))
    daemon.descriptors = {}  # one more stays for the hang-ups of clients that are not read
    with connect(daemon.address("slow")) as client:
        began = time.monotonic()
        sender = threading.Thread(target=client.sendall, args=[bytes(150_000)])
        sender.start()
        if handler == "echo":
            assert len(receive(client, 150_000)) == 150_000
        sender.join()
        eventually(lambda: daemon.server_status("slow")["bytes_read"] == 150_000, "all is read")
        # A tenth of a second's bytes come at once, and as much as one read(2) gives.
        assert time.monotonic() - began >= 0.5
    counters = {each["counter"]: each["count"] for each in daemon.server_status("slow")["counters"]}
    assert counters["paced"] > 0


def test_who_waits_for_its_pace_goes_on_after_reloads_with_other_rates(prongd):
    slow = server("slow", "echo", rate_limit="20k")
    daemon = prongd(slow)
    with connect(daemon.address("slow")) as client:
        sender = threading.Thread(target=client.sendall, args=[bytes(200_000)])
        sender.start()
        for sections in (server("slow", "echo", rate_limit="50k"), slow, server("slow", "echo")):
            receive(client, 10_000)
            daemon.write_config(sections)
            assert daemon.ctl("reload").returncode == 0
        assert len(receive(client, 170_000)) == 170_000
        sender.join()
