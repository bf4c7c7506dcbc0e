# SPDX-License-Identifier: MIT
"""Clients: plain blocking sockets with a deadline, and a load of many that verifies each byte."""

import select
import socket
import struct

from daemon import PATIENCE


def connect(address):
    """To (host, port), a path, or "@name"; every operation ends with an error after a while."""
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout=PATIENCE)
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(PATIENCE)
    client.connect("\0" + address[1:] if address.startswith("@") else address)
    return client


def receive(client, size):
    """Exactly so many bytes, or fewer when the peer ends."""
    parts = []
    while size > 0 and (part := client.recv(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def receive_all(client):
    """Until the peer ends."""
    return b"".join(iter(lambda: client.recv(65536), b""))


def talk(address, message):
    """Sends, ends, and returns all that comes back."""
    with connect(address) as client:
        client.sendall(message)
        client.shutdown(socket.SHUT_WR)
        return receive_all(client)


def echoes(client, message=b"are you there?"):
    client.sendall(message)
    return receive(client, len(message)) == message


def reset(client):
    """Closes with RST."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def is_refused(address):
    try:
        connect(address).close()
    except (ConnectionRefusedError, FileNotFoundError):
        return True
    return False


class EchoLoad:
    """Many connections at once to an echo server, each with one message in flight.

    Every message is another one, and what comes back must be the same.  `lost` are the
    connections that the server closed or reset.
    """

    def __init__(self, address, connections):
        self.poll = select.epoll()
        self.clients = {}
        self.expected = {}
        self.sent = self.received = self.lost = 0
        for _ in range(connections):
            client = connect(address)
            self.clients[client.fileno()] = client
            self.poll.register(client, select.EPOLLIN)

    def exchange(self, messages):
        """Until so many more messages came back, or nobody is left."""
        goal = self.received + messages
        for fd in list(self.clients):
            self.send(fd)
        while self.received < goal and self.clients:
            ready = self.poll.poll(PATIENCE)
            assert ready, f"no answer; {self.received} of {goal} messages came back"
            for fd, _ in ready:
                if self.receive(fd) and self.sent < goal:
                    self.send(fd)

    def send(self, fd):
        message = b"message %d of the connection %d\n" % (self.sent, fd)
        self.sent += 1
        self.expected[fd] = self.expected.get(fd, b"") + message
        try:
            self.clients[fd].send(message)
        except (ConnectionResetError, BrokenPipeError):
            self.lose(fd)

    def receive(self, fd):
        """True when the answer is complete."""
        try:
            answer = self.clients[fd].recv(4096)
        except ConnectionResetError:
            answer = b""
        if not answer:
            self.lose(fd)
            return False
        assert self.expected[fd].startswith(answer), (self.expected[fd], answer)
        self.expected[fd] = self.expected[fd][len(answer):]
        self.received += not self.expected[fd]
        return not self.expected[fd]

    def lose(self, fd):
        self.clients.pop(fd).close()
        self.lost += 1
        if self.expected.pop(fd, b""):
            self.sent -= 1  # another connection sends it instead

    def close(self):
        for client in self.clients.values():
            client.close()
        self.poll.close()
