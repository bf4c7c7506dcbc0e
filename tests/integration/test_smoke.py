# SPDX-License-Identifier: MIT
"""One short run of everything: what `tests/run --short` has of the daemon."""

from client import connect, receive, talk
from daemon import server


def test_it_starts_serves_answers_status_and_stops(prongd):
    daemon = prongd(server("hello", "hello") + server("echo", "echo"))
    with connect(daemon.address("hello")) as client:
        assert receive(client, 13) == b"hello client!"
    assert talk(daemon.address("echo"), b"one\ntwo\n") == b"one\ntwo\n"
    assert daemon.server_status("echo")["accepted"] == 1
    assert daemon.stop() == 0
