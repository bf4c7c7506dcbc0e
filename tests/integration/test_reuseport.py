# SPDX-License-Identifier: MIT
"""accept = reuseport: a queue for each worker, and nobody is lost in one whatever becomes of it."""

import contextlib
import os
import signal
import socket
import threading

import pytest

from arrivals import Arrivals, shares
from client import connect, receive
from daemon import IS_ROOT, eventually, server
from network import inside, own_network

GREETING = b"hello client!"
WORKERS = 4
RATE = 1000


def hello(accept="reuseport", **options):
    return server("hello", "hello", accept=accept, **options)


@pytest.fixture
def reuseport(prongd):
    """Four workers that greet."""
    daemon = prongd(hello(), workers=WORKERS)
    daemon.descriptors = {}  # workers come and go, connections stay until the end
    return daemon


def handles(daemon):
    return daemon.status()["listeners"][0]["handles"]


@contextlib.contextmanager
def storm(daemon, count=2000):
    """Clients arrive while the body runs; when it is over, all have been greeted."""
    with Arrivals(daemon.address("hello"), count, RATE) as load:
        thread = threading.Thread(target=load.arrive, args=(count,))
        thread.start()
        try:
            yield load
        finally:
            thread.join()


def assert_nobody_was_lost(load):
    assert (load.errors, load.lost) == (0, 0), load.first_error


def scale(daemon, workers):
    answer = daemon.ctl("workers", str(workers))
    assert answer.returncode == 0, answer.stderr


def reload_with(daemon, sections):
    daemon.write_config(sections)
    answer = daemon.ctl("reload")
    assert answer.returncode == 0, answer.stderr


def is_greeted(client):
    return receive(client, len(GREETING)) == GREETING


def visit(address, count):
    """So many clients are greeted, one after the other."""
    for _ in range(count):
        with connect(address) as client:
            assert is_greeted(client)


def send_all(pids, number):
    for pid in pids:
        os.kill(pid, number)


# --- a queue for each ---


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0", "*:0"])
def test_each_worker_has_a_handle_and_gets_clients(prongd, listen):
    daemon = prongd(hello(listen=listen), workers=WORKERS)
    daemon.descriptors = {}
    assert handles(daemon) == WORKERS
    assert len(daemon.addresses("hello")) == 1
    address = ("127.0.0.1", daemon.address("hello")[1]) if listen[0] == "*" \
        else daemon.address("hello")
    with Arrivals(address, 800, RATE) as load:
        assert load.arrive(800) == 800
        counts = shares(daemon, "hello")
    assert sum(counts) == 800
    assert min(counts) > 100, counts  # the kernel chooses at random


def test_a_unix_socket_has_one_handle_for_all_and_that_is_said(prongd, tmp_path):
    tmp_path.chmod(0o777)
    daemon = prongd(hello(listen=f"127.0.0.1:0, unix:{tmp_path}/socket"), workers=WORKERS)
    daemon.descriptors = {}
    assert [entry["handles"] for entry in daemon.status()["listeners"]] == [WORKERS, 1]
    for address in daemon.addresses("hello"):
        visit(address, 40)
    assert f"one handle for all workers: accept = reuseport is for TCP addresses that prongd opens " \
           f"server=hello listen=unix:{tmp_path}/socket" in daemon.log()


