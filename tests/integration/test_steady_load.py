# SPDX-License-Identifier: MIT
"""Whether the load that judges the moves can judge: it sees every way to spoil an echo."""

import socket
import threading

import pytest

from client import reset
from daemon import eventually
from steady import SteadyLoad

AT = 20_000  # where in the stream it goes wrong
SIZE = 300


def faithful(stream):
    return stream


def forget(stream):
    return stream[:AT] + stream[AT + SIZE:]


def double(stream):
    return stream[:AT] + stream[AT - SIZE:]


def swap(stream):
    return stream[:AT] + stream[AT + SIZE:AT + 2 * SIZE] + stream[AT:AT + SIZE]


def garble(stream):
    return stream[:AT] + bytes(byte ^ 1 for byte in stream[AT:AT + SIZE])


def finish(client):
    """Says that no more comes, and reads on: a close with unread bytes would be a reset."""
    client.shutdown(socket.SHUT_WR)


class Echo(threading.Thread):
    """Echoes to its first client until so many bytes came, spoils the rest, and ends."""

    def __init__(self, spoil, end=None):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.spoil = spoil
        self.end = end
        self.start()

    def run(self):
        client, _ = self.listener.accept()
        stream = b""
        while len(stream) < AT and (piece := client.recv(65536)):
            stream += piece
            client.sendall(piece[:max(0, AT - len(stream) + len(piece))])
        while len(stream) < AT + 2 * SIZE and (piece := client.recv(65536)):
            stream += piece
        try:
            client.sendall(self.spoil(stream[:AT + 2 * SIZE])[AT:])
            if self.end is not None:
                self.end(client)
            while piece := client.recv(65536):
                if self.end is None:
                    client.sendall(piece)
            client.close()
        except OSError:
            pass  # the load does not stay with somebody who garbles its bytes

    def __enter__(self):
        return self.listener.getsockname()

    def __exit__(self, *_):
        self.listener.close()


def first_faults(address):
    """Of a load with one stream, as soon as there are some."""
    with SteadyLoad([address], connections=1, streams=1, slow=0, interval=0.001) as load:
        load.command("go")
        report = eventually(lambda: seen if (seen := load.command("report")).faults() else None,
                            "a fault")
        assert report["gone"] and report["first_fault"]
        return report.faults()


@pytest.mark.parametrize("spoil, fault", [
    (forget, "skipped"),
    (double, "repeated"),
    (swap, "skipped"),
    (garble, "garbled"),
])
def test_spoilt_bytes_are_seen_and_told_apart(spoil, fault):
    with Echo(spoil) as address:
        assert first_faults(address) == {fault: 1}


@pytest.mark.parametrize("end, fault", [(finish, "end"), (reset, "reset")])
def test_ends_are_seen_and_told_apart(end, fault):
    with Echo(faithful, end) as address:
        assert first_faults(address) == {fault: 1}


def test_a_refused_connection_is_seen():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with SteadyLoad([address], connections=3) as load:
        assert load.opened.faults() == {"refused": 3}


def test_an_answer_that_does_not_come_is_seen():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with SteadyLoad([listener.getsockname()], connections=2, patience=0.2) as load:
            assert load.opened.faults() == {"silent": 2}
