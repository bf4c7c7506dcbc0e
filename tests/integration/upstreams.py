# SPDX-License-Identifier: MIT
"""Upstreams for a proxy, and clients that see which one they got."""

import collections
import contextlib
import socket
import threading

from client import connect, receive
from ports import reserve


class Named:
    """An upstream that says its name to everybody, then echoes; it knows what came first."""

    def __init__(self, name, port=0, greets=True):
        self.name = name.encode()
        self.greets = greets
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        self.socket.listen(128)
        self.port = self.socket.getsockname()[1]
        self.clients = []
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.socket.accept()[0]
                self.clients.append(client)
                with contextlib.suppress(OSError):
                    if self.greets:
                        client.sendall(self.name)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
        for client in self.clients:
            client.close()


def visit(daemon):
    """Whom a new client gets; b"" for nobody."""
    with connect(daemon.address("relay")) as client:
        try:
            return client.recv(1)
        except ConnectionResetError:
            return b""


def visits(daemon, count):
    return collections.Counter(visit(daemon) for _ in range(count))


def stay(daemon, count):
    """Clients that stay, and whom they got."""
    clients = [connect(daemon.address("relay")) for _ in range(count)]
    return clients, collections.Counter(receive(client, 1) for client in clients)


@contextlib.contextmanager
def nobody():
    """An address where nobody listens, and nobody will."""
    with reserve() as holder:
        yield "127.0.0.1:%d" % holder.getsockname()[1]
