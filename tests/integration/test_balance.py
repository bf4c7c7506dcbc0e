# SPDX-License-Identifier: MIT
"""accept = balanced: workers stay even, and nobody waits for one that cannot come."""

import contextlib
import os
import signal
import subprocess
import threading
import time

import pytest

import kernel
from arrivals import Arrivals, ports_of_workers, shares
from client import connect, echoes
from daemon import BUILD, eventually, server

HELLO = server("hello", "hello")
WORKERS = 4
RATE = 1000


@pytest.fixture
def hello(prongd):
    """Four workers that greet."""
    daemon = prongd(HELLO, workers=WORKERS)
    daemon.descriptors = {}  # connections stay until the end
    return daemon


@contextlib.contextmanager
def arrivals(daemon, most, name="hello", rate=RATE):
    with Arrivals(daemon.address(name), most, rate) as load:
        yield load


@contextlib.contextmanager
def stopped(*pids):
    """They are not in the middle of something: nothing arrives when this begins."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def is_even(counts, percent=10):
    """On a machine that does other things, too, a worker takes a few more now and then."""
    mean = sum(counts) / len(counts)
    return max(abs(count - mean) for count in counts) <= mean * percent / 100


def make_lightest_but(daemon, load, slot):
    """All others lose their connections."""
    ports = ports_of_workers(daemon, "hello")
    load.close([port for index, own in enumerate(ports) if index != slot for port in own])
    eventually(lambda: [bool(count) for count in shares(daemon, "hello")] ==
               [index == slot for index in range(WORKERS)], "the others have none")


def gate(daemon, slot):
    return daemon.status()["workers"][slot]["gate"]


def close_gate(daemon, load, slot):
    """A gate closes when its worker, being above the mean, gets one more."""
    load.arrive(400)
    make_lightest_but(daemon, load, slot)
    for _ in range(20):
        load.arrive(20)
        if gate(daemon, slot) == "closed":
            return
    assert False, "its gate does not close"


# --- even ---


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0"])
def test_what_arrives_is_spread_evenly(prongd, listen):
    daemon = prongd(server("hello", "hello", listen=listen), workers=WORKERS)
    daemon.descriptors = {}
    with arrivals(daemon, 1000) as load:
        assert load.arrive(1000) == 1000
        counts = shares(daemon, "hello")
        status = daemon.server_status("hello")
    assert is_even(counts), counts
    assert sum(counts) == status["connections"] == 1000
    assert status["max_to_mean"] == pytest.approx(max(counts) * WORKERS / 1000)


def test_a_worker_that_lost_its_connections_catches_up(hello):
    with arrivals(hello, 4000) as load:
        load.arrive(1000)
        load.close(ports_of_workers(hello, "hello")[0])
        load.arrive(2000)
        assert load.errors == 0, load.first_error
        counts = shares(hello, "hello")
    assert is_even(counts), counts


def test_each_server_is_even_by_itself(prongd):
    daemon = prongd(HELLO + server("other", "hello"), workers=WORKERS)
    daemon.descriptors = {}
    with arrivals(daemon, 1000) as load, arrivals(daemon, 1000, "other") as other:
        load.arrive(400)
        make_lightest_but(daemon, load, 0)
        other.arrive(1000)
        skewed, counts = shares(daemon, "hello"), shares(daemon, "other")
    assert skewed[1:] == [0, 0, 0] and skewed[0] > 0
    assert is_even(counts), counts


# --- workers that die, and their successors ---


def test_a_worker_that_is_killed_leaves_no_ghost(hello):
    """What it had counts for nobody any more; those who wait meanwhile are taken."""
    pid = hello.worker_pids()[0]
    with arrivals(hello, 3000) as load:
        thread = threading.Thread(target=load.arrive, args=(3000,))
        thread.start()
        eventually(lambda: hello.server_status("hello")["accepted"] > 500, "many have arrived")
        os.kill(pid, signal.SIGKILL)
        thread.join()
        counts = shares(hello, "hello")
    # One that was accepted but not greeted yet may have gone with it, for each handle.
    assert load.errors <= 1, load.first_error
    assert 0 < load.lost < 1000 and sum(counts) == 3000 - load.lost - load.errors
    assert is_even(counts), counts


def test_a_new_worker_is_neither_starved_nor_flooded(hello):
    def accepted():
        return [worker["accepted"] for worker in hello.status()["workers"]]

    with arrivals(hello, 2500) as load:
        load.arrive(2000)
        victim = hello.worker_pids()[0]
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: victim not in hello.worker_pids() and hello.is_ready(), "it is there")
        before = accepted()
        load.arrive(500)
        new, *others = [now - then for now, then in zip(accepted(), before)]
    assert new > 500 / WORKERS
    assert min(others) > 10, (new, others)


# --- workers that do not come ---


def test_nobody_waits_for_a_worker_that_is_stopped(hello):
    with arrivals(hello, 1000) as load:
        load.arrive(200)
        with stopped(hello.worker_pids()[0]):
            assert load.arrive(400) == 400
        assert load.errors == 0, load.first_error


def test_nobody_waits_for_a_worker_that_is_stopped_while_its_gate_is_closed(hello):
    """Its count stays low, in the end, and would hold all the others up for ever."""
    with arrivals(hello, 3000) as load:
        close_gate(hello, load, 0)
        with stopped(hello.worker_pids()[0]):
            assert load.arrive(1000) == 1000
        assert load.errors == 0, load.first_error


def test_one_worker_that_is_left_takes_everybody(hello):
    with arrivals(hello, 1000) as load:
        load.arrive(200)
        with stopped(*hello.worker_pids()[1:]):
            assert load.arrive(400) == 400
        assert load.errors == 0, load.first_error


def test_a_worker_that_goes_on_after_a_stop_catches_up(hello):
    with arrivals(hello, 4000) as load:
        load.arrive(400)
        with stopped(hello.worker_pids()[0]):
            load.arrive(600)
        load.arrive(2000)
        counts = shares(hello, "hello")
    assert is_even(counts), counts


def test_nobody_waits_while_generations_change(hello):
    """A worker that leaves may have the wake-up for somebody in its hands."""
    with arrivals(hello, 3000) as load:
        thread = threading.Thread(target=load.arrive, args=(3000,))
        thread.start()
        for _ in range(3):
            assert hello.ctl("reload").returncode == 0
        thread.join()
        assert load.errors == 0, load.first_error
    assert hello.server_status("hello")["accepted"] == 3000


# --- the kernel's epoll sets ---


def test_a_closed_gate_has_no_entry_and_an_open_one_an_exclusive_one(hello):
    """An entry that stays behind eats the wake-ups that others need."""
    port = hello.address("hello")[1]

    def entries(slot):
        pid = hello.worker_pids()[slot]
        return kernel.epoll_entries(pid, kernel.listening_fd(pid, port))

    with arrivals(hello, 3000) as load:
        for slot in range(WORKERS):
            [(events, _)] = entries(slot).values()
            assert events & kernel.EPOLLEXCLUSIVE
        close_gate(hello, load, 0)
        assert gate(hello, 0) == "closed" and entries(0) == {}


def poison(pid, port):
    """Puts an entry into the worker's set that only libev should make, with a wrong generation:
    libev takes the set for a stranger's and builds another one."""
    fd = kernel.listening_fd(pid, port)
    [(epoll_fd, (_, data))] = kernel.epoll_entries(pid, fd).items()
    own_epoll_fd = kernel.take_fd(pid, epoll_fd)
    reader, writer = os.pipe()
    try:
        os.write(writer, b"!")
        kernel.add_to_epoll(own_epoll_fd, reader, data ^ 1 << 40)
        eventually(lambda: is_plain(pid, fd), "the set is a new one")
    finally:
        for one in (own_epoll_fd, reader, writer):
            os.close(one)


