# SPDX-License-Identifier: MIT
"""What one worker publishes is heard in all of them: once, in one order, over every move."""

import os
import signal
import threading
from pathlib import Path

import pytest

from client import connect
from daemon import eventually, server
from modules import compile_module


@pytest.fixture
def crier(tmp_path):
    tmp_path.chmod(0o755)
    return compile_module("crier.c", tmp_path / "crier.so")


class Listener:
    """A client that hears lines."""

    def __init__(self, daemon, name="town"):
        self.socket = connect(daemon.address(name))
        self.stream = self.socket.makefile("rwb")
        self.worker = int(self.asks("!worker"))

    def says(self, line):
        self.stream.write(line.encode() + b"\n")
        self.stream.flush()

    def hears(self):
        return self.stream.readline().decode().rstrip("\n")

    def asks(self, line):
        self.says(line)
        return self.hears()

    def hears_until(self, last):
        heard = [self.hears()]
        while heard[-1] != last:
            assert heard[-1] and not heard[-1].startswith("error"), heard
            heard.append(self.hears())
        return heard

    def close(self):
        self.stream.close()
        self.socket.close()


@pytest.fixture
def listeners():
    made = []

    def make(daemon, count, name="town"):
        made.extend(Listener(daemon, name) for _ in range(count))
        return made[-count:]

    yield make
    for listener in made:
        listener.close()


def spread(daemon, listeners, count=8):
    """So many, and a few more until every worker has some."""
    found = listeners(daemon, count)
    workers = set(daemon.worker_pids())
    while {listener.worker for listener in found} != workers:
        assert len(found) < count + 200
        found += listeners(daemon, 1)
    return found


def counts(daemon, name="town"):
    return {each["counter"]: each["count"] for each in daemon.server_status(name)["counters"]}


def test_everybody_hears_it_once_in_every_worker(prongd, crier, listeners):
    daemon = prongd(server("town", crier), workers=3)
    everybody = spread(daemon, listeners, 9)
    for i, listener in enumerate(everybody):
        listener.says(f"line {i}")
    heard = [[listener.hears() for _ in everybody] for listener in everybody]
    assert sorted(heard[0]) == sorted(f"line {i}" for i in range(len(everybody)))
    assert all(lines == heard[0] for lines in heard)
    assert counts(daemon) == {"heard": 3 * len(everybody), "lost": 0, "refused": 0}


def test_another_server_of_the_same_module_hears_nothing(prongd, crier, listeners):
    daemon = prongd(server("town", crier) + server("village", crier))
    [villager] = listeners(daemon, 1, "village")
    [citizen] = listeners(daemon, 1, "town")
    citizen.says("in town")
    assert citizen.hears() == "in town"
    villager.says("in the village")
    assert villager.hears() == "in the village"


def test_a_newcomer_hears_nothing_old(prongd, crier, listeners):
    daemon = prongd(server("town", crier), workers=2)
    first = spread(daemon, listeners)
    first[0].says("old")
    assert all(listener.hears() == "old" for listener in first)
    newcomers = listeners(daemon, 4)
    first[0].says("new")
    assert all(listener.hears() == "new" for listener in newcomers)


class Talker(threading.Thread):
    """Says numbers, each when it has heard the one before, until it is told to stop."""

    def __init__(self, listener, name):
        super().__init__()
        self.listener, self.name = listener, name
        self.count = 0
        self.stopped = threading.Event()
        self.heard = []
        self.start()

    def run(self):
        while not self.stopped.is_set():
            self.count += 1
            said = f"{self.name} {self.count}"
            self.listener.says(said)
            self.heard += self.listener.hears_until(said)

    def stop(self):
        self.stopped.set()
        self.join()


def talk_during(everybody, act):
    """All that was heard by each, while `act` happened: from beginning to end the same."""
    talkers = [Talker(everybody[i], f"talker-{i}") for i in range(2)]
    try:
        act()
        eventually(lambda: all(talker.count > 20 for talker in talkers), "they have said a lot")
    finally:
        for talker in talkers:
            talker.stop()
    everybody[0].says("the end")
    heard = [listener.hears_until("the end") for listener in everybody]
    return talkers, [(talkers[i].heard if i < 2 else []) + heard[i] for i in range(len(everybody))]


def assert_all_heard_all_once(talkers, heard):
    assert all(lines == heard[0] for lines in heard)
    for talker in talkers:
        own = [line for line in heard[0] if line.startswith(talker.name)]
        assert own == [f"{talker.name} {i}" for i in range(1, talker.count + 1)]


def test_nothing_is_missed_or_repeated_over_reloads(prongd, crier, listeners):
    daemon = prongd(server("town", crier), workers=2)
    everybody = spread(daemon, listeners, 30)

    def reload():
        for _ in range(8):
            assert daemon.ctl("reload").returncode == 0

    assert_all_heard_all_once(*talk_during(everybody, reload))
    assert daemon.connections() == len(everybody)
    assert counts(daemon)["lost"] == 0


class Newcomer(Listener):
    """Comes in the middle of it: what it hears before it is answered counts, too."""

    def __init__(self, daemon):
        self.early = []
        super().__init__(daemon)

    def asks(self, line):
        self.says(line)
        while not (heard := self.hears()).isdigit():
            self.early.append(heard)
        return heard


