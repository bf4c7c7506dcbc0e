# SPDX-License-Identifier: MIT
"""The example kv: memcached's protocol, one store for all workers, whoever dies or is replaced."""

import contextlib
import os
import random
import signal
import threading
import time

import pytest

from client import connect
from daemon import eventually, server
from modules import compile_example


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kv")
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == folder.stat().st_uid and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    return compile_example(folder / "kv.so", "kv.c", "requests.c", "store.c")


class Client:
    def __init__(self, daemon, name="kv"):
        self.socket = connect(daemon.address(name))
        self.stream = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def sends(self, request):
        self.socket.sendall(request)

    def line(self):
        return self.stream.readline().removesuffix(b"\r\n")

    def asks(self, request):
        self.sends(request + b"\r\n")
        return self.line()

    def set(self, key, value, flags=0, expiry=0):
        return self.asks(b"set %s %d %d %d\r\n%s" % (key, flags, expiry, len(value), value))

    def get(self, *keys):
        """{key: (flags, value)}"""
        self.sends(b"get " + b" ".join(keys) + b"\r\n")
        found = {}
        while (line := self.line()) != b"END":
            word, key, flags, size = line.split()
            assert word == b"VALUE"
            found[key] = (int(flags), self.stream.read(int(size)))
            assert self.stream.read(2) == b"\r\n"
        return found

    def value(self, key):
        return self.get(key).get(key, (0, None))[1]

    def stats(self):
        self.sends(b"stats\r\n")
        found = {}
        while (line := self.line()) != b"END":
            _, name, value = line.split()
            found[name.decode()] = int(value)
        return found


@pytest.fixture
def clients():
    made = []

    def make(daemon, count=8):
        """Some with every worker."""
        made.extend(Client(daemon) for _ in range(count))
        while {client.stats()["pid"] for client in made} != set(daemon.worker_pids()):
            assert len(made) < 200
            made.append(Client(daemon))
        return made

    with contextlib.ExitStack() as stack:
        stack.callback(lambda: [client.__exit__() for client in made])
        yield make


def test_what_one_worker_stores_all_find(prongd, module, clients):
    daemon = prongd(server("kv", module), workers=3)
    everybody = clients(daemon)
    for i, client in enumerate(everybody):
        assert client.set(b"key%d" % i, b"value %d" % i, flags=i) == b"STORED"
    for client in everybody:
        assert client.get(*[b"key%d" % i for i in range(len(everybody))]) == {
            b"key%d" % i: (i, b"value %d" % i) for i in range(len(everybody))}
    assert everybody[0].asks(b"delete key1") == b"DELETED"
    assert everybody[1].asks(b"delete key1") == b"NOT_FOUND"
    assert everybody[2].value(b"key1") is None
    stats = everybody[0].stats()
    assert stats["cmd_set"] == len(everybody) and stats["delete_hits"] == 1


