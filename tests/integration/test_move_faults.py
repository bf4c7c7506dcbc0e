# SPDX-License-Identifier: MIT
"""Faults in the middle of a move: a worker's death costs its own connections, and never one more.

What makes it certain that a move is under way is SIGSTOP: a giver waits for a taker that is stopped
to answer what it was sent.
"""

import resource
import signal

import pytest

from client import connect, echoes
from daemon import eventually, server
from steady import SteadyLoad
from test_move import workers
from victim import Victim

CONNECTIONS = 400
WINDOW = 64  # connections that are on their way to one taker at most
LOAD = {"connections": CONNECTIONS, "streams": 60, "slow": 15, "interval": 0.02}


@pytest.fixture
def echo(prongd):
    # A giver is patient with a taker that is stopped: nobody hurries on a slow machine.
    return prongd(server("echo", "echo", "127.0.0.1:0, [::1]:0"), handoff_timeout="1m")


def ready_workers(daemon):
    return {worker["pid"] for worker in daemon.status()["workers"] if worker["state"] == "ready"}


class Halfway:
    """A reload that is held up in the middle: one old worker gives, some new ones do not take."""

    def __init__(self, daemon, stopped):
        self.daemon = daemon
        old = ready_workers(daemon)
        self.giver = Victim(min(old))
        before = len(self.giver.clients())
        assert daemon.ctl("reload", "--no-wait").returncode == 0
        new = sorted(ready_workers(daemon) - old)
        self.takers = [Victim(pid) for pid in new[:stopped]]
        self.giver.resume()
        if stopped < len(new):
            eventually(lambda: len(self.giver.clients()) <= before - WINDOW // 2,
                       "the giver gives to those who take")

    def settle(self, load):
        """Everybody who is left goes on; nothing is in the middle of anything any more."""
        def is_settled():
            left = workers(self.daemon)
            return self.giver.pid not in left and len(left) == self.daemon.workers

        eventually(is_settled, "the old workers are gone, and all new ones are there")
        self.daemon.wait_until_ready()
        return load.command("check")


def assert_lost(report, allowed):
    """Nothing went wrong but that connections of the dead ended."""
    faults = report.faults()
    assert not set(faults) - {"reset", "end"}, report
    assert set(report["gone"]) <= allowed, (set(report["gone"]) - allowed, report)


def test_when_the_taker_dies_its_giver_goes_on_with_another(echo):
    with SteadyLoad(echo.addresses("echo"), **LOAD) as load:
        load.command("go")
        halfway = Halfway(echo, stopped=1)
        allowed = halfway.takers[0].kill()
        assert_lost(halfway.settle(load), allowed)


def test_when_all_takers_die_their_giver_waits_for_new_ones(echo):
    with SteadyLoad(echo.addresses("echo"), **LOAD) as load:
        load.command("go")
        halfway = Halfway(echo, stopped=2)
        allowed = halfway.takers[0].kill() | halfway.takers[1].kill()
        assert_lost(halfway.settle(load), allowed)


def test_when_the_giver_dies_what_it_had_sent_lives_on(echo):
    with SteadyLoad(echo.addresses("echo"), **LOAD) as load:
        load.command("go")
        halfway = Halfway(echo, stopped=1)
        halfway.giver = Victim(halfway.giver.pid)
        allowed = halfway.giver.kill()
        halfway.takers[0].resume()
        report = halfway.settle(load)
        assert_lost(report, allowed)
        assert len(report["gone"]) <= len(allowed) - WINDOW // 2


def test_when_both_die_only_theirs_are_lost(echo):
    with SteadyLoad(echo.addresses("echo"), **LOAD) as load:
        load.command("go")
        halfway = Halfway(echo, stopped=1)
        halfway.giver = Victim(halfway.giver.pid)
        allowed = halfway.giver.kill() | halfway.takers[0].kill()
        assert_lost(halfway.settle(load), allowed)


def test_a_taker_that_hesitates_costs_nothing(echo):
    with SteadyLoad(echo.addresses("echo"), **LOAD) as load:
        load.command("go")
        halfway = Halfway(echo, stopped=2)
        for taker in halfway.takers:
            taker.resume()
        halfway.settle(load).assert_flawless()


def test_a_reload_behind_a_taker_that_hesitates_costs_nothing(echo):
    with SteadyLoad(echo.addresses("echo"), **LOAD) as load:
        load.command("go")
        halfway = Halfway(echo, stopped=1)
        assert echo.ctl("reload", "--no-wait").returncode == 0
        halfway.takers[0].resume()
        halfway.settle(load).assert_flawless()


def test_when_the_master_dies_in_the_middle_its_workers_end(echo):
    with SteadyLoad(echo.addresses("echo"), **LOAD) as load:
        load.command("go")
        halfway = Halfway(echo, stopped=1)
        echo.process.kill()
        halfway.takers[0].resume()
        eventually(lambda: not workers(echo), "no worker is left")
        eventually(lambda: load.command("report")["open"] == 0, "nobody is served any more")


def test_a_stop_in_the_middle_ends_everything(prongd):
    daemon = prongd(server("echo", "echo"), shutdown_timeout="300ms", handoff_timeout="1m")
    with SteadyLoad(daemon.addresses("echo"), **LOAD) as load:
        load.command("go")
        halfway = Halfway(daemon, stopped=1)
        daemon.signal(signal.SIGTERM)
        halfway.takers[0].resume()
        assert daemon.wait() == 0


# --- Descriptors ---

def few_descriptors(number):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


def with_workers(daemon, number):
    daemon.workers = number
    lines = daemon.config.read_text().splitlines()
    daemon.config.write_text("\n".join(
        f"workers = {number}" if line.startswith("workers") else line for line in lines))


def test_more_connections_than_the_taker_has_descriptors_stay_with_the_giver(make_daemon):
    daemon = make_daemon(server("echo", "echo"), workers=4, shutdown_timeout="2m")
    daemon.start(preexec_fn=few_descriptors(200))
    with SteadyLoad(daemon.addresses("echo"), connections=300, streams=50, slow=10,
                    interval=0.02) as load:
        load.command("go")
        with_workers(daemon, 1)
        assert daemon.ctl("reload", "--no-wait").returncode == 0
        eventually(lambda: daemon.status()["workers"][-1]["connections"] >= 100, "some move")
        load.command("check").assert_flawless()
        with_workers(daemon, 4)
        assert daemon.ctl("reload", "--no-wait").returncode == 0
        load.command("check").assert_flawless()
    eventually(lambda: len(workers(daemon)) == 4, "the old ones end with their connections")


def test_a_worker_at_its_last_descriptor_moves_what_it_has(make_daemon):
    daemon = make_daemon(server("echo", "echo"), workers=1)
    daemon.start(preexec_fn=few_descriptors(150))
    clients = [connect(daemon.address("echo")) for _ in range(200)]
    served = []
    for client in clients:
        try:
            if echoes(client):
                served.append(client)
        except OSError:
            pass
    assert len(served) > 50
    for _ in range(3):
        daemon.ctl("reload")
        assert all(echoes(client) for client in served)
    for client in clients:
        client.close()
