# SPDX-License-Identifier: MIT
"""The proxy's relay: every byte arrives once and in order, both ways, whatever happens meanwhile."""

import hashlib
import json
import os
import random
import resource
import socket
import threading
import time

import pytest

from client import connect, echoes, receive, receive_all, reset, talk
from daemon import PATIENCE, count_descriptors, eventually, server
from steady import SteadyLoad

MIB = 1024 * 1024
PATTERN = random.Random(7).randbytes(MIB)


class Upstream:
    """A listening socket of the test's own; `accept()` gives the far end of a relayed client."""

    def __init__(self, family=socket.AF_INET):
        self.socket = socket.socket(family)
        self.socket.settimeout(PATIENCE)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(64)
        self.name = "127.0.0.1:%d" % self.socket.getsockname()[1]

    def accept(self):
        client = self.socket.accept()[0]
        client.settimeout(PATIENCE)
        return client

    def close(self):
        self.socket.close()


@pytest.fixture
def upstream():
    one = Upstream()
    yield one
    one.close()


@pytest.fixture
def relaying(prongd):
    """Makes daemons with a proxy."""
    def make(*upstreams, **options):
        daemon = prongd(server("relay", "proxy", upstream=", ".join(upstreams), **options))
        for pid in daemon.worker_pids():
            daemon.descriptors[pid] += 1  # the set of paused sockets stays
        return daemon
    return make


@pytest.fixture
def relay(relaying, upstream):
    """A daemon that relays to the test's own upstream."""
    return relaying(upstream.name)


def pair(daemon, upstream):
    """A client and its far end."""
    client = connect(daemon.address("relay"))
    return client, upstream.accept()


def reload(daemon):
    """What `prongctl reload` answers; when it does, the old generation is gone."""
    answer = daemon.ctl("reload", "--json")
    assert answer.returncode == 0, answer.stderr + daemon.log()
    return json.loads(answer.stdout)


def pipes(daemon):
    """How many ends of pipes the workers have."""
    found = 0
    for pid in daemon.worker_pids():
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                found += os.readlink(f"/proc/{pid}/fd/{fd}").startswith("pipe:")
            except OSError:
                continue
    return found


class Flow:
    """A pattern from one socket to another, so many MiB or until it is told to stop; each end has a
    thread of its own."""

    def __init__(self, source, target, mib=None):
        self.rest = mib
        self.is_stopped = False
        self.sent = self.arrived = 0
        self.digest = hashlib.sha256()
        self.threads = [threading.Thread(target=self.send, args=(source,), daemon=True),
                        threading.Thread(target=self.receive, args=(target,), daemon=True)]
        for thread in self.threads:
            thread.start()

    def send(self, source):
        while not self.is_stopped and self.rest != 0:
            source.sendall(PATTERN)
            self.sent += MIB
            self.rest = self.rest and self.rest - 1
        source.shutdown(socket.SHUT_WR)

    def receive(self, target):
        while part := target.recv(MIB):
            self.digest.update(part)
            self.arrived += len(part)

    def is_over(self):
        return not any(thread.is_alive() for thread in self.threads)

    def assert_flawless(self):
        self.is_stopped = self.rest is None
        for thread in self.threads:
            thread.join(PATIENCE)
        assert self.arrived == self.sent > 0
        assert self.digest.digest() == pattern_digest(self.arrived)


# --- One connection ---

def test_a_client_and_an_upstream_talk(relay, upstream):
    client, far = pair(relay, upstream)
    for message in (b"question", b"another one"):
        client.sendall(message)
        assert receive(far, len(message)) == message
        far.sendall(message[::-1])
        assert receive(client, len(message)) == message[::-1]


def test_an_upstream_may_speak_first(relay, upstream):
    client, far = pair(relay, upstream)
    far.sendall(b"220 welcome")
    assert receive(client, 11) == b"220 welcome"


def test_what_a_client_sent_and_its_end_arrive_before_the_answer(relay, upstream):
    client, far = pair(relay, upstream)
    client.sendall(b"all of the question")
    client.shutdown(socket.SHUT_WR)
    assert receive_all(far) == b"all of the question"
    far.sendall(b"the answer")
    far.close()
    assert receive_all(client) == b"the answer"


def test_an_upstream_that_ended_still_receives(relay, upstream):
    client, far = pair(relay, upstream)
    far.sendall(b"that is all from here")
    far.shutdown(socket.SHUT_WR)
    assert receive_all(client) == b"that is all from here"
    client.sendall(PATTERN)
    client.close()
    assert receive_all(far) == PATTERN


