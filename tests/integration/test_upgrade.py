# SPDX-License-Identifier: MIT
"""Another program takes over: same process, same connections."""

import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from client import connect, echoes
from daemon import PATIENCE, PRONGCTL, PRONGD, count_descriptors, eventually, server
from test_move import reload_later
from victim import Victim, cut_channel

import daemon as harness

ECHO = server("echo", "echo")


@pytest.fixture
def installed(prongd, tmp_path, monkeypatch):
    """A daemon whose program is a file that the test may replace."""
    program = tmp_path / "prongd"
    shutil.copy(PRONGD, program)
    monkeypatch.setattr(harness, "PRONGD", program)

    def start(*arguments, **options):
        return prongd(*arguments, **options)

    start.program = program
    return start


def install(program, source):
    """As a package does: a new file in the place of the old one."""
    fresh = program.with_suffix(".new")
    shutil.copy(source, fresh)
    os.chmod(fresh, 0o755)
    os.rename(fresh, program)


def different_build(directory):
    """A really different file that is the same program."""
    other = directory / "other"
    shutil.copy(PRONGD, other)
    subprocess.run(["strip", "--strip-debug", other], check=True)
    assert other.read_bytes() != PRONGD.read_bytes()
    return other


def clients(daemon, count):
    found = [connect(daemon.address("echo")) for _ in range(count)]
    assert all(echoes(client) for client in found)
    return found


def test_sums_outlive_the_program(installed, tmp_path):
    daemon = installed(ECHO)
    for other in clients(daemon, 5):
        other.close()
    eventually(lambda: daemon.server_status("echo")["closed"] == 5, "all are counted")
    assert daemon.ctl("reload").returncode == 0
    install(installed.program, different_build(tmp_path))
    assert daemon.ctl("upgrade").returncode == 0
    assert daemon.server_status("echo")["accepted"] == 5


def test_connections_and_the_process_id_outlive_the_program(installed, tmp_path):
    daemon = installed(ECHO)
    open_clients = clients(daemon, 40)
    before = daemon.worker_pids()
    address = daemon.address("echo")
    install(installed.program, different_build(tmp_path))
    answer = daemon.ctl("upgrade")
    assert answer.returncode == 0, answer.stderr
    assert daemon.process.poll() is None
    assert not set(before) & set(daemon.worker_pids())
    assert daemon.address("echo") == address
    assert daemon.connections() == 40
    assert all(echoes(client) for client in open_clients)
    assert daemon.status()["master"]["generation"] == 2
    # And once more, by the signal, from the program that took over.
    install(installed.program, PRONGD)
    daemon.signal(signal.SIGUSR2)
    eventually(lambda: daemon.try_status().get("master", {}).get("generation") == 3, "upgraded")
    eventually(lambda: len(daemon.worker_pids()) == 2, "the old workers are gone")
    assert all(echoes(client) for client in open_clients)
    daemon.descriptors = {}  # of processes that are gone


def test_a_program_that_does_not_run_changes_nothing(installed):
    daemon = installed(ECHO)
    open_clients = clients(daemon, 10)
    workers = daemon.worker_pids()
    install(installed.program, shutil.which("false"))
    answer = daemon.ctl("upgrade")
    assert answer.returncode == 1
    assert "check" in answer.stderr
    assert daemon.worker_pids() == workers
    assert all(echoes(client) for client in open_clients)
    install(installed.program, PRONGD)


def test_a_configuration_that_the_new_program_refuses_changes_nothing(installed):
    daemon = installed(ECHO)
    workers = daemon.worker_pids()
    daemon.write_config(ECHO + "nonsense = 1\n")
    answer = daemon.ctl("upgrade")
    assert answer.returncode == 1
    assert "nonsense" in answer.stderr
    assert daemon.worker_pids() == workers


def test_workers_that_die_under_the_new_program_are_replaced(installed):
    daemon = installed(ECHO)
    assert daemon.ctl("upgrade").returncode == 0
    os.kill(daemon.worker_pids()[0], signal.SIGKILL)
    eventually(daemon.is_ready, "the slot is filled again")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
    daemon.descriptors = {}


def test_a_worker_that_is_about_to_end_does_not_hinder_an_upgrade(installed):
    """It has closed its channel, and has not died yet."""
    daemon = installed(ECHO)
    victim = Victim(daemon.worker_pids()[0])
    before = count_descriptors(daemon.process.pid)
    cut_channel(victim.pid)
    eventually(lambda: count_descriptors(daemon.process.pid) == before - 1,
               "the master has closed it, too")
    upgrade = daemon.begin_ctl("upgrade")
    daemon.wait_for_log("upgraded version=")
    victim.resume()
    _, errors = upgrade.communicate(timeout=PATIENCE)
    assert upgrade.returncode == 0, errors
    assert victim.pid not in daemon.worker_pids()


