# SPDX-License-Identifier: MIT
"""What prongd tells the service manager that started it, and what it leaves there and is given."""

import os
import re
import signal
import socket
import time

import pytest

from client import EchoLoad, connect, echoes
from daemon import eventually, server
from manager import Manager

ECHO = server("echo", "echo")


@pytest.fixture
def manager(monkeypatch):
    manager = Manager(monkeypatch)
    yield manager
    manager.close()


# --- states ---


def test_ready_is_told_when_the_workers_accept(manager, make_daemon):
    daemon = make_daemon(ECHO).launch()
    ready = manager.hear(lambda message: "READY" in message, "ready")
    assert len(daemon.worker_pids()) == 2
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
    before = manager.messages[: manager.messages.index(ready)]
    assert any(message.get("STATUS") == "Starting" for message in before)
    assert all("EXTEND_TIMEOUT_USEC" in m for m in before if "STATUS" in m)
    assert ready["STATUS"] == "2 workers, 0 connections, generation 1"


def test_the_status_counts_connections(manager, prongd):
    daemon = prongd(ECHO)
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        manager.hear_status("2 workers, 1 connection, generation 1")
    load = EchoLoad(daemon.address("echo"), 1000)
    manager.hear_status("2 workers, 1,000 connections, generation 1")
    load.close()


def test_a_start_that_fails_says_why(manager, make_daemon):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "%s:%d" % taken.getsockname()
        daemon = make_daemon(server("echo", "echo", listen=address)).launch()
        manager.hear_status(address)
        assert daemon.wait() == 1
    assert not manager.said("READY")


