# SPDX-License-Identifier: MIT
"""More workers and fewer, one replaced, all evened out: no connection notices."""

import json
import signal
import socket
import threading

import pytest

from client import connect, echoes, reset
from daemon import eventually, server
from kernel import client_ports
from test_move import reload_later

ECHO = server("echo", "echo")
CLIENTS = 60


@pytest.fixture
def crowd(prongd):
    """A daemon with connected clients."""
    # On a busy machine a giver must not lose patience: the shares are compared below.
    daemon = prongd(ECHO, workers=4, handoff_timeout="1m")
    daemon.clients = [connect(daemon.address("echo")) for _ in range(CLIENTS)]
    assert all(echoes(client) for client in daemon.clients)
    daemon.descriptors = {}  # workers come and go
    yield daemon
    for client in daemon.clients:
        client.close()


def shares(daemon):
    return [w["connections"] for w in daemon.status()["workers"] if w["state"] == "ready"]


def all_echo(daemon):
    return all(echoes(client) for client in daemon.clients)


def is_even(daemon, slack=4):
    counts = shares(daemon)
    return sum(counts) == len(daemon.clients) and max(counts) - min(counts) <= slack


@pytest.mark.parametrize("numbers", [(8, 1, 4), (1, 8), (2,)])
def test_every_number_of_workers_keeps_every_connection(crowd, numbers):
    for number in numbers:
        answer = crowd.ctl("workers", str(number))
        assert answer.returncode == 0, answer.stderr
        assert len(shares(crowd)) == number
        assert all_echo(crowd)
        assert is_even(crowd), shares(crowd)


def test_signals_add_and_remove_one_worker(crowd):
    crowd.signal(signal.SIGTTIN)
    eventually(lambda: len(shares(crowd)) == 5, "five workers")
    crowd.signal(signal.SIGTTOU)
    eventually(lambda: len(shares(crowd)) == 4, "four workers")
    assert all_echo(crowd)


def test_the_number_holds_over_a_reload_until_the_file_says_another(crowd):
    assert crowd.ctl("workers", "3").returncode == 0
    assert crowd.ctl("reload").returncode == 0
    assert len(shares(crowd)) == 3
    crowd.workers = 2
    crowd.write_config(ECHO)
    assert crowd.ctl("reload").returncode == 0
    assert len(shares(crowd)) == 2
    assert all_echo(crowd)


@pytest.mark.parametrize("words", [("workers", "0"), ("workers", "many"), ("workers", "1025")])
def test_a_number_that_makes_no_sense_is_refused(crowd, words):
    answer = crowd.ctl(*words)
    assert answer.returncode == 2
    assert "1 to 1024" in answer.stderr


def test_a_recycled_worker_gives_its_connections_and_gets_its_share_back(crowd):
    victim = next(w for w in crowd.status()["workers"] if w["slot"] == 2)
    assert crowd.ctl("recycle", "2").returncode == 0

    def is_replaced():
        workers = {w["slot"]: w for w in crowd.status()["workers"]}
        return len(workers) == 4 and workers[2]["pid"] != victim["pid"]

    eventually(is_replaced, "another process in the slot")
    eventually(lambda: is_even(crowd), "an even load")
    assert all_echo(crowd)


