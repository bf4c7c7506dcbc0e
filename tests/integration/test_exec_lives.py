# SPDX-License-Identifier: MIT
"""Running programs do not notice what becomes of workers, configurations and programs of prongd."""

import os
import signal
import socket

import pytest

from client import connect, echoes, receive, talk
from daemon import eventually, processes_of_session, server
from programs import children, hear, keepers, running

CAT = server("run", "exec", exec="/bin/cat", max_processes=300)


def start_cats(daemon, count):
    clients = [connect(daemon.address("run")) for _ in range(count)]
    assert all(echoes(client, b"%d\n" % number) for number, client in enumerate(clients))
    return clients


def close_all(clients):
    for client in clients:
        client.close()


def test_two_hundred_programs_live_through_everything(prongd):
    daemon = prongd(CAT, workers=3)
    clients = start_cats(daemon, 200)
    [keeper] = keepers(daemon)["run"]
    programs = children(keeper)
    assert len(programs) == 200

    for change in (["reload"], ["upgrade"], ["workers", "3"], ["recycle", "1"], ["reload"]):
        answer = daemon.ctl(*change)
        assert answer.returncode == 0, answer.stderr
        assert all(echoes(client, b"after %s\n" % change[0].encode()) for client in clients)
    for pid in daemon.worker_pids():
        os.kill(pid, signal.SIGKILL)
    assert all(echoes(client, b"after that\n") for client in clients)
    assert talk(daemon.address("run"), b"one more") == b"one more"

    assert keepers(daemon)["run"] == [keeper]
    eventually(lambda: children(keeper) == programs, "the same programs run")
    daemon.wait_until_ready()
    daemon.descriptors.clear()
    close_all(clients)
    eventually(lambda: not children(keeper), "none of them is left, buried or not")
    eventually(lambda: running(daemon) == 0, "and none is counted")


def test_a_reload_that_changes_programs_starts_another_keeper(prongd):
    daemon = prongd(CAT)
    [client] = start_cats(daemon, 1)
    [before] = keepers(daemon)["run"]
    daemon.write_config(server("run", "exec", exec="/bin/echo new"))
    assert daemon.ctl("reload").returncode == 0
    assert hear(daemon.address("run")) == b"new\n"
    assert echoes(client, b"old\n")
    assert len(keepers(daemon)["run"]) == 2
    client.close()
    eventually(lambda: before not in keepers(daemon)["run"], "the old keeper ends with its program")


def test_the_limit_holds_over_two_keepers(prongd):
    daemon = prongd(server("run", "exec", exec="/bin/cat", max_processes=3))
    clients = start_cats(daemon, 3)
    daemon.write_config(server("run", "exec", exec="/bin/cat -u", max_processes=3))
    assert daemon.ctl("reload").returncode == 0
    assert len(keepers(daemon)["run"]) == 2
    late = connect(daemon.address("run"))
    late.sendall(b"?")
    assert daemon.ctl("reload").returncode == 0
    eventually(lambda: running(daemon) == 3, "three run")
    late.setblocking(False)
    with pytest.raises(BlockingIOError):
        late.recv(1)
    late.settimeout(30)
    clients.pop().close()
    assert receive(late, 1) == b"?"
    eventually(lambda: running(daemon) == 3, "three run again")
    close_all([late, *clients])


def test_who_waits_moves_and_is_served(prongd):
    """More than the keeper's queue holds: they wait in the workers, which are replaced."""
    daemon = prongd(server("run", "exec", exec="/bin/cat", max_processes=1))
    [first] = start_cats(daemon, 1)
    clients = [connect(daemon.address("run")) for _ in range(150)]
    for client in clients:
        client.sendall(b"?")
    eventually(lambda: daemon.connections() > 0, "some wait in workers")
    for change in ("reload", "upgrade"):
        answer = daemon.ctl(change)
        assert answer.returncode == 0, answer.stderr
        assert "0 drained" in answer.stdout, answer.stdout
    daemon.descriptors.clear()
    first.close()
    for _ in range(150):
        ready = eventually(lambda: [client for client in clients if has_answer(client)], "the next")
        for client in ready:
            client.setblocking(True)
            assert client.recv(1) == b"?"
            client.close()
            clients.remove(client)
        if not clients:
            break
    assert not clients
    eventually(lambda: running(daemon) == 0 and daemon.connections() == 0, "nobody is left")


def has_answer(client):
    client.setblocking(False)
    try:
        return client.recv(1, socket.MSG_PEEK) == b"?"
    except BlockingIOError:
        return False


def test_a_server_that_is_removed_leaves_its_programs_alone(prongd):
    daemon = prongd(CAT + server("other", "echo"))
    [client] = start_cats(daemon, 1)
    daemon.write_config(server("other", "echo"))
    assert daemon.ctl("reload").returncode == 0
    assert echoes(client, b"still here\n")
    assert keepers(daemon)
    client.close()
    eventually(lambda: not keepers(daemon), "the keeper ends with its last program")


def test_a_server_may_become_one_of_programs_and_back(prongd):
    daemon = prongd(server("run", "echo"))
    for handler in ({"handler": "exec", "exec": "/bin/echo program"}, {"handler": "hello"}):
        daemon.write_config(server("run", **handler))
        answer = daemon.ctl("reload")
        assert answer.returncode == 0, answer.stderr
    eventually(lambda: not keepers(daemon), "there is no keeper")


def test_a_reload_that_is_refused_leaves_the_keeper_alone(prongd):
    daemon = prongd(CAT)
    before = keepers(daemon)
    daemon.write_config(server("run", "exec", exec="/no/where"))
    answer = daemon.ctl("reload")
    assert answer.returncode != 0 and "/no/where: No such file" in answer.stderr
    assert keepers(daemon) == before
    assert talk(daemon.address("run"), b"as before") == b"as before"


def test_each_keeper_has_its_own_kill_timeout(prongd):
    """The old one's is longer than the master waits beyond that of the new one."""
    options = {"exec": "/bin/sh -c 'trap \"\" TERM; echo; while :; do sleep 1; done'"}
    daemon = prongd(server("run", "exec", kill_timeout="11s", **options), shutdown_timeout="10ms")
    with connect(daemon.address("run")) as client:
        assert receive(client, 1) == b"\n"
        daemon.write_config(server("run", "exec", kill_timeout="0", **options),
                            shutdown_timeout="10ms")
        assert daemon.ctl("reload").returncode == 0
        assert daemon.stop() == 0
        assert client.recv(1) == b""
    assert " signal=9 " in daemon.log() and "is killed" not in daemon.log()


def test_when_the_master_is_killed_running_programs_go_on(prongd):
    daemon = prongd(CAT)
    [client] = start_cats(daemon, 1)
    daemon.descriptors.clear()
    daemon.process.kill()
    daemon.wait()
    assert echoes(client, b"without a master\n")
    client.close()
    eventually(lambda: not processes_of_session(daemon.process.pid), "the keeper ends with it")