def test_a_reload_is_told_from_its_beginning_to_its_end(manager, prongd):
    daemon = prongd(ECHO)
    mark, before = manager.mark(), time.monotonic_ns() // 1000
    assert daemon.ctl("reload").returncode == 0
    began = manager.hear(lambda message: "RELOADING" in message, "a reload begins", mark)
    ended = manager.hear(lambda message: "READY" in message, "it ends", mark)
    assert before <= int(began["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert manager.messages.index(began) < manager.messages.index(ended)
    assert ended["STATUS"] == "2 workers, 0 connections, generation 2"


def test_a_refused_reload_ends_ready_with_the_reason(manager, prongd):
    daemon = prongd(ECHO)
    good, mark = daemon.config.read_text(), manager.mark()
    daemon.config.write_text(good + "bogus = 1\n")
    line = len(daemon.config.read_text().splitlines())
    assert daemon.ctl("reload").returncode == 2
    refused = manager.hear(lambda message: "READY" in message, "it ends", mark)
    assert manager.said("RELOADING", mark) == ["1"]
    assert f"reload refused: {daemon.config}:{line}: " in refused["STATUS"]
    assert refused["STATUS"].startswith("2 workers, 0 connections, generation 1")

    daemon.config.write_text(good)
    mark = manager.mark()
    assert daemon.ctl("reload").returncode == 0
    assert "refused" not in manager.hear(lambda m: "READY" in m, "it ends", mark)["STATUS"]


def test_a_stop_is_told_and_asks_for_time(manager, prongd):
    daemon = prongd(ECHO, shutdown_timeout="1h")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        daemon.signal(signal.SIGTERM)
        stopping = manager.hear(lambda message: "STOPPING" in message, "it stops")
        assert stopping["STATUS"] == "Stopping, 1 connection left"
        assert int(stopping["EXTEND_TIMEOUT_USEC"]) > 5_000_000
        mark = manager.mark()
        manager.hear(lambda message: "EXTEND_TIMEOUT_USEC" in message, "it asks again", mark)
    assert daemon.wait() == 0
    assert not manager.said("READY", mark)


def test_an_upgrade_goes_on_telling(manager, prongd):
    daemon = prongd(ECHO)
    mark = manager.mark()
    assert daemon.ctl("upgrade").returncode == 0
    manager.hear(lambda message: "RELOADING" in message, "it begins", mark)
    manager.hear(lambda message: "READY" in message, "it ends", mark)
    manager.hear_status("generation 2", mark)


# --- the watchdog ---


def test_the_watchdog_hears_nothing_while_every_worker_is_stuck(manager, monkeypatch, prongd):
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    daemon = prongd(ECHO)
    workers = daemon.worker_pids()
    manager.hear(lambda message: "WATCHDOG" in message, "the watchdog")

    def is_silent():
        mark, deadline = manager.mark(), time.monotonic() + 1
        while time.monotonic() < deadline:
            if manager.said("WATCHDOG", mark):
                return False
        return True

    os.kill(workers[0], signal.SIGSTOP)
    assert not is_silent()  # one that is stuck is no reason
    os.kill(workers[1], signal.SIGSTOP)
    eventually(is_silent, "the watchdog hears nothing")
    for pid in workers:
        os.kill(pid, signal.SIGCONT)
    manager.hear(lambda message: "WATCHDOG" in message, "the watchdog", manager.mark())


# --- the descriptor store ---


def port_of(fd):
    with socket.socket(fileno=os.dup(fd)) as handle:
        return handle.getsockname()[1]


def test_listening_handles_are_stored(manager, prongd):
    daemon = prongd(server("echo", "echo", listen="127.0.0.1:0, 127.0.0.1:0"))
    manager.read()
    stored = {port_of(fd) for fd in manager.store.values()}
    assert stored == {port for _, port in daemon.addresses("echo")}
    assert set(manager.said("FDPOLL")) == {"0"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_clients_wait_from_one_master_to_the_next(manager, make_daemon, tmp_path, number):
    path = tmp_path / "socket"
    text = server("echo", "echo", listen=f"127.0.0.1:0, [::1]:0, unix:{path}")
    first = make_daemon(text).start()
    addresses = first.addresses("echo")
    workers = first.worker_pids()
    manager.read()
    first.descriptors = {}
    first.signal(number)
    first.wait()
    # Who comes to a worker that does not know yet that its master is gone ends with it.
    eventually(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in workers),
               "the workers have ended, too")
    waiting = [connect(address) for address in addresses]

    second = make_daemon(text).start(**manager.give_stored())
    assert second.addresses("echo") == addresses
    for client in waiting:
        assert echoes(client)
        client.close()
    second.stop()
    path.unlink()  # it stays, for the next one


def test_an_address_that_a_reload_gives_up_is_dropped(manager, prongd):
    daemon = prongd(server("one", "echo") + server("two", "echo"))
    manager.read()
    dropped = daemon.address("two")[1]
    name = next(name for name, fd in manager.store.items() if port_of(fd) == dropped)
    daemon.write_config(server("one", "echo"))
    assert daemon.ctl("reload").returncode == 0
    manager.hear(lambda m: "FDSTOREREMOVE" in m and m["FDNAME"] == name, "it is dropped")
    assert [port_of(fd) for fd in manager.store.values()] == [daemon.address("one")[1]]


def test_a_stored_handle_that_nobody_wants_is_dropped_at_the_start(manager, make_daemon):
    first = make_daemon(server("one", "echo") + server("two", "echo")).start()
    kept = first.address("one")
    manager.read()
    first.descriptors = {}
    first.stop()
    second = make_daemon(server("one", "echo")).start(**manager.give_stored())
    assert second.address("one") == kept
    manager.read()
    assert [port_of(fd) for fd in manager.store.values()] == [kept[1]]


def test_an_upgraded_master_knows_what_it_has_stored(manager, prongd):
    daemon = prongd(server("one", "echo") + server("two", "echo"))
    manager.read()
    before = dict(manager.store)
    assert daemon.ctl("upgrade").returncode == 0
    daemon.write_config(server("one", "echo"))
    assert daemon.ctl("reload").returncode == 0
    name = next(name for name in before if name.startswith("prongd/two/"))
    manager.hear(lambda m: "FDSTOREREMOVE" in m and m["FDNAME"] == name, "it is dropped")


# --- sockets of socket units ---


def test_sockets_of_systemd_are_used_by_name(manager, make_daemon, tmp_path):
    path = tmp_path / "socket"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(path))
        unix.listen()
        path.chmod(0o640)
        given = manager.give(web=[tcp.fileno(), unix.fileno()])
        daemon = make_daemon(server("echo", "echo", listen="systemd:web")).start(**given)
        assert daemon.addresses("echo") == [tcp.getsockname(), str(path)]
        for address in daemon.addresses("echo"):
            with connect(address) as client:
                assert echoes(client)
        assert daemon.ctl("reload").returncode == 0
        assert daemon.ctl("upgrade").returncode == 0
        for address in daemon.addresses("echo"):
            with connect(address) as client:
                assert echoes(client)
        manager.read()
        assert not manager.store
        assert daemon.stop() == 0
        assert path.stat().st_mode & 0o777 == 0o640
        connect(tcp.getsockname()).close()


def test_a_socket_that_systemd_did_not_give_stops_the_start(manager, make_daemon):
    daemon = make_daemon(server("echo", "echo", listen="systemd:web")).launch()
    manager.hear_status("Start failed: ")
    assert daemon.wait() == 1
    assert re.search(r'\[server echo\] listen: .*"web"', daemon.log())
