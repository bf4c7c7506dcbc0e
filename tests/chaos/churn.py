#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Connections that come and go: so many a second, each byte of which is checked.

Usage: churn.py HOST PORT RATE STAYING

Most send a line, get it back and end.  Of the others, STAYING in a hundred, each sends another
line every 200 ms for some seconds.  It runs until its input ends, and then prints, as JSON, how
many there were, how many were refused, and each that was lost with its port and its times.
"""

import errno
import heapq
import json
import random
import select
import socket
import sys
import time

PATIENCE_S = 30
PAUSE_S = 0.2
STAY_S = 5


class Client:
    """One connection: connects, and has `left` lines echoed."""

    def __init__(self, address, left):
        self.left = left
        self.born = time.monotonic()
        self.deadline = self.born + PATIENCE_S
        self.connected = False
        self.expected = b""
        self.received = b""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.error = self.socket.connect_ex(address)
        self.port = self.socket.getsockname()[1]

    def is_dead_at_birth(self):
        return self.error not in (0, errno.EINPROGRESS)

    def send(self):
        self.expected = b"line %d of %d\n" % (self.left, self.port)
        self.received = b""
        self.deadline = time.monotonic() + PATIENCE_S
        self.socket.send(self.expected)

    def receive(self):
        """True when the answer is complete."""
        part = self.socket.recv(4096)
        if not part:
            raise ConnectionResetError("ended")
        self.received += part
        if not self.expected.startswith(self.received):
            raise ValueError(f"{self.received!r} instead of {self.expected!r}")
        return self.received == self.expected


class Churn:
    def __init__(self, address, rate, staying):
        self.address, self.rate, self.staying = address, rate, staying
        self.poll = select.epoll()
        self.clients = {}
        self.pauses = []  # (when, fd, client): to send the next line
        self.opened = self.done = self.refused = 0
        self.slowest = 0
        self.lost, self.wrong = [], []
        self.begin = time.monotonic()

    def open_one(self):
        lines = int(STAY_S / PAUSE_S * random.random()) + 2
        client = Client(self.address, lines if random.random() * 100 < self.staying else 1)
        self.opened += 1
        if client.is_dead_at_birth():
            self.end(client, OSError(client.error, "connect"))
            return
        self.clients[client.socket.fileno()] = client
        self.poll.register(client.socket, select.EPOLLOUT)

    def end(self, client, error=None):
        fd = client.socket.fileno()
        if self.clients.pop(fd, None) is not None:
            self.poll.unregister(fd)
        client.socket.close()
        if error is None:
            self.done += 1
        elif isinstance(error, ValueError):
            self.wrong.append(str(error))
        elif error.errno == errno.ECONNREFUSED:
            self.refused += 1
        else:
            self.lost.append({"port": client.port, "from": client.born, "to": time.monotonic(),
                              "why": str(error), "connected": client.connected})

    def on_writable(self, client):
        error = client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, "connect")
        client.connected = True
        self.slowest = max(self.slowest, time.monotonic() - client.born)
        self.poll.modify(client.socket, select.EPOLLIN)
        client.send()

    def on_readable(self, client):
        if not client.receive():
            return
        client.left -= 1
        if client.left == 0:
            self.end(client)
        else:
            heapq.heappush(self.pauses, (time.monotonic() + PAUSE_S, client.port, client))

    def guard(self, act, client):
        try:
            act(client)
        except (OSError, ValueError) as error:
            self.end(client, error)

    def on_event(self, fd):
        client = self.clients.get(fd)
        if client is not None:
            self.guard(self.on_readable if client.connected else self.on_writable, client)

    def send_due(self):
        now = time.monotonic()
        while self.pauses and self.pauses[0][0] <= now:
            _, _, client = heapq.heappop(self.pauses)
            if client.socket.fileno() >= 0:
                self.guard(Client.send, client)

    def give_up_on_late_ones(self):
        now = time.monotonic()
        for client in [c for c in self.clients.values() if c.deadline < now]:
            self.end(client, TimeoutError("no answer"))

    def turn(self, opens):
        due = int((time.monotonic() - self.begin) * self.rate) - self.opened if opens else 0
        for _ in range(min(due, 500)):
            self.open_one()
        for fd, _ in self.poll.poll(0.002):
            self.on_event(fd)
        self.send_due()
        self.give_up_on_late_ones()

    def run(self):
        stop = select.poll()
        stop.register(sys.stdin, select.POLLIN | select.POLLHUP)
        while not stop.poll(0):
            self.turn(True)
        self.seconds = time.monotonic() - self.begin
        while self.clients:
            self.turn(False)

    def report(self):
        return {"opened": self.opened, "done": self.done, "refused": self.refused,
                "lost": self.lost, "wrong": self.wrong, "slowest_connect_s": self.slowest,
                "per_second": self.opened / self.seconds}


def main():
    host, port, rate, staying = sys.argv[1:]
    churn = Churn((host, int(port)), int(rate), float(staying))
    print("begun", flush=True)
    churn.run()
    print(json.dumps(churn.report()), flush=True)


if __name__ == "__main__":
    main()