def test_it_counts_over_all_workers_without_losing_one(prongd, module, clients):
    daemon = prongd(server("kv", module), workers=3)
    everybody = clients(daemon)
    everybody[0].set(b"n", b"0")
    everybody[0].sends(b"".join(b"incr n 1 noreply\r\n" for _ in range(100)))

    def count(client):
        for _ in range(100):
            assert client.asks(b"incr n 1").isdigit()

    threads = [threading.Thread(target=count, args=[client]) for client in everybody[1:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = 100 * len(everybody)
    eventually(lambda: everybody[1].value(b"n") == b"%d" % expected, "all are counted")


ANSWERS = [
    (b"nonsense", b"ERROR"),
    (b"", b"ERROR"),
    (b"GET key", b"ERROR"),
    (b"get", b"ERROR"),
    (b"get " + b"k" * 251, b"CLIENT_ERROR bad key"),
    (b"set key 0 0", b"CLIENT_ERROR bad command line format"),
    (b"set key 0 0 x", b"CLIENT_ERROR bad command line format"),
    (b"set key -1 0 1", b"CLIENT_ERROR bad command line format"),
    (b"incr key x", b"CLIENT_ERROR invalid numeric delta argument"),
    (b"incr nothing 1", b"NOT_FOUND"),
    (b"incr text 1", b"CLIENT_ERROR cannot increment or decrement non-numeric value"),
    (b"version", b"VERSION kv 1.0"),
    (b"set key 0 0 5\r\nlonger", b"CLIENT_ERROR bad data chunk"),  # its rest is a line
]


def test_answers_of_one_line(prongd, module):
    daemon = prongd(server("kv", module), workers=1)
    with Client(daemon) as client:
        client.set(b"text", b"text")
        for request, answer in ANSWERS:
            assert client.asks(request) == answer


def test_lines_that_are_too_long_end_the_connection(prongd, module):
    daemon = prongd(server("kv", module), workers=1)
    with Client(daemon) as client:
        assert client.asks(b"get " + b"x" * 3000) == b"CLIENT_ERROR line too long"
        assert client.line() == b""


def test_a_value_that_is_too_long_is_dropped_and_the_next_request_is_served(prongd, module):
    daemon = prongd(server("kv", module, shared_memory="1m"), workers=1)
    with Client(daemon) as client:
        assert client.set(b"big", b"x" * 500_000) == b"SERVER_ERROR object too large for cache"
        assert client.set(b"small", b"x") == b"STORED"
        assert client.get(b"big", b"small") == {b"small": (0, b"x")}


def test_values_pass(prongd, module):
    daemon = prongd(server("kv", module), workers=1)
    with Client(daemon) as client:
        client.set(b"brief", b"x", expiry=1)
        client.set(b"past", b"x", expiry=-1)
        client.set(b"long", b"x", expiry=1000)
        assert client.value(b"past") is None
        assert client.value(b"long") == b"x"
        eventually(lambda: client.value(b"brief") is None, "a second is over")


def test_where_memory_is_short_the_oldest_are_forgotten(prongd, module):
    daemon = prongd(server("kv", module, shared_memory="1m"), workers=2)
    with Client(daemon) as client:
        for i in range(3000):
            assert client.set(b"key%d" % i, b"%d " % i + b"x" * 1000) == b"STORED"
        stats = client.stats()
        assert stats["bytes"] <= stats["limit_maxbytes"] < 1 << 20
        assert client.value(b"key0") is None
        for i in range(2500, 3000):
            assert client.value(b"key%d" % i) == b"%d " % i + b"x" * 1000


def test_it_outlives_reloads_upgrades_and_half_of_a_block(prongd, module):
    daemon = prongd(server("kv", module), workers=2)
    with Client(daemon) as client:
        client.set(b"before", b"1")
        client.sends(b"set half 3 0 10\r\n01234")
        assert daemon.ctl("reload").returncode == 0
        assert client.asks(b"56789") == b"STORED"
        client.sends(b"get before ha")
        assert daemon.ctl("upgrade").returncode == 0
        client.sends(b"lf\r\n")
        assert [client.line() for _ in range(5)] == [
            b"VALUE before 0 1", b"1", b"VALUE half 3 10", b"0123456789", b"END"]
    daemon.descriptors = {}  # of processes that are gone


def test_what_is_stored_is_whole_after_workers_were_killed_at_any_moment(prongd, module):
    daemon = prongd(server("kv", module, shared_memory="1m"), workers=2, max_respawns=100)
    stopped = threading.Event()

    def write(number):
        chance = random.Random(number)
        while not stopped.is_set():
            try:
                with Client(daemon) as client:
                    while not stopped.is_set():
                        key = b"key%d" % chance.randrange(200)
                        client.set(key, key * chance.randrange(1, 2000 // len(key)))
            except (OSError, ValueError):
                pass  # its worker was killed

    writers = [threading.Thread(target=write, args=[i]) for i in range(4)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(12):
            victim = daemon.worker_pids()[0]
            time.sleep(random.random() / 10)  # at any moment
            os.kill(victim, signal.SIGKILL)
            eventually(lambda victim=victim: victim not in daemon.worker_pids()
                       and daemon.is_ready(), "replaced")
    finally:
        stopped.set()
        for writer in writers:
            writer.join()
    with Client(daemon) as client:
        found = client.get(*[b"key%d" % i for i in range(31)])
        assert found
        for key, (_, value) in found.items():
            assert value == key * (len(value) // len(key))
        assert client.set(b"after", b"x") == b"STORED"


def test_who_asks_too_much_waits(prongd, module):
    daemon = prongd(server("kv", module, rate_limit=50), workers=2)
    daemon.descriptors = {}  # one more stays for the hang-ups of clients that are not read
    with Client(daemon) as client:
        began = time.monotonic()
        client.sends(b"version\r\n" * 60)
        for i in range(30):
            assert client.line() == b"VERSION kv 1.0"
        assert daemon.ctl("reload").returncode == 0  # the rest waits in the new worker
        for i in range(30):
            assert client.line() == b"VERSION kv 1.0"
        assert time.monotonic() - began >= 0.9  # 60 at 50 a second, 5 of them at once
    counts = {each["counter"]: each["count"] for each in daemon.server_status("kv")["counters"]}
    assert counts["requests"] == 60 and counts["paced"] >= 5
