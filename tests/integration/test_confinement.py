# SPDX-License-Identifier: MIT
"""Limits, CPUs, priority, root directory and rights of the workers."""

import os
import re
import resource
from pathlib import Path

import pytest

from client import connect, echoes
from daemon import IS_ROOT, server

needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root may do this")

ECHO = server("echo", "echo")


def status(pid, field):
    return re.search(rf"^{field}:\s*(.*)$", Path(f"/proc/{pid}/status").read_text(), re.M).group(1)


def serves(daemon):
    with connect(daemon.address("echo")) as client:
        return echoes(client)


def test_each_worker_has_its_cpus(prongd):
    usable = sorted(os.sched_getaffinity(0))
    daemon = prongd(ECHO, workers=3, cpu_affinity="auto")
    for slot, pid in enumerate(daemon.worker_pids()):
        assert os.sched_getaffinity(pid) == {usable[slot % len(usable)]}
    assert os.sched_getaffinity(daemon.process.pid) == set(usable)
    assert serves(daemon)


def test_a_list_of_cpus_is_used_in_turn(prongd):
    daemon = prongd(ECHO, workers=2, cpu_affinity="0, 0-1")
    if 1 not in os.sched_getaffinity(0):
        pytest.skip("there is only one CPU")
    assert [os.sched_getaffinity(pid) for pid in daemon.worker_pids()] == [{0}, {0, 1}]


def test_priority_and_limits_are_the_workers_own(prongd):
    daemon = prongd(ECHO, nice=7, rlimit_core="1m", rlimit_nofile=500, umask="0077")
    for pid in daemon.worker_pids():
        assert os.getpriority(os.PRIO_PROCESS, pid) == 7
        assert resource.prlimit(pid, resource.RLIMIT_CORE)[0] == 2**20
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] == 500
        assert status(pid, "Umask") == "0077"
        assert status(pid, "NoNewPrivs") == "1"
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, daemon.process.pid) == own
    assert status(daemon.process.pid, "NoNewPrivs") == "0"
    assert serves(daemon)


def test_programs_of_a_worker_may_get_more_rights_where_that_is_wanted(prongd):
    daemon = prongd(ECHO, no_new_privs="no")
    assert [status(pid, "NoNewPrivs") for pid in daemon.worker_pids()] == ["0", "0"]
    assert serves(daemon)


@needs_root
def test_a_worker_has_no_capabilities_when_it_is_not_roots(prongd):
    daemon = prongd(ECHO, user="nobody")
    for pid in daemon.worker_pids():
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status(pid, name), 16) == 0, name
    assert int(status(daemon.process.pid, "CapEff"), 16) != 0
    assert serves(daemon)


@needs_root
def test_the_workers_root_is_another_directory(prongd, monkeypatch):
    monkeypatch.setenv("LSAN_OPTIONS", "detect_leaks=0")  # it needs /proc
    root = Path("/srv")
    daemon = prongd(ECHO, user="nobody", chroot=root)
    for pid in daemon.worker_pids():
        assert os.readlink(f"/proc/{pid}/root") == str(root)
        assert os.readlink(f"/proc/{pid}/cwd") == str(root)
    assert os.readlink(f"/proc/{daemon.process.pid}/root") == "/"
    assert serves(daemon)
    assert daemon.ctl("reload").returncode == 0
    assert serves(daemon)


@needs_root
@pytest.mark.parametrize("size, dumps", [(None, False), ("10m", True)])
def test_who_wants_core_files_gets_them(prongd, size, dumps):
    daemon = prongd(ECHO, user="nobody", rlimit_core=size)
    # The files below /proc are the process's own only while it may dump.
    owners = {Path(f"/proc/{pid}/status").stat().st_uid for pid in daemon.worker_pids()}
    assert (owners != {0}) == dumps


def test_too_few_descriptors_are_a_warning(make_daemon):
    limit = 300

    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    daemon = make_daemon(ECHO + "max_connections = 999999999\n")
    daemon.start(preexec_fn=lower)
    assert re.search(r"too few descriptors for max_connections.* needed=10000\d+", daemon.log())
    assert serves(daemon)


def test_a_limit_that_the_system_does_not_allow_stops_the_start(make_daemon):
    daemon = make_daemon(ECHO, rlimit_nofile=1073741816)
    assert daemon.launch().wait() == 1
    assert "[prongd] rlimit_nofile: 1073741816 descriptors are wanted" in daemon.log()


@pytest.mark.parametrize("option, value, words", [
    ("cpu_affinity", "9999", "write auto, or CPUs"),
    ("cpu_affinity", "1000", "there is no CPU"),
    ("nice", "20", "from -20 to 19"),
    ("rlimit_core", "much", "write auto, unlimited, or a size"),
    ("rlimit_nofile", "3", "from 64 to"),
    ("chroot", "/no/such", "there is no directory"),
])
def test_what_is_not_possible_is_refused(make_daemon, option, value, words):
    daemon = make_daemon(ECHO, **{option: value})
    assert daemon.launch().wait() == 2
    assert f"[prongd] {option}: " in daemon.log() and words in daemon.log()
