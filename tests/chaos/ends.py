# SPDX-License-Identifier: MIT
"""The two ends of a pair: sockets that send, read, end and reset as their plans say, and check every
byte that comes, and whether what ends it is what the other end did."""

import errno
import select
import socket
import struct
import time

from flows import PIECE, Pace
from plans import SERVERS

LIFE_S = 5  # after this time nobody is slow any more
PART_S = 0.002  # between parts that shall arrive by themselves
SMALL_BUFFER = 8192
AGAIN = (errno.EAGAIN, errno.EINPROGRESS, errno.EINTR)
GONE = (errno.ECONNRESET, errno.EPIPE, errno.ECONNREFUSED, errno.ENOTCONN)


def make_resetting(one):
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def make_small(one):
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        one.setsockopt(socket.SOL_SOCKET, option, SMALL_BUFFER)


class End:
    """`out`: what it sends, behind `prefix`, which goes in parts of `split` bytes, or, when that is 0,
    together with what follows; `expected`: what comes.  The load is told of faults."""

    def __init__(self, load, pair, one, plan, out, expected, prefix=b"", split=0):
        self.load, self.pair, self.socket, self.plan = load, pair, one, plan
        self.out, self.expected, self.prefix, self.split = out, expected, prefix, split
        self.other = None
        self.sent = self.received = 0
        self.writing, self.reading = Pace(plan.writing), Pace(plan.reading)
        self.is_new = True  # nothing is known of it yet, not even that it is connected
        self.rests = set()  # the events that it does not want for a while
        self.has_shut = self.has_ended = self.has_reset = self.is_over = False
        self.events = 0
        one.setblocking(False)
        load.watch(one, self)
        if plan.ending == "reset" and plan.reset_by == "time":
            load.later(plan.reset_at, self.reset)

    # --- what is wanted ---

    def wants(self):
        events = 0
        if not self.has_ended and select.EPOLLIN not in self.rests:
            events |= select.EPOLLIN
        if (self.is_new or self.prefix or self.sent < self.out.size) and \
                select.EPOLLOUT not in self.rests:
            events |= select.EPOLLOUT
        return events

    def update(self):
        if self.is_over:
            return
        if self.wants() != self.events:
            self.events = self.wants()
            self.load.poll.modify(self.socket, self.events)

    def is_late(self):
        return time.monotonic() > self.pair.begin + LIFE_S

    def most(self, pace):
        return PIECE if self.is_late() else pace.most()

    def rest(self, event, seconds):
        if seconds == 0 or self.is_late():
            return
        self.rests.add(event)
        self.load.later(seconds, lambda: self.go_on(event))

    def go_on(self, event):
        self.rests.discard(event)
        self.update()

    def on_event(self, events):
        try:
            if events & (select.EPOLLIN | select.EPOLLERR | select.EPOLLHUP) and not self.has_ended:
                self.read()
            if events & (select.EPOLLOUT | select.EPOLLERR) and not self.is_over:
                self.write()
        except OSError as error:
            if error.errno not in GONE:
                raise
            self.on_reset(error)
        self.settle()

    # --- bytes ---

    def write(self):
        if self.prefix:
            self.write_prefix()
            return
        if self.sent == self.out.size:
            self.check_error()
            return
        sent = self.send(self.out.piece(self.sent, self.most(self.writing)))
        self.sent += sent
        if sent > 0:
            self.rest(select.EPOLLOUT, self.writing.spend(sent))

    def write_prefix(self):
        if self.split > 0:
            self.prefix = self.prefix[self.send(self.prefix[:self.split]):]
            self.rest(select.EPOLLOUT, PART_S)
        else:
            self.prefix = self.prefix[self.send(self.prefix, socket.MSG_MORE):]

    def send(self, piece, flags=0):
        try:
            sent = self.socket.send(piece, flags)
        except OSError as error:
            if error.errno not in AGAIN:
                raise
            return 0
        self.pair.active = time.monotonic()
        return sent

    def check_error(self):
        error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, "error of the socket")

    def read(self):
        try:
            part = self.socket.recv(min(PIECE, self.most(self.reading)))
        except OSError as error:
            if error.errno not in AGAIN:
                raise
            return
        self.pair.active = time.monotonic()
        if not part:
            self.on_end()
            return
        self.take(part)
        self.rest(select.EPOLLIN, self.reading.spend(len(part)))

    def take(self, part):
        problem = self.expected.problem(self.received, part)
        if problem is not None:
            self.pair.fail(f"{self.name()}: {problem}")
        self.received += len(part)
        self.load.bytes += len(part)

    # --- ends ---

    def name(self):
        return "client" if self is self.pair.client else "backend"

    def on_end(self):
        self.has_ended = True
        whole = self.received == self.expected.size and self.other is not None and \
            self.other.has_shut
        if not whole and not self.may_look_ended():
            self.pair.lose(f"{self.name()}: an end after {self.received} bytes")

    def may_look_ended(self):
        """A unix socket knows no reset, neither one that it is given nor one that it gives."""
        return self.other is not None and self.other.has_reset and \
            SERVERS[self.pair.plan.server].is_local

    def on_reset(self, error):
        if self.other is None or not self.other.has_reset:
            self.pair.lose(f"{self.name()}: {error} after {self.received} bytes read, "
                           f"{self.sent} sent, {'' if self.has_shut else 'not '}shut")
        self.load.resets += 1
        self.close()

    def reset(self):
        """The plan says so, or whoever it belongs to is gone."""
        if self.is_over:
            return
        self.has_reset = True
        make_resetting(self.socket)
        self.close()

    def close(self):
        self.is_over = True
        self.load.forget(self.socket)
        self.socket.close()
        self.load.on_over(self.pair)

    def is_due_to_reset(self):
        if self.plan.ending != "reset":
            return False
        reached = {"sent": self.sent, "received": self.received, "time": -1}[self.plan.reset_by]
        return self.plan.reset_by != "time" and reached >= self.plan.reset_at

    def may_shut(self):
        return not self.has_shut and not self.prefix and self.sent == self.out.size and (
            self.plan.ending != "answer" or self.has_ended)

    def settle(self):
        """What follows from all that was sent and has come."""
        self.is_new = False
        if self.is_over:
            return
        if self.is_due_to_reset() and not self.prefix:
            self.reset()
        elif self.may_shut() and "shut" not in self.rests:
            self.rests.add("shut")
            self.load.later(self.plan.delay_s, self.shut)
        elif self.has_shut and self.has_ended:
            self.close()
        self.update()

    def shut(self):
        if self.is_over:
            return
        self.has_shut = True
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.on_reset(error)
        self.settle()
