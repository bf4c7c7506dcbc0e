# SPDX-License-Identifier: MIT
"""excess = wait: above max_connections clients wait in the kernel's queue, and each gets a place."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from client import connect, receive
from daemon import eventually, server

GREETING = b"hello client!"
MODES = ("balanced", "shared", "reuseport")
TICKS = os.sysconf("SC_CLK_TCK")


def hello(limit, **options):
    return server("hello", "hello", max_connections=limit, **options)


@contextlib.contextmanager
def clients(daemon, count):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connect(daemon.address("hello"))) for _ in range(count)]


def is_greeted(client):
    return receive(client, len(GREETING)) == GREETING


def greeted(waiting):
    """Those who have a greeting; it is left to be read."""
    found = []
    for client in waiting:
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            if client.recv(1, 2):  # MSG_PEEK
                found.append(client)
        client.settimeout(30)
    return found


def wait_for_places(daemon, waiting, count):
    """So many are served, and no more."""
    eventually(lambda: len(greeted(waiting)) == count, f"{count} are served")
    assert daemon.server_status("hello")["connections"] == count


def is_full(daemon):
    return any(worker["gate"] == "full" for worker in daemon.status()["workers"])


# --- places ---


@pytest.mark.parametrize("accept", MODES)
def test_who_is_too_much_waits_and_gets_the_place_of_one_who_goes(prongd, accept):
    daemon = prongd(hello(5, accept=accept), workers=4)
    daemon.descriptors = {}
    with clients(daemon, 20) as waiting:
        wait_for_places(daemon, waiting, 5)
        assert is_full(daemon)
        while waiting:
            first = greeted(waiting)[0]
            first.close()
            waiting.remove(first)
            eventually(lambda: len(greeted(waiting)) == min(5, len(waiting)), "the next is served")
    status = daemon.server_status("hello")
    assert (status["accepted"], status["dropped"]) == (20, 0)
    eventually(lambda: not is_full(daemon), "there is room again")


class Crowd:
    """Clients that come all at once; each stays for a moment after it was greeted."""

    def __init__(self, address, count):
        self.address = address
        self.count = count
        self.now = self.most = self.served = 0

    async def visit(self):
        reader, writer = await asyncio.open_connection(*self.address)
        assert await reader.readexactly(len(GREETING)) == GREETING
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.002)
        self.now -= 1  # before the daemon can know: it has no more than it counts
        self.served += 1
        writer.close()

    async def _come(self):
        await asyncio.gather(*(self.visit() for _ in range(self.count)))

    def come(self):
        asyncio.run(asyncio.wait_for(self._come(), 60))
        return self


@pytest.mark.parametrize("accept", MODES)
@pytest.mark.parametrize("limit", [1, 13])
def test_in_a_storm_there_are_never_more_and_everybody_is_served(prongd, accept, limit):
    daemon = prongd(hello(limit, accept=accept), workers=8)
    daemon.descriptors = {}
    crowd = Crowd(daemon.address("hello"), 400).come()
    assert crowd.served == 400
    assert crowd.most <= limit
    eventually(lambda: daemon.server_status("hello")["closed"] == 400, "all are gone")
    assert daemon.server_status("hello")["dropped"] == 0


def test_generations_that_change_in_a_storm_keep_the_limit(prongd):
    daemon = prongd(hello(13), workers=8)
    daemon.descriptors = {}

    async def change():
        crowd = Crowd(daemon.address("hello"), 400)
        storm = asyncio.create_task(crowd._come())
        for _ in range(2):
            await asyncio.to_thread(daemon.ctl, "reload")
        await asyncio.wait_for(storm, 60)
        return crowd

    crowd = asyncio.run(change())
    assert (crowd.served, daemon.server_status("hello")["dropped"]) == (400, 0)
    assert crowd.most <= 13


# --- places that nobody gives away ---


@pytest.mark.parametrize("accept", MODES)
def test_the_places_of_a_killed_worker_are_given_again(prongd, accept):
    daemon = prongd(hello(4, accept=accept), workers=2)
    daemon.descriptors = {}
    with clients(daemon, 12) as waiting:
        wait_for_places(daemon, waiting, 4)
        victim = max(daemon.status()["workers"], key=lambda worker: worker["connections"])
        os.kill(victim["pid"], signal.SIGKILL)
        eventually(lambda: len(greeted(waiting)) == 4 + victim["connections"], "others are served")


def test_a_reload_that_raises_the_limit_lets_more_in(prongd):
    daemon = prongd(hello(3), workers=4)
    daemon.descriptors = {}
    with clients(daemon, 10) as waiting:
        wait_for_places(daemon, waiting, 3)
        for limit in (8, 2, 10):
            daemon.write_config(hello(limit))
            assert daemon.ctl("reload").returncode == 0
            wait_for_places(daemon, waiting, max(8 if limit == 2 else 0, limit))


def test_connections_that_drain_in_an_old_worker_have_their_places(prongd):
    daemon = prongd(hello(3, on_reload="drain"), workers=2)
    daemon.descriptors = {}
    with clients(daemon, 6) as waiting:
        wait_for_places(daemon, waiting, 3)
        assert daemon.ctl("reload", "--no-wait").returncode == 0
        assert len(greeted(waiting)) == 3
        for first in greeted(waiting):
            first.close()
            waiting.remove(first)
        eventually(lambda: len(greeted(waiting)) == 3, "the others have their places")


def test_who_stands_behind_a_proxy_waits_too(prongd):
    """A connection has its place before it is known whose it is."""
    daemon = prongd(hello(2, proxy_protocol_from="127.0.0.0/8"), workers=2)
    daemon.descriptors = {}
    with clients(daemon, 6) as waiting:
        for client in waiting:
            client.sendall(b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n")
        wait_for_places(daemon, waiting, 2)
        while waiting:
            first = greeted(waiting)[0]
            first.close()
            waiting.remove(first)
            eventually(lambda: len(greeted(waiting)) == min(2, len(waiting)), "the next is served")
    assert daemon.server_status("hello")["dropped"] == 0


# --- at rest ---


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@pytest.mark.parametrize("accept", MODES)
def test_workers_rest_while_clients_wait(prongd, accept):
    """One that went on looking at the queue would use all the CPU time that it gets."""
    daemon = prongd(hello(3, accept=accept), workers=4)
    daemon.descriptors = {}
    with clients(daemon, 40) as waiting:
        wait_for_places(daemon, waiting, 3)
        before = sum(map(cpu_s, daemon.worker_pids()))
        time.sleep(1)  # what is measured is how little happens
        assert sum(map(cpu_s, daemon.worker_pids())) - before < 0.2


# --- without waiting ---


def test_who_shall_not_wait_is_closed_at_once(prongd):
    daemon = prongd(hello(3, excess="close"), workers=4)
    with clients(daemon, 10) as all_of_them:
        served = [client for client in all_of_them if is_greeted(client)]
    assert len(served) == 3
    eventually(lambda: daemon.server_status("hello")["dropped"] == 7, "the others are counted")


def test_who_is_one_too_many_of_his_address_cannot_wait(prongd):
    daemon = prongd(hello(100, max_connections_per_address=2), workers=4)
    with clients(daemon, 6) as all_of_them:
        served = [client for client in all_of_them if is_greeted(client)]
    assert len(served) == 2


def test_a_limit_that_is_only_tried_out_holds_nobody_up(prongd):
    daemon = prongd(hello(2, shadow="yes"), workers=4)
    with clients(daemon, 6) as all_of_them:
        assert all(map(is_greeted, all_of_them))
    assert daemon.server_status("hello")["shadowed"] == 4
