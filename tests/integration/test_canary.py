# SPDX-License-Identifier: MIT
"""The first worker of a reload on trial."""

import contextlib
import os
import signal
import threading

from client import connect, echoes, reset
from daemon import PATIENCE, eventually, server

ECHO = server("echo", "echo")


def workers(daemon, generation):
    return [w for w in daemon.status()["workers"] if w["generation"] == generation and w["pid"]]


class Reload(threading.Thread):
    """`prongctl reload` in the background."""

    def __init__(self, daemon):
        super().__init__()
        self.daemon_under_test = daemon
        self.start()

    def run(self):
        self.answer = self.daemon_under_test.ctl("reload", seconds=4 * PATIENCE)

    def result(self):
        self.join()
        return self.answer


def begin(prongd, canary="1h"):
    daemon = prongd(ECHO, workers=2, canary=canary)
    reload = Reload(daemon)
    eventually(lambda: [w["state"] for w in workers(daemon, 2)] == ["ready"], "the canary serves")
    return daemon, reload, workers(daemon, 2)[0]["pid"]


def connections_of(daemon, generation):
    return sum(w["connections"] for w in workers(daemon, generation))


def connect_to_canary(daemon):
    """A connection that it serves; those of the others are ended."""
    while True:
        client = connect(daemon.address("echo"))
        assert echoes(client)
        if connections_of(daemon, 2) > 0:
            return client
        client.close()


def test_it_serves_alone_beside_the_old_ones_and_then_all_start(prongd):
    daemon, reload, _ = begin(prongd, "2s")
    assert len(workers(daemon, 1)) == 2
    with connect_to_canary(daemon) as client:
        answer = reload.result()
        assert answer.returncode == 0, answer.stderr
        assert "generation 2 is on trial" in answer.stderr
        assert echoes(client)
    assert len(workers(daemon, 2)) == 2 and not workers(daemon, 1)
    assert "canary passed generation=2" in daemon.log()


def test_a_single_worker_can_be_tried_too(prongd):
    daemon = prongd(ECHO, workers=1, canary="500ms")
    assert daemon.ctl("reload").returncode == 0
    assert len(workers(daemon, 2)) == 1 and not workers(daemon, 1)


def test_when_it_dies_everything_is_as_before(prongd):
    daemon, reload, canary = begin(prongd)
    before = [w["pid"] for w in workers(daemon, 1)]
    os.kill(canary, signal.SIGKILL)
    answer = reload.result()
    assert answer.returncode == 2
    assert "the worker of slot 0 ended before all were ready: signal 9" in answer.stderr
    assert [w["pid"] for w in workers(daemon, 1)] == before
    eventually(lambda: not workers(daemon, 2), "nothing is left of it")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)


def test_when_it_hangs_the_old_ones_serve_on(prongd):
    daemon, reload, canary = begin(prongd)
    before = [w["pid"] for w in workers(daemon, 1)]
    os.kill(canary, signal.SIGSTOP)
    answer = reload.result()
    os.kill(canary, signal.SIGCONT)
    assert answer.returncode == 1
    assert "the first new worker hangs" in answer.stderr
    assert [w["pid"] for w in workers(daemon, 1)] == before
    eventually(lambda: not workers(daemon, 2), "nothing is left of it")


def test_when_its_connections_fail_the_others_take_them(prongd):
    daemon, reload, _ = begin(prongd)
    with connect_to_canary(daemon) as stays, contextlib.ExitStack() as others:
        while reload.is_alive():
            client = connect(daemon.address("echo"))
            assert echoes(client)
            if connections_of(daemon, 2) < 2:
                others.enter_context(client)  # so that the canary has the fewest
                continue
            reset(client)
            eventually(lambda: connections_of(daemon, 2) <= 1, "it is gone")
        answer = reload.result()
        assert answer.returncode == 1
        assert "the first new worker did worse than the old ones" in answer.stderr
        eventually(lambda: not workers(daemon, 2), "it is gone")
        assert echoes(stays)
    assert len(workers(daemon, 1)) == 2


def test_a_stop_ends_the_trial(prongd):
    daemon, reload, _ = begin(prongd)
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    assert reload.result().returncode == 1