def test_a_program_that_cannot_take_over_and_is_the_old_one_ends(tmp_path):
    """Rather than becoming itself again and again."""
    estate = os.memfd_create("estate", 0)
    image = os.open(PRONGD, os.O_RDONLY)
    os.set_inheritable(image, True)
    source = (Path(__file__).parents[2] / "daemon/master/estate_internal.h").read_text()
    version = re.search(r"ESTATE_VERSION (\d+)", source).group(1)
    os.write(estate, b'{"version": %s, "image": %d}' % (version.encode(), image))
    (tmp_path / "prongd.conf").write_text(ECHO)
    answer = subprocess.run([PRONGD, "-c", tmp_path / "prongd.conf"], capture_output=True, text=True,
                            timeout=PATIENCE, pass_fds=[estate, image],
                            env={**os.environ, "PRONGD_ESTATE": str(estate)})
    os.close(estate)
    os.close(image)
    assert answer.returncode == 1
    assert answer.stderr.count("upgrade failed") == 1, answer.stderr


def test_the_pid_file_stays_locked_by_the_same_process(installed, tmp_path):
    pid_file = tmp_path / "prongd.pid"
    daemon = installed(ECHO, pid_file=pid_file)
    assert daemon.ctl("upgrade").returncode == 0
    assert int(pid_file.read_text()) == daemon.process.pid
    second = subprocess.run([PRONGD, "-c", daemon.config], capture_output=True, timeout=30)
    assert second.returncode == 1
    assert b"held by a running prongd" in second.stderr
    daemon.descriptors = {}
    assert daemon.stop() == 0
    assert not pid_file.exists()


def test_a_unix_socket_keeps_its_file(installed, tmp_path):
    path = tmp_path / "echo.sock"
    daemon = installed(server("echo", "echo", listen=f"unix:{path}"))
    with connect(str(path)) as client:
        inode = path.stat().st_ino
        assert daemon.ctl("upgrade").returncode == 0
        assert echoes(client)
        assert path.stat().st_ino == inode
    daemon.descriptors = {}
    assert daemon.stop() == 0
    assert not path.exists()


# --- Other clients of the control socket ---


def test_a_request_that_comes_meanwhile_is_answered_by_the_new_program(installed):
    daemon = installed(ECHO)

    def is_answered():
        with connect(str(daemon.control)) as early:
            assert daemon.ctl("upgrade").returncode == 0
            try:
                early.sendall(b'{"command": "version"}\n')
                return b"version" in early.recv(4096)
            except ConnectionError:
                return False  # it was silent for too long: a slow machine

    eventually(is_answered, "a client that had asked nothing before the upgrade is answered after it")
    daemon.descriptors = {}


def test_who_waits_for_old_workers_is_told_of_the_upgrade(installed):
    daemon = installed(server("echo", "echo", on_reload="drain"))
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        waiting = reload_later(daemon)
        eventually(lambda: daemon.status()["master"]["generation"] == 2, "the reload is committed")
        upgrade = subprocess.Popen([PRONGCTL, "-s", daemon.control, "upgrade"],
                                   stderr=subprocess.DEVNULL)
        _, errors = waiting.communicate(timeout=60)
        assert waiting.returncode == 1 and "an upgrade came between" in errors
        assert echoes(client)
    assert upgrade.wait(60) == 0
    daemon.descriptors = {}


# --- What the new program knows of the configuration before ---


def change(daemon):
    """Of a row that only a restart can change."""
    daemon.write_config(ECHO + "ipv6_only = yes\n")


def test_a_change_that_needs_a_restart_is_refused_by_the_new_program(installed):
    daemon = installed(ECHO)
    open_clients = clients(daemon, 10)
    workers = daemon.worker_pids()
    change(daemon)
    answer = daemon.ctl("upgrade")
    assert answer.returncode == 1
    assert re.search(rf"{daemon.config}:\d+: \[server echo\] ipv6_only: a change needs a restart",
                     answer.stderr)
    assert daemon.worker_pids() == workers
    assert daemon.status()["master"]["generation"] == 1
    assert all(echoes(client) for client in open_clients)


def test_the_first_reload_after_an_upgrade_is_compared_like_any_other(installed):
    daemon = installed(ECHO)
    assert daemon.ctl("upgrade").returncode == 0
    change(daemon)
    answer = daemon.ctl("reload")
    assert answer.returncode == 2
    assert "ipv6_only: a change needs a restart: is no, would be yes" in answer.stderr
    daemon.write_config(ECHO)
    assert daemon.ctl("reload").returncode == 0
    daemon.descriptors = {}


def test_when_the_reload_of_an_upgrade_fails_the_old_workers_are_still_replaced(installed):
    daemon = installed(ECHO)
    with socket.create_server(("127.0.0.1", 0)) as taken, connect(daemon.address("echo")) as client:
        assert echoes(client)
        daemon.write_config(ECHO + server("late", "echo", "%s:%d" % taken.getsockname()))
        answer = daemon.ctl("upgrade")
        assert answer.returncode == 1 and "in use" in answer.stderr
        assert daemon.status()["master"]["generation"] == 1
        assert echoes(client)
        assert "late" in daemon.ctl("diff").stdout
        for pid in daemon.worker_pids():
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not set(daemon.worker_pids()) & {0, pid}, "others came")
        eventually(daemon.is_ready, "they serve")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
    daemon.descriptors = {}
