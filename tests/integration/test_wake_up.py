# SPDX-License-Identifier: MIT
"""A worker that was woken for a client and never gets to its accept: another one takes the client.

The kernel wakes one worker for each client (EPOLLEXCLUSIVE) and does not wake another when that one
does not come.  strace holds a worker there: woken, and at the door of accept4().
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess

import pytest

from client import connect
from daemon import eventually, server

GREETING = b"hello client!"
TRIES = 50

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@pytest.fixture
def hello(prongd):
    daemon = prongd(server("hello", "hello"), workers=3)
    daemon.descriptors = {}  # clients stay until the end
    return daemon


def greeted(daemon):
    client = connect(daemon.address("hello"))
    assert client.recv(64) == GREETING
    return client


def who_accepts(daemon):
    """The process that the kernel wakes first."""
    before = {worker["pid"]: worker["accepted"] for worker in daemon.status()["workers"]}
    with greeted(daemon):
        [pid] = eventually(
            lambda: [worker["pid"] for worker in daemon.status()["workers"]
                     if worker["accepted"] > before[worker["pid"]]], "it is counted")
    return pid


@contextlib.contextmanager
def held_at_accept(pid):
    """While this lasts the process does not come back from the beginning of accept4()."""
    tracer = subprocess.Popen(
        ["strace", "-qq", "-o", "/dev/null", "-p", str(pid), "-e", "trace=accept4",
         "-e", "inject=accept4:delay_enter=600s"], stderr=subprocess.PIPE, text=True)
    try:
        eventually(lambda: tracer.poll() is not None or field(pid, "TracerPid") != "0",
                   "it is traced")
        if tracer.poll() is not None:
            pytest.skip(f"nobody may trace here: {tracer.stderr.read()}")
        yield
    finally:
        tracer.terminate()
        tracer.communicate()


def field(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(line for line in status if line.startswith(f"{name}:")).split()[1]


def is_held(pid):
    return field(pid, "State") == "t"


def has_news(client):
    return bool(select.select([client], [], [], 0)[0])


def wake_up(daemon, pid, stack):
    """Clients come until it is woken for one."""
    clients = []
    while not is_held(pid):
        assert len(clients) < TRIES, "it is never woken"
        client = stack.enter_context(connect(daemon.address("hello")))
        clients.append(client)
        eventually(lambda: is_held(pid) or has_news(client), "somebody comes")
    return clients


def test_a_client_whose_woken_worker_is_stopped_before_its_accept_is_served_by_another(hello):
    pid = who_accepts(hello)
    with contextlib.ExitStack() as stack, held_at_accept(pid):
        for client in wake_up(hello, pid, stack):
            assert client.recv(64) == GREETING
        for _ in range(3):
            stack.enter_context(greeted(hello))
        assert is_held(pid)


def test_a_client_whose_woken_worker_is_killed_before_its_accept_is_served_by_another(hello):
    pid = who_accepts(hello)
    with contextlib.ExitStack() as stack, held_at_accept(pid):
        clients = wake_up(hello, pid, stack)
        os.kill(pid, signal.SIGKILL)
        for client in clients:
            assert client.recv(64) == GREETING
    eventually(lambda: pid not in hello.worker_pids() and hello.is_ready(), "it is replaced")
