# SPDX-License-Identifier: MIT
"""A reload as a transaction: what it answers, what it refuses, what takes effect at once."""

import json
import re
import shutil
import signal
import subprocess

import pytest

from client import connect, echoes, is_refused
from daemon import eventually, server

ECHO = server("echo", "echo")
DRAIN = server("echo", "echo", on_reload="drain")


def generations(daemon):
    return sorted({worker["generation"] for worker in daemon.status()["workers"]})


def serves(daemon):
    with connect(daemon.address("echo")) as client:
        return echoes(client)


# --- answers ---


def test_the_answer_is_a_sentence(prongd):
    daemon = prongd(ECHO)
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        answer = daemon.ctl("reload")
        assert answer.returncode == 0, answer.stderr
        assert re.fullmatch(
            r"generation 2 serves; 1 connections moved, 0 drained in \d+\.\d\d s\n", answer.stdout
        ), answer.stdout
        assert echoes(client)


def test_it_is_json_for_programs(prongd):
    daemon = prongd(ECHO)
    answer = json.loads(daemon.ctl("reload", "--json").stdout)
    assert answer["ok"] and answer["generation"] == 2 and answer["replaced"] == 1
    assert answer["seconds"] >= 0


def test_another_number_of_workers_is_answered_alike(prongd):
    daemon = prongd(ECHO)
    answer = daemon.ctl("workers", "3")
    assert answer.stdout.startswith("generation 2 serves; 0 connections moved")
    assert len(daemon.worker_pids()) == 3
    daemon.descriptors.clear()  # the master has one channel more


def test_who_does_not_wait_is_answered_at_the_commit(prongd):
    daemon = prongd(DRAIN, shutdown_timeout="1h")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        answer = daemon.ctl("reload", "--no-wait")
        assert (answer.returncode, answer.stdout) == (0, "generation 2 serves\n")
        assert generations(daemon) == [1, 2]
        assert echoes(client)
    eventually(lambda: generations(daemon) == [2], "the old generation is gone")


def test_who_waits_sees_how_far_it_is(prongd):
    daemon = prongd(DRAIN, shutdown_timeout="2500ms")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        answer = daemon.ctl("reload")
    assert answer.returncode == 0
    assert "generation 1 leaves: 1 workers with 1 connections\n" in answer.stderr
    assert "0 connections moved, 1 drained in 2.5" in answer.stdout


# --- refusals ---


def test_a_broken_configuration_changes_nothing_and_is_told_line_by_line(prongd):
    daemon = prongd(ECHO)
    pids = daemon.worker_pids()
    mark = daemon.log_mark()
    daemon.write_config(ECHO + "backlgo = 10\nno_delay = perhaps\n")
    answer = daemon.ctl("reload")
    assert answer.returncode == 2 and answer.stdout == ""
    lines = answer.stderr.splitlines()
    assert len(lines) == 2
    for line, word in zip(lines, ("backlgo", "no_delay")):
        assert re.match(rf"prongctl: {re.escape(str(daemon.config))}:\d+: \[server echo\] {word}:", line)
        assert "reload refused: " + line.removeprefix("prongctl: ") in daemon.log(mark)
    assert daemon.worker_pids() == pids and serves(daemon)


def test_what_only_a_restart_can_change_is_refused_by_name(prongd):
    daemon = prongd(ECHO)
    daemon.write_config(ECHO + "ipv6_only = yes\n", pid_file=daemon.directory / "pid")
    answer = daemon.ctl("reload")
    assert answer.returncode == 2
    where = re.escape(str(daemon.config))
    assert re.search(rf"{where}:\d+: \[prongd\] pid_file: a change needs a restart: is none, "
                     rf"would be {daemon.directory}/pid\n", answer.stderr)
    assert re.search(rf"{where}:\d+: \[server echo\] ipv6_only: a change needs a restart: is no, "
                     rf"would be yes\n", answer.stderr)
    assert generations(daemon) == [1] and serves(daemon)
    daemon.write_config(ECHO)
    assert daemon.ctl("reload").returncode == 0


