# SPDX-License-Identifier: MIT
"""The upstreams of the trial: listening sockets that fall and rise again, and strangers who have not
said yet which pair they belong to."""

import errno
import os
import select
import socket
import struct
import time

from ends import GONE, make_resetting
from plans import NAME_SIZE, SERVERS, has_name

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
BACKLOG = 256


def parse_header(bytes_):
    """(client, size) of a PROXY header, or None as long as it is not complete."""
    if bytes_.startswith(b"PROXY"):
        line, end, _ = bytes_.partition(b"\r\n")
        if not end:
            return None
        _, _, source, _, port, _ = line.decode().split(" ")
        return (source, int(port)), len(line) + 2
    if len(bytes_) < 16:
        return None
    size = 16 + struct.unpack(">H", bytes_[14:16])[0]
    if len(bytes_) < size:
        return None
    assert bytes_.startswith(SIGNATURE + b"\x21\x11"), bytes_
    return (socket.inet_ntoa(bytes_[16:20]), struct.unpack(">H", bytes_[24:26])[0]), size


class Stranger:
    """An upstream's connection until it is known whose it is."""

    def __init__(self, load, backend, one):
        self.load, self.backend, self.socket = load, backend, one
        self.bytes = b""
        one.setblocking(False)
        load.watch(one, self)
        load.poll.modify(one, select.EPOLLIN)

    def on_event(self, _events):
        try:
            part = self.socket.recv(4096)
        except OSError as error:
            if error.errno in GONE:
                self.go()
            elif error.errno != errno.EAGAIN:
                raise
            return
        if not part:
            self.go()  # one that was tried, or a client that was gone before it had a word
            return
        self.bytes += part
        self.introduce()

    def introduce(self):
        if has_name(self.backend.server):
            if len(self.bytes) < NAME_SIZE:
                return
            pair, size = self.load.pairs.get(int(self.bytes[:NAME_SIZE])), 0
        else:
            header = parse_header(self.bytes)
            if header is None:
                return
            client, size = header
            pair = self.load.pair_of_client(self.backend.server, client)
        self.load.forget(self.socket)
        self.backend.strangers.discard(self)
        self.load.join(pair, self, self.bytes[size:])

    def go(self):
        self.load.forget(self.socket)
        self.socket.close()
        self.backend.strangers.discard(self)

    def reset(self):
        make_resetting(self.socket)
        self.go()


class Backend:
    """One upstream.  `ends` are those of its pairs."""

    def __init__(self, load, number, server):
        self.load, self.number, self.server = load, number, server
        self.is_local = SERVERS[server].is_local
        self.address = f"\0prong-relay-{os.getpid()}-{number}" if self.is_local else None
        self.listener = self.holder = None
        self.ends, self.strangers = set(), set()
        self.falls = []  # when
        if not self.is_local:
            self.hold()
        self.rise()

    def hold(self):
        """The port is ours also while nobody listens."""
        self.holder = socket.socket()
        self.holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.holder.bind(("127.0.0.1", 0))
        self.address = self.holder.getsockname()

    def text(self):
        if self.is_local:
            return "unix:@" + self.address[1:]
        return f"127.0.0.1:{self.address[1]}"

    def rise(self):
        if self.listener is not None:
            return
        self.listener = socket.socket(socket.AF_UNIX if self.is_local else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(self.address)
        self.listener.listen(BACKLOG)
        self.listener.setblocking(False)
        self.load.watch(self.listener, self)
        self.load.poll.modify(self.listener, select.EPOLLIN)

    def on_event(self, _events):
        while True:
            try:
                one, _ = self.listener.accept()
            except BlockingIOError:
                return
            self.strangers.add(Stranger(self.load, self, one))

    def close(self):
        """Nobody new; who is in its queue is reset by the kernel."""
        if self.listener is None:
            return
        self.on_event(0)
        self.falls.append(time.monotonic())
        self.load.forget(self.listener)
        self.listener.close()
        self.listener = None

    def fall(self):
        """With all that it has."""
        self.close()
        for one in [*self.ends, *self.strangers]:
            one.reset()
        self.falls.append(time.monotonic())