def is_plain(pid, fd):
    return [events & kernel.EPOLLEXCLUSIVE
            for events, _ in kernel.epoll_entries(pid, fd).values()] == [0]


def test_a_worker_whose_epoll_set_is_built_anew_goes_on_and_says_so_once(hello):
    pid = hello.worker_pids()[0]
    with arrivals(hello, 1000) as load:
        try:
            poison(pid, hello.address("hello")[1])
        except PermissionError:
            pytest.skip("this machine does not let anybody take a descriptor from a process")
        hello.wait_for_log("watched plainly")
        assert load.arrive(1000) == 1000
        counts = shares(hello, "hello")
    assert is_even(counts), counts
    assert hello.log().count("watched plainly") == 1


# --- by load ---


@contextlib.contextmanager
def busy_connection(address):
    """One connection that has its worker do nothing but echo."""
    host, port = address
    load = subprocess.Popen([BUILD / "tests/bench/bench-load", f"--host={host}", f"--port={port}",
                             "--connections=1", "--pipeline=512", "--seconds=60", "echo"],
                            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        load.stdin.write(b"\n")
        load.stdin.flush()
        yield
    finally:
        load.kill()
        load.wait()
        load.stdin.close()


def connect_slowly(address, count):
    clients = []
    for _ in range(count):
        clients.append(connect(address))
        assert echoes(clients[-1])
        time.sleep(0.01)  # the load is a matter of time
    return clients


def test_by_load_a_busy_worker_gets_less(prongd):
    daemon = prongd(server("echo", "echo", balance_metric="load"), workers=WORKERS)
    daemon.descriptors = {}

    def gets_less():
        clients = connect_slowly(daemon.address("echo"), 200)
        counts = shares(daemon, "echo")
        for client in clients:
            client.close()
        eventually(lambda: daemon.connections() == 1, "they are gone")
        # By connections it would be a quarter of them.
        return counts[busy] < sum(counts) / WORKERS * 0.75

    with busy_connection(daemon.address("echo")):
        eventually(lambda: daemon.connections() == 1, "it is accepted")
        busy = shares(daemon, "echo").index(1)
        # Not at once, and not while other programs keep it from being busy.
        eventually(gets_less, "the others get more")