def test_a_client_that_closes_loses_nothing_of_what_it_sent(relay, upstream):
    """The upstream has ended and is slow: the client is long gone when the last byte leaves."""
    client, far = pair(relay, upstream)
    far.shutdown(socket.SHUT_WR)
    assert receive_all(client) == b""
    sender = threading.Thread(target=lambda: (client.sendall(PATTERN * 8), client.close()))
    sender.start()
    assert receive(far, 7 * MIB) == PATTERN * 7
    sender.join(PATIENCE)
    assert receive_all(far) == PATTERN
    eventually(lambda: relay.connections() == 0, "the pair is gone")


def test_a_reset_of_either_side_resets_the_other(relay, upstream):
    client, far = pair(relay, upstream)
    assert echo_through(client, far)
    reset(client)
    with pytest.raises(ConnectionResetError):
        far.recv(1)
    client, far = pair(relay, upstream)
    assert echo_through(client, far)
    reset(far)
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    eventually(lambda: relay.connections() == 0, "both pairs are gone")


def test_a_reset_behind_an_end_resets_the_other_side(relay, upstream):
    """Nobody has anything to say any more: only the loop can tell it."""
    client, far = pair(relay, upstream)
    client.shutdown(socket.SHUT_WR)
    assert receive_all(far) == b""
    reload(relay)
    reset(client)
    wait_for_reset(far)
    client, far = pair(relay, upstream)
    far.shutdown(socket.SHUT_WR)
    assert receive_all(client) == b""
    reset(far)
    wait_for_reset(client)
    eventually(lambda: relay.connections() == 0, "both pairs are gone")


def wait_for_reset(one):
    eventually(lambda: one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), "it is reset")


def echo_through(client, far):
    client.sendall(b"ping")
    return receive(far, 4) == b"ping"


def test_a_client_that_resets_while_it_is_connected_ends_the_attempt(relaying):
    """Nobody accepts there, and the backlog is full: the attempt hangs."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    fillers = [connect(full.getsockname())]
    daemon = relaying("127.0.0.1:%d" % full.getsockname()[1], connect_timeout="1m",
                      try_timeout="1m")
    client = connect(daemon.address("relay"))
    eventually(lambda: daemon.connections() == 1, "it is accepted")
    reset(client)
    eventually(lambda: daemon.connections() == 0, "it is gone")
    for filler in fillers:
        filler.close()
    full.close()


def test_the_next_upstream_is_tried_when_one_refuses(relaying, upstream):
    closed = Upstream()
    name = closed.name
    closed.close()
    daemon = relaying(name, upstream.name, max_fails=0)
    for _ in range(4):
        assert echo_through(*pair(daemon, upstream))


def test_without_any_upstream_a_client_is_closed(relaying):
    closed = Upstream()
    name = closed.name
    closed.close()
    daemon = relaying(name)
    with connect(daemon.address("relay")) as client:
        assert receive_all(client) == b""
    daemon.wait_for_log("no upstream")


def test_idle_pairs_end_and_busy_ones_do_not(relaying, upstream):
    daemon = relaying(upstream.name, timeout="300ms")
    client, far = pair(daemon, upstream)
    assert receive_all(client) == b"" and receive_all(far) == b""


def test_a_client_that_times_out_does_not_take_what_it_has_for_all(relaying, upstream):
    """It has stopped reading; a reset, not an end, follows what is left in its kernel."""
    client, far = pair(relaying(upstream.name, timeout="300ms"), upstream)
    with pytest.raises(ConnectionResetError):
        while True:
            far.sendall(PATTERN)
    with pytest.raises(ConnectionResetError):
        receive_all(client)


# --- Much ---

def test_bulk_goes_through_pipes_which_are_given_back(relay, upstream):
    client, far = pair(relay, upstream)
    before = pipes(relay)
    flow = Flow(client, far, 64)
    eventually(lambda: pipes(relay) > before or flow.is_over(), "a pipe is lent")
    flow.assert_flawless()
    back = Flow(far, client, 64)
    back.assert_flawless()


def test_both_directions_at_once(relay, upstream):
    client, far = pair(relay, upstream)
    flows = Flow(client, far, 64), Flow(far, client, 64)
    for flow in flows:
        flow.assert_flawless()


def fill(far, meanwhile=lambda: time.sleep(0.01)):
    """Sends the pattern again and again until nobody takes it any more; how much that was."""
    sent = refusals = 0
    far.setblocking(False)
    while refusals < 20 and sent < 256 * MIB:
        try:
            sent += far.send(PATTERN[sent % MIB:])
            refusals = 0
        except BlockingIOError:
            refusals += 1
            meanwhile()
    far.settimeout(PATIENCE)
    return sent


def pattern_digest(size):
    digest = hashlib.sha256()
    for _ in range(size // MIB):
        digest.update(PATTERN)
    digest.update(PATTERN[:size % MIB])
    return digest.digest()


def test_a_slow_reader_holds_up_its_source_alone(relay, upstream):
    """What the relay keeps for it is bounded; another pair goes on."""
    client, far = pair(relay, upstream)
    sent = fill(far, lambda: echo_through(*pair(relay, upstream)))
    assert sent < 64 * MIB
    assert hashlib.sha256(receive(client, sent)).digest() == pattern_digest(sent)


# --- Descriptors ---

def allow_descriptors(pid, more):
    """So many more than it has; None: as many as it likes."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    soft = hard if more is None else count_descriptors(pid) + more
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def one_worker(prongd, upstream):
    """A daemon with one worker, which has had a pair, and its process."""
    daemon = prongd(server("relay", "proxy", upstream=upstream.name), workers=1)
    [pid] = daemon.worker_pids()
    daemon.descriptors[pid] += 1  # the set of paused sockets stays
    client, far = pair(daemon, upstream)
    client.close()
    far.close()
    eventually(lambda: daemon.connections() == 0, "the pair is gone")
    return daemon, pid


