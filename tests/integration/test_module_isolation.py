# SPDX-License-Identifier: MIT
"""A module that goes wrong, wherever it does, takes along one worker at most."""

import pytest

from client import connect, echoes, receive
from daemon import eventually, server
from modules import compile_trouble

ECHO = server("echo", "echo")


@pytest.fixture
def trouble(tmp_path):
    tmp_path.chmod(0o755)
    return lambda *what: compile_trouble(tmp_path / "trouble.so", *what)


def serves(daemon):
    with connect(daemon.address("echo")) as client:
        return echoes(client)


def provoke(daemon, where):
    """Brings one connection into the callback."""
    with connect(daemon.address("bad")) as client:
        if where == "CONNECTION":
            client.recv(1)
            return
        assert receive(client, 6) == b"hello\n"
        if where in ("DATA", "BROADCAST", "MESSAGE", "LOST"):
            client.sendall(b"x")
        if where in ("END", "CLOSE"):
            client.shutdown(1)
        client.settimeout(10)
        try:
            while client.recv(1):
                pass
        except OSError:
            pass  # reset, or nobody answers any more


def assert_one_was_replaced(daemon, before):
    eventually(lambda: set(daemon.worker_pids()) != set(before) and daemon.is_ready(),
               "one worker was replaced")
    after = set(daemon.worker_pids())
    assert len(after & set(before)) == len(before) - 1
    assert daemon.process.poll() is None
    assert serves(daemon)


@pytest.mark.parametrize("where", ["CONNECTION", "DATA", "END", "TIMEOUT", "CLOSE",
                                   "BROADCAST", "MESSAGE", "LOST"])
@pytest.mark.parametrize("how", ["CRASH", "ABORT", "EXIT"])
def test_a_callback_that_ends_the_process_ends_one_worker(prongd, trouble, where, how):
    bad = server("bad", trouble(where, how), timeout="1s")
    daemon = prongd(ECHO + bad, workers=3)
    before = daemon.worker_pids()
    provoke(daemon, where)
    assert_one_was_replaced(daemon, before)


@pytest.mark.parametrize("where", ["CONNECTION", "DATA", "CLOSE", "BROADCAST", "MESSAGE",
                                   "LOST"])
def test_a_callback_that_never_returns_hangs_one_worker_until_it_is_replaced(
        prongd, trouble, where):
    daemon = prongd(ECHO + server("bad", trouble(where, "LOOP")), worker_timeout="2s")
    before = daemon.worker_pids()
    with connect(daemon.address("bad")) as client:
        if where != "CONNECTION":
            assert receive(client, 6) == b"hello\n"
        if where in ("DATA", "BROADCAST", "MESSAGE", "LOST"):
            client.sendall(b"x")
        if where == "CLOSE":
            client.shutdown(1)
        daemon.wait_for_log("worker hangs and is aborted")
    assert_one_was_replaced(daemon, before)
    assert f"on_{where.lower()}" in daemon.log()


def test_a_callback_that_wants_more_memory_than_there_is_ends_one_worker(prongd, trouble):
    daemon = prongd(ECHO + server("bad", trouble("DATA", "MEMORY")))
    before = daemon.worker_pids()
    provoke(daemon, "DATA")
    assert_one_was_replaced(daemon, before)


@pytest.mark.parametrize("where", ["SAVE", "LEAVE", "CAN_MOVE", "RESTORE", "STOP"])
def test_what_goes_wrong_in_a_move_ends_neither_the_reload_nor_the_service(prongd, trouble, where):
    daemon = prongd(ECHO + server("bad", trouble(where)), max_respawns=100)
    with connect(daemon.address("bad")) as client, connect(daemon.address("echo")) as bystander:
        assert receive(client, 6) == b"hello\n"
        assert echoes(bystander)
        assert daemon.ctl("reload").returncode == 0
        eventually(daemon.is_ready, "the new workers serve")
    assert daemon.process.poll() is None
    assert serves(daemon)
    trouble()  # an end without trouble
    assert daemon.ctl("reload").returncode == 0
    eventually(daemon.is_ready, "all is well")