def test_a_reload_counts_those_once_whom_a_recycled_worker_gave_away(prongd):
    """A client of the relay that is still being connected keeps its worker giving until the reload:
    what moved to the neighbours before, and from there to the new workers, moved once for it."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    filler = connect(full.getsockname())
    relay = server("relay", "proxy", upstream="127.0.0.1:%d" % full.getsockname()[1],
                   connect_timeout="10m", try_timeout="10m")
    daemon = prongd(ECHO + relay, workers=2, handoff_timeout="10m")
    clients = [connect(daemon.address("echo")) for _ in range(20)]
    assert all(echoes(client) for client in clients)
    waiting = connect(daemon.address("relay"))

    def rows(name):
        answer = daemon.ctl("connections", f"--server={name}", "--json")
        return json.loads(answer.stdout)["connections"]

    eventually(lambda: rows("relay"), "it is accepted")
    assert daemon.ctl("recycle", str(rows("relay")[0]["slot"])).returncode == 0
    eventually(lambda: any(row["moves"] > 0 for row in rows("echo")), "the recycled worker gives")
    reload = reload_later(daemon, "--json")
    eventually(lambda: all(row["generation"] == 2 for row in rows("echo")), "the others move")
    reset(waiting)
    assert json.loads(reload.communicate()[0])["moved"] == len(clients)
    for client in clients + [filler, full]:
        client.close()
    daemon.descriptors = {}


def test_a_lonely_worker_is_recycled_by_a_new_generation(prongd):
    daemon = prongd(ECHO, workers=1)
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        assert daemon.ctl("recycle", "0").returncode == 0
        eventually(lambda: daemon.status()["master"]["generation"] == 2, "the next generation")
        assert echoes(client)
    daemon.descriptors = {}


def test_a_slot_without_a_worker_cannot_be_recycled(crowd):
    assert crowd.ctl("recycle", "9").returncode == 1


def test_a_worker_that_served_enough_is_replaced(prongd):
    daemon = prongd(ECHO, workers=2, worker_max_connections_served=20)
    daemon.clients = [connect(daemon.address("echo")) for _ in range(50)]
    daemon.descriptors = {}
    eventually(lambda: "worker_max_connections_served" in daemon.log(), "a worker is recycled")
    eventually(daemon.is_ready, "all slots are filled")
    assert all_echo(daemon)
    for client in daemon.clients:
        client.close()


def test_rebalancing_evens_out_what_is_left(crowd):
    heavy = crowd.clients[:]
    # Of every worker but the lightest-numbered ones some go: whoever serves them gets lighter.
    for client in heavy[: CLIENTS // 2]:
        client.close()
        crowd.clients.remove(client)
    eventually(lambda: sum(shares(crowd)) == len(crowd.clients), "they are gone")
    assert crowd.ctl("rebalance").returncode == 0
    eventually(lambda: is_even(crowd, slack=2), "an even load")
    assert all_echo(crowd)


def test_idle_connections_go_first_in_a_rebalance(prongd):
    """Of the heavy worker's connections those that talk all the time stay where they are."""
    daemon = prongd(ECHO, workers=2, handoff_timeout="1m", log_level="debug")
    daemon.descriptors = {}
    daemon.clients = [connect(daemon.address("echo")) for _ in range(40)]
    assert all_echo(daemon)
    split = eventually(lambda: split_by_worker(daemon), "all are served")
    lonely, crowded = sorted(split, key=len)
    for client in lonely:
        client.close()
        daemon.clients.remove(client)
    busy = set(crowded[:5])  # fewer than stay
    stop = threading.Event()

    def talk():
        while not stop.is_set():
            assert all(echoes(client) for client in busy)

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        assert daemon.ctl("rebalance").returncode == 0
        eventually(lambda: is_even(daemon, slack=2), "an even load")
    finally:
        stop.set()
        talker.join()
    first, second = eventually(lambda: split_by_worker(daemon), "nobody is on the way")
    for client in daemon.clients:
        client.close()
    assert busy <= set(first) or busy <= set(second)


def split_by_worker(daemon):
    """The clients of the one worker, and of the other, by the descriptors that they have; None while
    one of them is on its way."""
    owners = {}
    for pid in daemon.worker_pids():
        for port in client_ports(pid, daemon.address("echo")[1]):
            owners[port] = pid
    found = {pid: [] for pid in daemon.worker_pids()}
    for client in daemon.clients:
        port = client.getsockname()[1]
        if port not in owners:
            return None
        found[owners[port]].append(client)
    return list(found.values())


def test_traffic_goes_on_while_everything_changes(crowd):
    stop = threading.Event()
    failures = []

    def talk(client):
        while not stop.is_set():
            if not echoes(client):
                failures.append(client)
                return

    talkers = [threading.Thread(target=talk, args=(client,)) for client in crowd.clients[:8]]
    for talker in talkers:
        talker.start()
    for words in (("workers", "2"), ("reload",), ("workers", "5"), ("recycle", "1"), ("reload",)):
        crowd.ctl(*words)
    stop.set()
    for talker in talkers:
        talker.join()
    assert not failures