def test_a_worker_without_descriptors_refuses_a_client_and_nobody_else(one_worker, upstream):
    daemon, pid = one_worker
    client, far = pair(daemon, upstream)
    allow_descriptors(pid, 1)
    with connect(daemon.address("relay")) as refused:
        assert receive_all(refused) == b""
    assert "Too many open files" in daemon.log()
    assert echo_through(client, far)
    allow_descriptors(pid, None)
    assert echo_through(*pair(daemon, upstream))


def test_bulk_needs_no_pipes(one_worker, upstream):
    daemon, pid = one_worker
    client, far = pair(daemon, upstream)
    allow_descriptors(pid, 1)
    flows = Flow(client, far, 32), Flow(far, client, 32)
    for flow in flows:
        flow.assert_flawless()
    allow_descriptors(pid, None)


# --- Moving ---

def test_a_pair_survives_reloads_with_splice_under_way(relay, upstream):
    client, far = pair(relay, upstream)
    flows = Flow(client, far), Flow(far, client)
    for _ in range(20):
        seen = [flow.arrived for flow in flows]
        assert reload(relay)["moved"] == 1
        eventually(lambda: all(flow.arrived > so_far + 2 * MIB
                               for flow, so_far in zip(flows, seen)), "bytes flow")
    assert pipes(relay) > 0
    for flow in flows:
        flow.assert_flawless()


def test_slow_readers_keep_what_is_in_their_pipes_over_reloads(relay, upstream):
    pairs = [pair(relay, upstream) for _ in range(8)]
    sent = [fill(far) for _, far in pairs]
    for _ in range(3):
        reload(relay)
    for (client, far), size in zip(pairs, sent):
        far.shutdown(socket.SHUT_WR)
        assert hashlib.sha256(receive_all(client)).digest() == pattern_digest(size)


def test_half_closed_pairs_stay_half_closed_over_a_reload(relay, upstream):
    one, far_one = pair(relay, upstream)
    two, far_two = pair(relay, upstream)
    one.shutdown(socket.SHUT_WR)
    assert receive_all(far_one) == b""
    far_two.shutdown(socket.SHUT_WR)
    assert receive_all(two) == b""
    reload(relay)
    far_one.sendall(b"down")
    far_one.close()
    assert receive_all(one) == b"down"
    two.sendall(b"up")
    two.close()
    assert receive_all(far_two) == b"up"


def test_many_pairs_lose_double_and_reorder_nothing(prongd, relaying):
    echo = prongd(server("echo", "echo"))
    host, port = echo.address("echo")
    daemon = relaying(f"{host}:{port}")
    with SteadyLoad(daemon.addresses("relay"), connections=60, streams=20, slow=10,
                    interval=0.02) as load:
        load.command("go")
        for _ in range(8):
            reload(daemon)
        load.command("check").assert_flawless()
        assert daemon.connections() == 60


def test_unix_upstreams_survive_a_reload_too(prongd, relaying):
    name = f"@prong-relay-{os.getpid()}"
    prongd(server("echo", "echo", f"unix:{name}"))
    daemon = relaying(f"unix:{name}")
    with connect(daemon.address("relay")) as client:
        assert echoes(client)
        reload(daemon)
        assert echoes(client)
    assert talk(daemon.address("relay"), b"once") == b"once"
