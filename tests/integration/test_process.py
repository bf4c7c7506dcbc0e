# SPDX-License-Identifier: MIT
"""prongd as a process: in the background, as ps(1) shows it, and as the first one of a container."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from client import connect, echoes
from daemon import (IS_ROOT, PATIENCE, PRONGD, environment, eventually, processes_of_session,
                    server)

ECHO = server("echo", "echo")

needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root can do this")


def status_field(pid, name):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(name + ":"))


def title(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()


def children(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


# --- in the background ---


def detach(daemon, **popen):
    """Runs the first process to its end, and until nobody holds its standard output any more."""
    return subprocess.run([PRONGD, "-c", daemon.config, "--daemonize"], capture_output=True,
                          text=True, timeout=PATIENCE, env=environment(daemon.directory), **popen)


@pytest.fixture
def detached(make_daemon):
    """A daemon in the background; with its configuration's file and its pid."""
    daemon = make_daemon(ECHO, log_target="syslog")
    answer = detach(daemon)
    assert (answer.returncode, answer.stderr) == (0, "")
    pid = daemon.status()["master"]["pid"]
    yield daemon, pid
    if Path(f"/proc/{pid}").exists():
        assert daemon.ctl("stop").returncode == 0
    eventually(lambda: not processes_of_session(os_session(pid)), "it has ended")
    daemon.check_reports()


sessions = {}


def os_session(pid):
    """Remembered: it cannot be asked for once the process is gone."""
    if pid not in sessions:
        sessions[pid] = os.getsid(pid)
    return sessions[pid]


def test_the_first_process_ends_when_the_service_is_up(detached):
    daemon, pid = detached
    os_session(pid)
    assert [w["state"] for w in daemon.status()["workers"]] == ["ready", "ready"]
    with connect(daemon.address("echo")) as client:
        assert echoes(client)


def test_the_daemon_keeps_nothing_of_its_caller(detached):
    _, pid = detached
    assert os_session(pid) not in (pid, os.getsid(0))  # nor can it get a terminal again
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)] == ["/dev/null"] * 3
    assert status_field(pid, "Umask") == "0000"
    assert int(status_field(pid, "SigBlk"), 16) == 0


def test_a_reload_finds_a_file_that_was_named_from_another_directory(make_daemon):
    daemon = make_daemon(ECHO, log_target="syslog")
    daemon.config = Path(daemon.config.name)
    answer = detach(daemon, cwd=daemon.directory)
    assert answer.returncode == 0, answer.stderr
    session = os_session(daemon.status()["master"]["pid"])
    assert daemon.ctl("reload").returncode == 0
    assert daemon.ctl("upgrade").returncode == 0
    assert daemon.status()["master"]["generation"] == 3
    assert daemon.ctl("stop").returncode == 0
    eventually(lambda: not processes_of_session(session), "it has ended")


@pytest.mark.parametrize(
    "change, status, reason",
    [
        ({"bogus": "1"}, 2, "bogus"),
        ({"log_target": "/nonexistent/log"}, 1, "/nonexistent/log: No such file or directory"),
        ({"control_socket": "/nonexistent/control"}, 1, "control_socket: /nonexistent/control"),
    ],
)
def test_the_first_process_tells_why_the_start_failed(make_daemon, change, status, reason):
    daemon = make_daemon(ECHO, **change)
    answer = detach(daemon)
    assert answer.returncode == status
    assert reason in answer.stderr


@needs_root
def test_root_writes_no_pid_file_where_others_could_replace_it(make_daemon):
    daemon = make_daemon("")
    daemon.write_config(ECHO, pid_file=daemon.directory / "pid")
    assert daemon.launch().wait() == 1
    assert "others than root may write to its directory" in daemon.log()


# --- titles ---


def test_titles_tell_role_generation_and_slot(prongd):
    daemon = prongd(ECHO)
    assert title(daemon.process.pid) == f"prongd: master {daemon.config}"
    assert daemon.ctl("reload").returncode == 0
    workers = {w["slot"]: title(w["pid"]) for w in daemon.status()["workers"]}
    assert workers == {0: "prongd: worker 2.0", 1: "prongd: worker 2.1"}


# --- process 1 ---


@pytest.fixture
def container(make_daemon, monkeypatch, tmp_path):
    """A daemon that is the first process of its namespace, and its number outside of it."""
    unshare = ["unshare", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine or this user allows no process namespace")
    wrapper = tmp_path / "prongd"
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join(unshare)} {PRONGD} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr("daemon.PRONGD", wrapper)
    daemon = make_daemon(ECHO).launch()
    daemon.wait_until_ready()
    assert daemon.status()["master"]["pid"] == 1
    pid = children(daemon.process.pid)[0]
    yield daemon, pid
    if daemon.process.poll() is None:
        os.kill(pid, signal.SIGTERM)
        assert daemon.wait() == 0


def test_the_first_process_of_a_container_reaps_what_is_left_to_it(container):
    daemon, pid = container
    workers = set(children(pid))
    subprocess.run(["nsenter", "-t", str(pid), "-p", "sh", "-c", "sleep 1000 &"], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    (orphan,) = eventually(lambda: set(children(pid)) - workers, "the orphan is prongd's")
    os.kill(orphan, signal.SIGKILL)
    eventually(lambda: set(children(pid)) == workers, "the orphan is reaped")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_process_of_a_container_ends_when_it_is_told_to(container, number):
    daemon, pid = container
    os.kill(pid, number)
    assert daemon.wait() == 0
