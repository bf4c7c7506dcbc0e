#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The load of the trial of the relay: clients and upstreams, both ends of every pair.

Usage: pairs.py SEED

Prints, as JSON, the upstreams of each server.  Then it is told, a line each,

    go PAIRS RATE {"SERVER": [HOST, PORT], …}   to keep so many pairs, at most so many new ones a second
    fall | close | rise SERVER NUMBER           an upstream dies, takes nobody new, is there again
    rest                                        no new pairs; answered when all are over
    fill SERVER COUNT                           so many clients of a server at once: how many get an upstream
    report                                      what was seen until now

and answers each with a line of JSON.
"""

import collections
import heapq
import itertools
import json
import select
import socket
import struct
import sys
import time

from backends import Backend, SIGNATURE
from ends import End, make_small
from flows import Stream
from plans import NAME_SIZE, SERVERS, draw, has_name

PATIENCE_S = 45  # in which something has to happen to a pair
LOOK_S = 1


def make_header(plan):
    """The client of a chain is an address that tells the pair."""
    source = f"10.{plan.number >> 16}.{plan.number >> 8 & 255}.{plan.number & 255}"
    if plan.header == 1:
        return f"PROXY TCP4 {source} 192.0.2.1 {1024 + plan.number % 60000} 80\r\n".encode()
    return (SIGNATURE + b"\x21\x11" + struct.pack(">H", 12) + socket.inet_aton(source)
            + socket.inet_aton("192.0.2.1") + struct.pack(">HH", 1024 + plan.number % 60000, 80))


class Pair:
    """A client, its backend when that is known, and what is wrong with them."""

    def __init__(self, load, plan, one):
        self.load, self.plan = load, plan
        self.port = one.getsockname()[1]
        self.begin = self.active = time.monotonic()
        self.client = self.backend = None
        self.is_lost = False

    def streams(self):
        plan = self.plan
        name = b"%0*d" % (NAME_SIZE, plan.number) if has_name(plan.server) else b""
        return Stream(2 * plan.number, plan.client.size, name), \
            Stream(2 * plan.number + 1, plan.backend.size)

    def fail(self, problem):
        """Whatever happened: this must never be."""
        self.load.wrong.append(f"pair {self.plan.number} of {self.plan.server}: {problem}")

    def lose(self, problem):
        """A worker that was killed, or an upstream that fell, may be the reason."""
        if self.is_lost:
            return
        self.is_lost = True
        now = time.monotonic()
        if self.backend is None and self.load.has_fallen(self.plan.server, self.begin, now):
            self.load.counts["fallen"] += 1
            return
        self.load.lost.append({"pair": self.plan.number, "server": self.plan.server,
                               "port": self.port, "from": self.begin, "to": now,
                               "is_closed": self.client.is_over,
                               "why": f"{problem}; {self.describe()}"})

    def describe(self):
        return ", ".join(f"{name}: {describe(end)}" for name, end in
                         (("client", self.client), ("backend", self.backend)))

    def is_over(self):
        return self.client.is_over and (self.backend is None or self.backend.is_over)


def describe(end):
    if end is None:
        return "none"
    words = [name for name in ("has_shut", "has_ended", "has_reset", "is_over")
             if getattr(end, name)]
    return f"{end.plan.ending} {end.sent}/{end.out.size} sent, " \
           f"{end.received}/{end.expected.size} received, {' '.join(words)}"


class Load:
    def __init__(self, seed):
        self.seed = seed
        self.poll = select.epoll()
        self.objects = {}  # by descriptor
        self.timers, self.ticket = [], itertools.count()
        self.pairs, self.live, self.by_port = {}, set(), {}
        self.counts = collections.Counter()
        self.bytes = self.resets = 0
        self.lost, self.wrong = [], []
        self.addresses, self.most, self.rate, self.begin = {}, 0, 0, 0
        self.is_resting = True
        self.answer_to = None
        self.backends = {server: [Backend(self, number, server)
                                  for number, _ in enumerate(row.upstreams)]
                         for server, row in SERVERS.items()}

    # --- the loop ---

    def watch(self, one, owner):
        self.objects[one.fileno()] = owner
        self.poll.register(one, 0)

    def forget(self, one):
        del self.objects[one.fileno()]
        self.poll.unregister(one)

    def later(self, seconds, what):
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self.ticket), what))

    def run_timers(self):
        now = time.monotonic()
        while self.timers and self.timers[0][0] <= now:
            heapq.heappop(self.timers)[2]()

    def turn(self):
        wait = min(0.02, max(0, self.timers[0][0] - time.monotonic())) if self.timers else 0.02
        for fd, events in self.poll.poll(wait):
            owner = self.objects.get(fd)
            if owner is not None:
                owner.on_event(events)
        self.run_timers()
        self.open_some()

    def run(self, commands):
        self.watch(sys.stdin, commands)
        self.poll.modify(sys.stdin, select.EPOLLIN)
        self.later(LOOK_S, self.look)
        while not commands.is_over:
            self.turn()

    # --- pairs ---

    def open_some(self):
        due = int((time.monotonic() - self.begin) * self.rate) - self.counts["pairs"]
        while not self.is_resting and due > 0 and len(self.live) < self.most:
            self.open_one()
            due -= 1

    def open_one(self):
        plan = draw(self.seed, self.counts["pairs"])
        self.counts["pairs"] += 1
        one = socket.socket()
        if plan.client.small_buffers:
            make_small(one)
        one.setblocking(False)
        one.connect_ex(tuple(self.addresses[plan.server]))
        pair = Pair(self, plan, one)
        out, back = pair.streams()
        reads_header = "proxy_protocol_from" in SERVERS[plan.server].options
        self.pairs[plan.number] = self.by_port[plan.server, pair.port] = pair
        self.live.add(pair)
        pair.client = End(self, pair, one, plan.client, out, back,
                          make_header(plan) if reads_header else b"", plan.split)
        pair.client.update()

    def pair_of_client(self, server, client):
        """Who a header speaks of."""
        host, port = client
        if host == "127.0.0.1":
            return self.by_port.get((server, port))
        high, middle, low = map(int, host.split(".")[1:])
        pair = self.pairs.get(high << 16 | middle << 8 | low)
        return pair if pair is not None and port == 1024 + pair.plan.number % 60000 else None

    def join(self, pair, stranger, rest):
        """Its first bytes came already."""
        if pair is None or pair.backend is not None or pair.plan.server != stranger.backend.server:
            self.wrong.append(f"an upstream of {stranger.backend.server} got nobody's connection, "
                              f"or a second one: {stranger.bytes[:40]!r}, {pair and pair.plan.number}")
            stranger.socket.close()
            return
        out, back = pair.streams()
        if pair.plan.backend.small_buffers:
            make_small(stranger.socket)
        end = pair.backend = End(self, pair, stranger.socket, pair.plan.backend, back, out)
        end.other, pair.client.other = pair.client, end
        end.home = stranger.backend
        stranger.backend.ends.add(end)
        self.live.add(pair)
        if rest:
            end.take(rest)
        end.settle()

    def on_over(self, pair):
        if pair.backend is not None and pair.backend.is_over:
            pair.backend.home.ends.discard(pair.backend)
        if pair.is_over() and pair in self.live:
            self.live.discard(pair)
            self.counts["over"] += 1

    def has_fallen(self, server, begin, end):
        return any(begin <= when <= end for backend in self.backends[server]
                   for when in backend.falls)

    def look(self):
        """Whoever nothing happens to."""
        self.later(LOOK_S, self.look)
        now = time.monotonic()
        for pair in [one for one in self.live if now - one.active > PATIENCE_S]:
            pair.fail(f"nothing happens any more; {pair.describe()}")
            pair.is_lost = True
            for end in (pair.client, pair.backend):
                if end is not None:
                    end.reset()

    def report(self):
        report = {**self.counts, "bytes": self.bytes, "resets": self.resets,
                  "live": len(self.live), "lost": self.lost, "wrong": self.wrong}
        self.lost, self.wrong = [], []
        return report

    # --- places ---

    def fill(self, server, count):
        """Clients who stay: how many reach an upstream, each with its name."""
        clients = [socket.create_connection(self.addresses[server]) for _ in range(count)]
        for client in clients:
            client.sendall(b"x" * (NAME_SIZE - 1))  # nobody's yet
        known = set()
        deadline = time.monotonic() + LOOK_S
        while time.monotonic() < deadline:
            self.turn()
            reached = sum(len(one.bytes) > 0 for backend in self.backends[server]
                          for one in backend.strangers)
            if reached not in known:
                known.add(reached)
                deadline = time.monotonic() + LOOK_S
        for client in clients:
            client.close()
        return reached


class Commands:
    """What comes on standard input."""

    def __init__(self, load):
        self.load = load
        self.is_over = False

    def on_event(self, _events):
        line = sys.stdin.readline()
        self.is_over = not line
        if line:
            word, *rest = line.split(None, 1)
            getattr(self, word)(*rest)

    def say(self, answer):
        print(json.dumps(answer), flush=True)

    def go(self, rest):
        most, rate, addresses = rest.split(None, 2)
        load = self.load
        load.addresses = {name: tuple(one) for name, one in json.loads(addresses).items()}
        load.most, load.rate = int(most), int(rate)
        load.begin = time.monotonic()
        load.is_resting = False
        self.say("gone")

    def change(self, what, rest):
        server, number = rest.split()
        getattr(self.load.backends[server][int(number)], what)()
        self.say(what)

    def fall(self, rest):
        self.change("fall", rest)

    def close(self, rest):
        self.change("close", rest)

    def rise(self, rest):
        self.change("rise", rest)

    def rest(self):
        self.load.is_resting = True
        while self.load.live:
            self.load.turn()
        self.say(self.load.report())

    def fill(self, rest):
        server, count = rest.split()
        self.say(self.load.fill(server, int(count)))

    def report(self):
        self.say(self.load.report())


def main():
    load = Load(int(sys.argv[1]))
    print(json.dumps({server: [one.text() for one in backends]
                      for server, backends in load.backends.items()}), flush=True)
    load.run(Commands(load))


if __name__ == "__main__":
    main()
