# SPDX-License-Identifier: MIT
"""A reload costs no connection: live ones move from the old workers to the new ones.

Who sees the bytes is steady-load; what happens to one socket in one state is told here by hand.
"""

import itertools
import json
import os
import signal
import socket
import subprocess
import time

import pytest

from client import connect, echoes, is_refused, receive, receive_all
from daemon import PRONGCTL, eventually, processes_of_session, server
from steady import SteadyLoad

NAMES = itertools.count()
MANY = {"connections": 300, "streams": 60, "slow": 15, "interval": 0.02}


def everywhere():
    """The values of a `listen`: both families of IP, and a unix socket."""
    return f"127.0.0.1:0, [::1]:0, unix:@prong-move-{os.getpid()}-{next(NAMES)}"


@pytest.fixture
def echo(prongd):
    """A running echo server, reachable in every way."""
    return prongd(server("echo", "echo", everywhere()))


def reload(daemon):
    """What `prongctl reload` answers; when it does, the old generation is gone."""
    answer = daemon.ctl("reload", "--json")
    assert answer.returncode == 0, answer.stderr + daemon.log()
    return json.loads(answer.stdout)


def reload_later(daemon, *words):
    """The command still runs; its answer is that of .communicate()."""
    return subprocess.Popen([PRONGCTL, "-s", daemon.control, "reload", *words], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def workers(daemon):
    """All that live, of every generation."""
    return set(processes_of_session(daemon.process.pid)) - {daemon.process.pid}


def unevenness(daemon):
    """The heaviest worker's connections to the mean's."""
    counts = [worker["connections"] for worker in daemon.status()["workers"]]
    return max(counts) * len(counts) / sum(counts)


# --- Many connections ---

def test_a_reload_loses_doubles_and_reorders_no_byte(echo):
    old = workers(echo)
    with SteadyLoad(echo.addresses("echo"), **MANY) as load:
        load.command("go")
        answer = reload(echo)
        assert not workers(echo) & old
        load.command("check").assert_flawless()
        assert answer["moved"] == MANY["connections"] and answer["drained"] == 0
        assert unevenness(echo) < 1.1


def test_givers_with_a_few_connections_each_do_not_all_begin_with_the_same_worker(prongd):
    daemon = prongd(server("echo", "echo"), workers=8)
    with SteadyLoad(daemon.addresses("echo"), connections=16, streams=0, slow=0) as load:
        for _ in range(5):
            assert reload(daemon)["moved"] == 16
            counts = [worker["connections"] for worker in daemon.status()["workers"]]
            assert max(counts) < 8, counts  # all of one share, or more, if they did
        load.command("check").assert_flawless()


def test_twenty_reloads_in_a_row_do_neither(echo):
    with SteadyLoad(echo.addresses("echo"), **MANY) as load:
        load.command("go")
        for _ in range(20):
            assert reload(echo)["moved"] == MANY["connections"]
            assert len(workers(echo)) == echo.workers
        load.command("check").assert_flawless()
        assert unevenness(echo) < 1.1


def test_idle_connections_move_too(echo):
    with SteadyLoad(echo.addresses("echo"), connections=200, streams=0) as load:
        assert reload(echo)["moved"] == 200
        load.command("check").assert_flawless()


def test_nobody_who_connects_during_a_reload_is_turned_away(echo):
    with SteadyLoad(echo.addresses("echo"), connections=30, shorts=30, interval=0.02) as load:
        load.command("go")
        for _ in range(10):
            reload(echo)
        report = load.command("check")
        report.assert_flawless()
        assert report["shorts"]["count"] > 30
        assert report["shorts"]["max_us"] < 900_000  # a SYN that is sent again comes after a second


def test_a_hangup_signal_reloads_as_prongctl_does(echo):
    old = workers(echo)
    with SteadyLoad(echo.addresses("echo"), **MANY) as load:
        load.command("go")
        echo.signal(signal.SIGHUP)
        eventually(lambda: not workers(echo) & old, "the old workers are gone")
        load.command("check").assert_flawless()


def test_more_or_fewer_workers_share_the_connections_evenly(echo):
    with SteadyLoad(echo.addresses("echo"), **MANY) as load:
        load.command("go")
        for echo.workers in (5, 1, 2):
            text = echo.config.read_text().splitlines()
            text = [f"workers = {echo.workers}" if line.startswith("workers") else line
                    for line in text]
            echo.config.write_text("\n".join(text))
            assert reload(echo)["moved"] == MANY["connections"]
            assert len(workers(echo)) == echo.workers
            assert unevenness(echo) < 1.1
        load.command("check").assert_flawless()


def test_a_reload_during_a_reload_waits_for_its_turn(echo):
    with SteadyLoad(echo.addresses("echo"), **MANY) as load:
        load.command("go")
        running = [reload_later(echo) for _ in range(5)]
        for one in running:
            out, err = one.communicate(timeout=60)
            assert one.returncode == 0, out + err
        load.command("check").assert_flawless()
        eventually(lambda: len(workers(echo)) == echo.workers, "the old generations are gone")


# --- One connection ---

def test_a_connection_keeps_its_number(prongd):
    daemon = prongd(server("hello", "hello"))

    def number_of(message):
        daemon.wait_for_log(f"client send message: {message} ")
        line = next(line for line in daemon.log().splitlines() if f"message: {message} " in line)
        return line.partition("connection=")[2].split()[0]

    with connect(daemon.address("hello")) as client:
        receive(client, len("hello client!"))
        client.sendall(b"before")
        before = number_of("before")
        for _ in range(3):
            reload(daemon)
        client.sendall(b"after")
        assert number_of("after") == before


def pattern(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@pytest.fixture(params=["127.0.0.1:0", "[::1]:0", "unix:@"], ids=["ipv4", "ipv6", "unix"])
def place(request):
    """The value of one `listen`, of each kind."""
    if request.param == "unix:@":
        return f"unix:@prong-move-{os.getpid()}-{next(NAMES)}"
    return request.param


def fill(client):
    """Sends the pattern without reading, until the server reads no more.  How much it was."""
    total, chunk = 0, pattern(251 * 400)
    client.settimeout(0.5)
    try:
        while True:
            offset = total % 251
            total += client.send(chunk[offset:])
    except TimeoutError:
        client.settimeout(30)
        return total


def test_one_that_does_not_read_moves_with_all_that_it_is_owed(prongd, place):
    daemon = prongd(server("echo", "echo", place))
    with connect(daemon.address("echo")) as client:
        size = fill(client)
        reload(daemon)
        assert receive(client, size) == pattern(size)
        assert echoes(client)


def test_one_that_ended_its_side_gets_the_rest_and_then_the_end(prongd, place):
    daemon = prongd(server("echo", "echo", place))
    with connect(daemon.address("echo")) as client:
        size = fill(client)
        client.shutdown(socket.SHUT_WR)
        reload(daemon)
        reload(daemon)
        assert receive_all(client) == pattern(size)


def test_a_half_open_one_stays_half_open(prongd, place):
    daemon = prongd(server("echo", "echo", place, allow_half_open="yes", timeout="2s"))
    with connect(daemon.address("echo")) as client:
        size = fill(client)
        client.shutdown(socket.SHUT_WR)
        reload(daemon)
        assert receive(client, size) == pattern(size)
        reload(daemon)
        assert daemon.connections() == 1
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(30)
        assert client.recv(1) == b""  # that is the timeout


def test_the_idle_time_goes_on_where_it_was(prongd):
    daemon = prongd(server("echo", "echo", timeout="6s"))
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        started = time.monotonic()
        time.sleep(4)  # the subject of the test is time that passes
        reload(daemon)
        assert client.recv(1) == b""
        assert 5.5 < time.monotonic() - started < 9.5  # it would be 10 if it began anew


# --- Other configurations ---

def test_a_server_that_is_no_longer_there_drains(prongd):
    daemon = prongd(server("stays", "echo") + server("goes", "echo"))
    old = workers(daemon)
    gone = daemon.address("goes")
    with connect(daemon.address("stays")) as stays, connect(gone) as goes:
        assert echoes(stays) and echoes(goes)
        daemon.write_config(server("stays", "echo"))
        assert daemon.ctl("reload", "--no-wait").returncode == 0
        eventually(lambda: len(workers(daemon) & old) == 1, "one old worker is left: it drains")
        eventually(lambda: is_refused(gone), "nobody listens there any more")
        assert echoes(goes) and echoes(stays)
    eventually(lambda: not workers(daemon) & old, "it ends with its last connection")


def test_a_server_with_another_handler_drains(prongd):
    daemon = prongd(server("one", "echo", f"unix:@prong-other-{os.getpid()}"))
    old = workers(daemon)
    with connect(f"@prong-other-{os.getpid()}") as client:
        assert echoes(client)
        daemon.write_config(server("one", "discard", f"unix:@prong-other-{os.getpid()}"))
        assert daemon.ctl("reload", "--no-wait").returncode == 0
        eventually(lambda: len(workers(daemon) & old) == 1, "one old worker is left: it drains")
        assert echoes(client)
        with connect(f"@prong-other-{os.getpid()}") as newcomer:
            newcomer.sendall(b"nobody answers")
            newcomer.settimeout(0.3)
            with pytest.raises(TimeoutError):
                newcomer.recv(1)
    eventually(lambda: not workers(daemon) & old, "it ends with its last connection")


def test_a_connection_survives_the_address_that_it_came_through(prongd):
    daemon = prongd(server("echo", "echo"))
    before = daemon.address("echo")
    with connect(before) as client:
        daemon.write_config(server("echo", "echo", "[::1]:0"))
        assert reload(daemon)["moved"] == 1
        assert echoes(client)
        assert is_refused(before)
        with connect(daemon.address("echo")) as newcomer:
            assert echoes(newcomer)


@pytest.mark.parametrize("sections", [
    "[server echo]\nhandler = nonsense\n",
    "[server echo]\nhandler = echo\nlisten = 127.0.0.1:1\nuser = nobody\n",
    "nonsense\n",
])
def test_a_bad_configuration_leaves_all_as_it_is(echo, sections):
    old = workers(echo)
    with SteadyLoad(echo.addresses("echo"), **MANY) as load:
        load.command("go")
        good = echo.config.read_text()
        echo.config.write_text(good.partition("[server")[0] + sections)
        answer = echo.ctl("reload")
        assert answer.returncode == 2 and answer.stderr
        eventually(lambda: workers(echo) == old, "who checked the configuration is gone")
        echo.config.write_text(good)
        assert reload(echo)["moved"] == MANY["connections"]
        load.command("check").assert_flawless()


def test_a_port_that_somebody_else_has_leaves_all_as_it_is(echo):
    old = workers(echo)
    with socket.create_server(("127.0.0.1", 0)) as other, \
            SteadyLoad(echo.addresses("echo"), **MANY) as load:
        load.command("go")
        taken = "%s:%d" % other.getsockname()
        echo.write_config(server("echo", "echo") + server("other", "echo", taken))
        answer = echo.ctl("reload")
        assert answer.returncode != 0 and taken in answer.stderr
        eventually(lambda: workers(echo) == old, "who checked the configuration is gone")
        load.command("check").assert_flawless()
