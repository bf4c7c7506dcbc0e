# SPDX-License-Identifier: MIT
"""A worker that dies takes only its own connections along."""

import os
import signal
import threading

from client import EchoLoad, connect, echoes
from daemon import eventually, server


def kill(pid, number=signal.SIGKILL):
    os.kill(pid, number)


def slots(status):
    return {worker["slot"]: worker for worker in status["workers"]}


def test_the_others_go_on_and_the_slot_is_filled_again(prongd):
    daemon = prongd(server("echo", "echo"), workers=4)
    load = EchoLoad(daemon.address("echo"), 200)
    eventually(lambda: daemon.connections() == 200, "all are accepted")
    before = slots(daemon.status())
    victim = max(before.values(), key=lambda worker: worker["connections"])

    thread = threading.Thread(target=load.exchange, args=(20_000,))
    thread.start()
    eventually(lambda: load.received > 2_000, "messages flow")
    kill(victim["pid"])
    thread.join()

    assert load.received == 20_000
    assert load.lost == victim["connections"]
    eventually(daemon.is_ready, "the slot is filled again")
    after = slots(daemon.status())
    for slot, worker in before.items():
        assert (after[slot]["pid"] == worker["pid"]) == (slot != victim["slot"])
    load.close()
    assert f"pid={victim['pid']}" in daemon.log()


def test_no_connection_that_waits_to_be_accepted_is_lost(prongd):
    daemon = prongd(server("echo", "echo"), workers=3)
    address, pids = daemon.address("echo"), daemon.worker_pids()
    for pid in pids:
        kill(pid, signal.SIGSTOP)

    clients = [connect(address) for _ in range(300)]
    for number, client in enumerate(clients):
        client.sendall(b"%06d" % number)
    for pid in pids:
        kill(pid)

    for number, client in enumerate(clients):
        assert client.recv(6) == b"%06d" % number
        client.close()
    assert not set(pids) & set(daemon.worker_pids())


def test_a_worker_that_keeps_dying_is_given_rest(prongd):
    daemon = prongd(server("echo", "echo"), workers=1)

    killed = {0}

    def kill_the_next():
        pids = {worker["pid"] for worker in daemon.status()["workers"]} - killed
        for pid in pids:
            kill(pid)
        killed.update(pids)
        return pids

    for _ in range(3):
        eventually(kill_the_next, "there is a worker")
    eventually(
        lambda: daemon.status()["workers"][0]["state"] == "resting", "the slot rests for a while"
    )
    eventually(daemon.is_ready, "the slot is filled again")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)


def test_the_master_takes_its_workers_along(make_daemon):
    daemon = make_daemon(server("echo", "echo")).start()
    address = daemon.address("echo")
    daemon.signal(signal.SIGKILL)
    assert daemon.wait() == -signal.SIGKILL

    def is_gone():
        try:
            connect(address).close()
        except ConnectionRefusedError:
            return True
        return False

    eventually(is_gone, "nobody listens any more")