def test_the_port_of_somebody_else_is_not_shared(make_daemon):
    """Not even when he would share it."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        daemon = make_daemon(hello(listen=f"127.0.0.1:{other.getsockname()[1]}")).launch()
        assert daemon.wait() == 1
        assert "Address already in use" in daemon.log()


# --- whatever becomes of the workers ---


def test_more_and_fewer_workers_lose_nobody(reuseport):
    with storm(reuseport) as load:
        for workers in (2, 8, 1, 3):
            scale(reuseport, workers)
    assert_nobody_was_lost(load)
    assert reuseport.server_status("hello")["accepted"] == 2000
    assert handles(reuseport) == 8  # those that are left over may still be entered


def test_reloads_and_recycled_workers_lose_nobody(reuseport):
    with storm(reuseport) as load:
        for words in (("reload",), ("recycle", "2"), ("reload",)):
            assert reuseport.ctl(*words).returncode == 0
            eventually(reuseport.is_ready, "every worker is there")
    assert_nobody_was_lost(load)


def test_every_other_way_to_accept_and_back_loses_nobody(reuseport):
    with storm(reuseport) as load:
        for accept in ("balanced", "reuseport", "shared", "reuseport"):
            reload_with(reuseport, hello(accept))
    assert_nobody_was_lost(load)
    assert handles(reuseport) == WORKERS


def test_another_program_has_every_queue(reuseport):
    with storm(reuseport) as load:
        for words in (("upgrade",), ("workers", "2"), ("upgrade",), ("workers", "6")):
            assert reuseport.ctl(*words).returncode == 0
    assert_nobody_was_lost(load)
    assert handles(reuseport) == 6


def test_a_killed_worker_takes_its_own_connections_alone(reuseport):
    with storm(reuseport) as load:
        for slot in (0, 3, 1):
            victim = reuseport.worker_pids()[slot]
            os.kill(victim, signal.SIGKILL)
            eventually(lambda: victim not in reuseport.worker_pids() and reuseport.is_ready(),
                       "another one is there")
    # One at most was accepted by each and not greeted yet.
    assert load.errors <= 3, load.first_error
    assert load.lost < 1000


def test_a_refused_reload_leaves_the_queues_as_they_were(reuseport):
    with socket.socket() as other, storm(reuseport) as load:
        other.bind(("127.0.0.1", 0))
        other.listen()
        reuseport.workers = 8
        reuseport.write_config(hello() + server(
            "other", "hello", listen=f"127.0.0.1:{other.getsockname()[1]}"))
        assert reuseport.ctl("reload").returncode != 0
        assert handles(reuseport) == WORKERS
        reload_with(reuseport, hello())
    assert_nobody_was_lost(load)
    assert handles(reuseport) == 8


# --- queues whose worker does not come ---


def test_who_waits_in_a_queue_outlives_its_worker(reuseport):
    pids = reuseport.worker_pids()
    send_all(pids, signal.SIGSTOP)
    clients = [connect(reuseport.address("hello")) for _ in range(200)]
    send_all(pids, signal.SIGKILL)
    for client in clients:
        assert is_greeted(client)
        client.close()


def test_who_waits_in_a_queue_that_is_left_over_is_accepted(reuseport):
    pids = reuseport.worker_pids()
    send_all(pids, signal.SIGSTOP)
    clients = [connect(reuseport.address("hello")) for _ in range(200)]
    try:
        scaling = threading.Thread(target=reuseport.ctl, args=("workers", "1"))
        scaling.start()
        for client in clients:
            assert is_greeted(client)
            client.close()
    finally:
        send_all(pids, signal.SIGCONT)
        scaling.join()
    eventually(lambda: len(reuseport.status()["workers"]) == 1, "the old ones are gone")


def test_nobody_waits_for_a_worker_that_is_stopped(reuseport):
    pid = reuseport.worker_pids()[0]
    os.kill(pid, signal.SIGSTOP)
    try:
        visit(reuseport.address("hello"), 60)
        relieved = sum(worker["queues_relieved"] for worker in reuseport.status()["workers"])
    finally:
        os.kill(pid, signal.SIGCONT)
    assert relieved > 0


def test_a_place_that_rests_gets_nobody(prongd):
    daemon = prongd(hello(), workers=WORKERS, max_respawns=0)
    daemon.descriptors = {}
    os.kill(daemon.worker_pids()[1], signal.SIGKILL)
    eventually(lambda: daemon.status()["workers"][1]["state"] == "resting", "it rests")
    visit(daemon.address("hello"), 100)
    assert daemon.server_status("hello")["accepted"] == 100
    accepted = [worker["accepted"] for worker in daemon.status()["workers"]]
    assert accepted[1] == 0 and min(accepted[0], *accepted[2:]) > 10, accepted


# --- handles that are left over ---


@pytest.mark.skipif(not IS_ROOT, reason="only root can make a network")
def test_a_handle_that_is_left_over_is_closed_when_nobody_can_enter_it(make_daemon):
    """In a network where a handshake lasts for two seconds at most."""
    daemon = make_daemon(hello(), workers=WORKERS).start(
        preexec_fn=own_network({"net/ipv4/tcp_synack_retries": 0}))
    daemon.descriptors = {}
    for workers in (2, 5, 1):
        scale(daemon, workers)
        eventually(lambda: handles(daemon) == workers, "the others are closed")
        with inside(daemon.process.pid):
            visit(daemon.address("hello"), 60)
    reload_with(daemon, hello("balanced"))
    with inside(daemon.process.pid):
        visit(daemon.address("hello"), 60)
    assert "accept failed" not in daemon.log()