def test_who_comes_in_the_middle_misses_nothing_from_there_on(prongd, crier, listeners):
    daemon = prongd(server("town", crier), workers=2)
    everybody = spread(daemon, listeners, 12)
    newcomers = []

    def come():
        for _ in range(4):
            newcomers.extend(Newcomer(daemon) for _ in range(6))
            assert daemon.ctl("reload").returncode == 0

    talkers, heard = talk_during(everybody, come)
    assert_all_heard_all_once(talkers, heard)
    for newcomer in newcomers:
        lines = newcomer.early + newcomer.hears_until("the end")
        assert lines == heard[0][-len(lines):]
        newcomer.close()


def test_nothing_is_missed_or_repeated_over_upgrades_and_other_numbers_of_workers(
        prongd, crier, listeners):
    daemon = prongd(server("town", crier), workers=2)
    everybody = spread(daemon, listeners, 20)

    def change():
        assert daemon.ctl("workers", "3").returncode == 0
        assert daemon.ctl("upgrade").returncode == 0
        assert daemon.ctl("workers", "1").returncode == 0
        assert daemon.ctl("recycle", "0").returncode == 0

    assert_all_heard_all_once(*talk_during(everybody, change))
    assert daemon.connections() == len(everybody)
    daemon.descriptors = {}  # of processes that are gone


def test_a_worker_that_is_killed_takes_its_own_listeners_alone(prongd, crier, listeners):
    daemon = prongd(server("town", crier), workers=3)
    everybody = spread(daemon, listeners, 12)
    victim = everybody[0].worker
    rest = [listener for listener in everybody if listener.worker != victim]

    def kill():
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: victim not in daemon.worker_pids() and daemon.is_ready(), "replaced")

    talkers, heard = talk_during(rest, kill)
    assert all(lines == heard[0] for lines in heard)
    [newcomer] = listeners(daemon, 1)
    newcomer.says("hello")
    assert all(listener.hears() == "hello" for listener in rest)


def test_who_is_lapped_is_told_how_many_are_lost(prongd, crier, listeners):
    daemon = prongd(server("town", crier, broadcast_buffer="64k"), workers=2,
                    worker_timeout="60s")
    everybody = spread(daemon, listeners)
    slow = everybody[0]
    fast = next(listener for listener in everybody if listener.worker != slow.worker)
    os.kill(slow.worker, signal.SIGSTOP)
    try:
        for i in range(300):
            assert fast.asks(f"{i} " + "x" * 1000) == f"{i} " + "x" * 1000
    finally:
        os.kill(slow.worker, signal.SIGCONT)
    lost = slow.hears()
    assert lost.startswith("lost ")
    assert slow.hears().split()[0] == lost.split()[1]  # the next one, counted from 0
    assert slow.hears_until("299 " + "x" * 1000)
    assert counts(daemon)["lost"] == int(lost.split()[1])
    daemon.wait_for_log("raise broadcast_buffer")


def test_a_message_that_is_too_long_is_refused(prongd, crier, listeners):
    daemon = prongd(server("town", crier, broadcast_buffer="64k"))
    [listener] = listeners(daemon, 1)
    assert listener.asks("x" * 16384) == "x" * 16384
    assert listener.asks("x" * 16385) == "error -90"  # EMSGSIZE
    assert counts(daemon)["refused"] == 1


def test_another_handler_of_the_same_server_hears_none_of_it(prongd, crier, listeners, tmp_path):
    """Whose messages mean something else.  Both run while the old one's connections drain."""
    daemon = prongd(server("town", crier))
    [old] = listeners(daemon, 1)
    herald = compile_module("crier.c", tmp_path / "herald.so", NAME='"herald"')
    daemon.write_config(server("town", herald))
    assert daemon.ctl("reload", "--no-wait").returncode == 0
    eventually(lambda: daemon.server_status("town")["handler"] == "herald", "the new one serves")
    [new] = listeners(daemon, 1)
    assert old.asks("of old") == "of old"
    assert new.asks("of now") == "of now"
    assert old.asks("again") == "again"
    daemon.descriptors = {}  # of processes that are gone


def test_the_size_of_the_buffer_needs_a_restart(prongd, crier):
    daemon = prongd(server("town", crier))
    daemon.write_config(server("town", crier, broadcast_buffer="2m"))
    refused = daemon.ctl("reload")
    assert refused.returncode != 0 and "broadcast_buffer" in refused.stderr


def test_a_server_that_is_gone_leaves_no_memory_behind(prongd, crier, listeners):
    daemon = prongd(server("town", crier) + server("echo", "echo"))
    folder = Path(f"/proc/{daemon.process.pid}/fd")

    def has_ring():
        return any("prong-broadcast" in os.readlink(fd) for fd in folder.iterdir())

    assert has_ring()
    daemon.write_config(server("echo", "echo"))
    assert daemon.ctl("reload").returncode == 0
    eventually(lambda: not has_ring(), "the ring is closed with its last generation")


def test_workers_at_rest_stay_at_rest(prongd, crier, listeners):
    """A message wakes everybody once, and nobody polls."""
    daemon = prongd(server("town", crier, accept="shared"), workers=2)
    everybody = listeners(daemon, 8)
    everybody[0].says("once")
    assert all(listener.hears() == "once" for listener in everybody)

    def switches():
        return sum(int(line.split()[1])
                   for pid in daemon.worker_pids() for line in open(f"/proc/{pid}/status")
                   if line.startswith("voluntary_ctxt_switches"))

    before, started = switches(), daemon.status()["master"]["uptime_s"]
    eventually(lambda: daemon.status()["master"]["uptime_s"] >= started + 3, "three seconds")
    passed = daemon.status()["master"]["uptime_s"] - started
    assert switches() - before <= 2 * 3 * (passed + 1)  # the pulse, once a second
