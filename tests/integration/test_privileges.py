# SPDX-License-Identifier: MIT
"""Whom the workers become."""

import os
import pwd
import re
from pathlib import Path

import pytest

from client import connect, echoes
from daemon import IS_ROOT, server

needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else")

ECHO = server("echo", "echo")


def ids(pid, field):
    """Real, effective, saved and file-system id of a process, or its supplementary groups."""
    text = Path(f"/proc/{pid}/status").read_text()
    return [int(word) for word in re.search(rf"^{field}:(.*)$", text, re.M).group(1).split()]


def uids_of_workers(daemon):
    return {uid for pid in daemon.worker_pids() for uid in ids(pid, "Uid")}


@needs_root
def test_workers_of_root_become_nobody(prongd):
    daemon = prongd(ECHO, user=None)
    assert ids(daemon.process.pid, "Uid") == [0, 0, 0, 0]
    nobody = pwd.getpwnam("nobody")
    for pid in daemon.worker_pids():
        assert ids(pid, "Uid") == [nobody.pw_uid] * 4
        assert ids(pid, "Gid") == [nobody.pw_gid] * 4
        assert ids(pid, "Groups") == sorted(os.getgrouplist("nobody", nobody.pw_gid))
    with connect(daemon.address("echo")) as client:
        assert echoes(client)


@needs_root
def test_workers_become_the_user_and_group_that_are_named(prongd):
    daemon = prongd(ECHO, user="daemon", group="nogroup")
    for pid in daemon.worker_pids():
        assert set(ids(pid, "Uid")) == {pwd.getpwnam("daemon").pw_uid}
        assert set(ids(pid, "Gid")) == {65534}


@needs_root
def test_staying_root_must_be_written_out(prongd):
    assert uids_of_workers(prongd(ECHO, user="root")) == {0}


@needs_root
def test_a_user_that_does_not_exist_stops_the_start(make_daemon):
    daemon = make_daemon(ECHO, user="no-such-user")
    assert daemon.launch().wait() == 2
    assert "no-such-user" in daemon.log()


def test_without_root_user_is_ignored_with_a_notice(make_daemon, unprivileged):
    daemon = make_daemon(ECHO, user="daemon").start(**unprivileged)
    me = pwd.getpwnam("nobody").pw_uid if IS_ROOT else os.geteuid()
    assert uids_of_workers(daemon) == {me}
    assert "user" in daemon.log()
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