def test_after_a_signal_the_log_says_why_it_was_refused(prongd):
    daemon = prongd(ECHO)
    daemon.write_config(ECHO + "backlog = many\n")
    daemon.signal(signal.SIGHUP)
    daemon.wait_for_log("reload refused: ")
    assert generations(daemon) == [1] and serves(daemon)


def test_a_log_that_does_not_open_refuses_the_reload(prongd):
    daemon = prongd(ECHO)
    daemon.write_config(ECHO, log_target=daemon.directory / "missing" / "log")
    answer = daemon.ctl("reload")
    assert answer.returncode == 1
    assert "[prongd] log_target: " in answer.stderr
    assert "No such file" in answer.stderr
    daemon.wait_for_log("reload refused")
    assert generations(daemon) == [1]


# --- what changes at once ---


def test_old_workers_take_the_new_log(prongd):
    daemon = prongd(DRAIN, shutdown_timeout="1h")
    log = daemon.directory / "other.log"
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        old = next(w["pid"] for w in daemon.status()["workers"] if w["connections"] == 1)
        daemon.write_config(DRAIN, shutdown_timeout="1h", log_target=log, log_level="debug")
        assert daemon.ctl("reload", "--no-wait").returncode == 0
    eventually(lambda: f"worker/1.0[{old}]" in log.read_text() or
               f"worker/1.1[{old}]" in log.read_text(), "the old worker logs there, too")
    assert "slot changes" in log.read_text()
    daemon.descriptors.clear()  # the log was stderr


def test_the_log_stays_when_the_reload_is_refused_later(prongd):
    daemon = prongd(ECHO)
    other = daemon.directory / "other.log"
    with connect(("127.0.0.1", daemon.address("echo")[1])) as busy:
        taken = "%s:%d" % busy.getsockname()
        daemon.write_config(ECHO + server("late", "echo", listen=taken), log_target=other)
        answer = daemon.ctl("reload")
    assert answer.returncode == 1 and "in use" in answer.stderr
    daemon.wait_for_log("reload refused")


def test_those_who_drain_have_the_new_time(prongd):
    daemon = prongd(DRAIN, shutdown_timeout="1h")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        assert daemon.ctl("reload", "--no-wait").returncode == 0
        assert echoes(client)
        daemon.write_config(DRAIN, shutdown_timeout="100ms")
        assert daemon.ctl("reload").returncode == 0
        assert client.recv(1) == b""
    eventually(lambda: generations(daemon) == [3], "the old generations are gone")


@pytest.mark.skipif(shutil.which("ss") is None, reason="ss is not here")
def test_the_accept_queue_has_the_new_length(prongd):
    daemon = prongd(ECHO)
    port = daemon.address("echo")[1]
    daemon.write_config(ECHO + "backlog = 17\n")
    assert daemon.ctl("reload").returncode == 0
    lines = subprocess.run(["ss", "-Hltn", f"sport = :{port}"], capture_output=True, text=True)
    assert lines.stdout.split()[2] == "17"


def test_addresses_come_and_go(prongd):
    daemon = prongd(ECHO + server("gone", "echo"))
    gone = daemon.address("gone")
    daemon.write_config(ECHO + server("new", "hello"))
    assert daemon.ctl("reload").returncode == 0
    eventually(lambda: is_refused(gone), "the old address is closed")
    with connect(daemon.address("new")) as client:
        assert client.recv(5) == b"hello"


def test_included_files_are_read_anew(prongd):
    daemon = prongd(ECHO, include="conf.d/*.conf")
    files = daemon.directory / "conf.d"
    files.mkdir()
    (files / "one.conf").write_text(server("one", "hello"))
    assert daemon.ctl("reload").returncode == 0
    with connect(daemon.address("one")) as client:
        assert client.recv(5) == b"hello"
    (files / "two.conf").write_text("[server two]\nlisten = 127.0.0.1:0\nhandler = nothing\n")
    answer = daemon.ctl("reload")
    assert answer.returncode == 2
    assert f"{files}/two.conf:3: [server two] handler:" in answer.stderr
    daemon.descriptors.clear()  # an address more
