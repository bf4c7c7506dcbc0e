# SPDX-License-Identifier: MIT
"""Clients as nobody wants them, on a socket that speaks in lines: each a process, until it is ended."""

import multiprocessing
import os
import random
import socket
import time
from pathlib import Path

CONTROL_LINES = [b'{"command": "%s", "arguments": []}\n' % name
                 for name in (b"status", b"version", b"diff", b"servers", b"metrics", b"bogus")]
HTTP_LINES = [b"GET %s HTTP/1.1\r\nHost: prong\r\nConnection: close\r\n\r\n" % path
              for path in (b"/metrics", b"/healthz", b"/readyz", b"/", b"/../etc/passwd")]
HELD = 100  # connections that one of them keeps at a time


def connect(address):
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    client = socket.socket(family)
    client.settimeout(0.5)
    client.connect(address if family == socket.AF_INET else str(address))
    return client


def mutate(chance, line):
    """A few of its bytes changed, doubled, left out, or far too many of them."""
    line = bytearray(line)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(line))
        kind = chance.randrange(4)
        if kind == 0:
            line[at] = chance.randrange(256)
        elif kind == 1:
            line[at:at] = line[at:at + chance.randint(1, 20)]
        elif kind == 2 and len(line) > 8:
            del line[at:at + chance.randint(1, 4)]
        else:
            line[at:at] = bytes([chance.choice(b'"{}[]\\:,0 ')]) * chance.choice([1, 100, 5000])
    return bytes(line)


def exchange(address, sent):
    with connect(address) as client:
        client.sendall(sent)
        client.recv(65536)


def send_garbage(chance, address, _lines, _held):
    exchange(address, chance.randbytes(chance.choice([1, 10, 1000, 70000])))


def send_mutations(chance, address, lines, _held):
    exchange(address, mutate(chance, chance.choice(lines)))


def send_many(chance, address, lines, _held):
    exchange(address, chance.choice(lines) * chance.randint(2, 50))


def hold(chance, client, held):
    held.append(client)
    if len(held) > HELD:
        held.pop(chance.randrange(len(held))).close()


def stop_halfway(chance, address, lines, held):
    line = chance.choice(lines)
    hold(chance, client := connect(address), held)
    client.sendall(line[:chance.randrange(1, len(line) - 1)])


def say_nothing(chance, address, _lines, held):
    hold(chance, connect(address), held)


def never_read(chance, address, lines, held):
    """Asks for the largest answer."""
    hold(chance, client := connect(address), held)
    client.sendall(lines[0])


def storm(_chance, address, _lines, _held):
    for _ in range(200):
        connect(address).close()


KINDS = [send_garbage, send_mutations, send_many, stop_halfway, say_nothing, never_read, storm]


def step_back():
    """Strangers compute elsewhere: the daemon's CPUs are not what they take.  Where the kernel groups
    processes by session, a nice value counts among those of one session only (sched(7))."""
    os.setsid()
    os.nice(15)
    group = Path("/proc/self/autogroup")
    if group.exists():
        group.write_text("15")


def attack(kind, seed, address, lines, count):
    chance, held = random.Random(seed), []
    step_back()
    parent = os.getppid()
    while os.getppid() == parent:
        try:
            kind(chance, address, lines, held)
        except OSError:
            pass  # refused, reset or not answered: what it deserves
        count.value += 1
        time.sleep(0.001)


class Attackers:
    """`with Attackers(chance, {address: lines}) as attackers:` one of each kind for each address."""

    def __init__(self, chance, addresses):
        self.counts, self.processes = {}, []
        for address, lines in addresses.items():
            for kind in KINDS:
                count = multiprocessing.Value("Q", 0, lock=False)
                self.counts[kind.__name__, address] = count
                self.processes.append(multiprocessing.Process(
                    target=attack, args=(kind, chance.random(), address, lines, count),
                    daemon=True))

    def __enter__(self):
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.join()

    def total(self):
        return sum(count.value for count in self.counts.values())

    def idle(self):
        """Those that never did anything."""
        return [name for name, count in self.counts.items() if count.value == 0]
