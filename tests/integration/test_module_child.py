# SPDX-License-Identifier: MIT
"""A module that goes wrong before it serves is refused, with the reason, and nothing changes."""

import subprocess

import pytest

from client import connect, echoes
from daemon import PRONGCTL, eventually, server
from modules import compile_trouble

ECHO = server("echo", "echo")


@pytest.fixture
def trouble(tmp_path):
    tmp_path.chmod(0o755)
    return lambda *what: compile_trouble(tmp_path / "trouble.so", *what)


CHILD = [
    ("LOAD", "CRASH", "when it was loaded, crashed: Segmentation fault"),
    ("LOAD", "ABORT", "when it was loaded, crashed: Aborted"),
    ("LOAD", "EXIT", "when it was loaded, ended the process with exit status 0"),
    ("LOAD", "LOOP", "when it was loaded, did not come to an end within 5 s"),
    ("CONFIGURE", "CRASH", "when it was configured, crashed: Segmentation fault"),
    ("CONFIGURE", "EXIT", "when it was configured, ended the process with exit status 0"),
    ("CONFIGURE", "LOOP", "when it was configured, did not come to an end within 5 s"),
    ("CONFIGURE", "MEMORY", "when it was configured, crashed: Segmentation fault"),
]


@pytest.mark.parametrize("where, how, problem", CHILD)
def test_what_goes_wrong_in_the_child_is_told_in_a_line_and_the_old_generation_serves_on(
        prongd, trouble, where, how, problem):
    daemon = prongd(ECHO + server("bad", trouble()))
    before = daemon.worker_pids()
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        trouble(where, how)
        answer = daemon.ctl("reload")
        assert answer.returncode == 2
        assert problem in answer.stderr
        lines = answer.stderr.strip().splitlines()  # it may have taken so long that progress is told
        assert [line for line in lines if "is being checked" not in line] == lines[-1:]
        assert echoes(client)
    assert daemon.worker_pids() == before


@pytest.mark.parametrize("how", ["CRASH", "EXIT"])
def test_a_start_that_goes_wrong_refuses_the_reload(prongd, trouble, how):
    daemon = prongd(ECHO + server("bad", trouble()))
    before = daemon.worker_pids()
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        trouble("START", how)
        assert daemon.ctl("reload").returncode == 2
        assert echoes(client)
    eventually(daemon.is_ready, "the old ones serve")
    assert daemon.worker_pids() == before


def test_a_module_that_goes_wrong_at_once_does_not_let_the_service_start(make_daemon, trouble):
    daemon = make_daemon(ECHO + server("bad", trouble("LOAD", "CRASH"))).launch()
    assert daemon.wait() == 2
    assert "when it was loaded, crashed" in daemon.log()


@pytest.mark.parametrize("command", ["reload", "diff"])
def test_while_a_module_hangs_in_the_child_the_master_answers_others(prongd, trouble, command):
    daemon = prongd(ECHO + server("bad", trouble()))
    trouble("LOAD", "LOOP")
    asking = subprocess.Popen([PRONGCTL, "-s", daemon.control, command], stderr=subprocess.PIPE)
    answers = 0
    while asking.poll() is None:
        assert daemon.ctl("version").returncode == 0
        answers += 1
    assert b"did not come to an end" in asking.communicate()[1]
    assert asking.returncode == 2
    assert answers > 5  # one that had waited for the child would have been the only one
    assert daemon.is_ready()
