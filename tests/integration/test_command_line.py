# SPDX-License-Identifier: MIT
"""The arguments and exit codes of prongd and prongctl."""

import re
import subprocess

import pytest

from daemon import PATIENCE, PRONGCTL, PRONGD, TREE, eventually, server

ECHO = server("echo", "echo")


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=PATIENCE, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("program", [PRONGD, PRONGCTL])
def test_help_names_every_option_and_succeeds(program):
    answer = run(program, "-h")
    assert answer.returncode == 0
    assert answer.stderr == ""
    assert "-c" in answer.stdout and "-h" in answer.stdout


def test_the_version(program=PRONGD):
    answer = run(program, "-V")
    assert answer.returncode == 0
    assert re.search(r"\b\d+\.\d+\.\d+\b", answer.stdout)


@pytest.mark.parametrize("arguments", [["-x"], ["-c"], ["extra"]])
def test_a_usage_error_is_2_and_shows_the_usage(arguments):
    answer = run(PRONGD, *arguments)
    assert answer.returncode == 2
    assert "-h" in answer.stderr or "usage" in answer.stderr.lower()


def test_a_good_configuration_passes_the_test(make_daemon):
    daemon = make_daemon(ECHO)
    assert run(PRONGD, "-c", daemon.config, "-t").returncode == 0
    assert not daemon.control.exists()


def test_a_bad_configuration_fails_the_test(make_daemon):
    daemon = make_daemon(ECHO + "bogus = 1\n")
    answer = run(PRONGD, "-c", daemon.config, "-t")
    assert answer.returncode == 2
    assert "bogus" in answer.stderr


def test_the_effective_configuration_tells_where_each_value_comes_from(make_daemon):
    daemon = make_daemon(server("echo", "echo", backlog=100), workers=3)
    answer = run(PRONGD, "-c", daemon.config, "-T")
    assert answer.returncode == 0
    lines = daemon.config.read_text().splitlines()
    here = f"{daemon.config}:{lines.index('workers = 3') + 1}"
    workers = next(line for line in answer.stdout.splitlines() if line.startswith("workers"))
    assert "3" in workers and here in workers
    assert re.search(r"^shutdown_timeout\b.*default", answer.stdout, re.M)


def test_the_effective_configuration_loads_to_itself(make_daemon):
    daemon = make_daemon(ECHO)

    def effective(file):
        answer = run(PRONGD, "-c", file, "-T")
        assert answer.returncode == 0, answer.stderr
        values = re.sub(r"\s*#.*", "", answer.stdout)
        return [line for line in values.splitlines() if line]

    first = effective(daemon.config)
    daemon.config.write_text("\n".join(first) + "\n")
    assert effective(daemon.config) == first


OF_OTHERS = {"keepalived.conf"}  # what stands in front of prongd


@pytest.mark.parametrize(
    "file", [file for file in sorted((TREE / "conf").glob("**/*.conf"))
             if file.name not in OF_OTHERS], ids=lambda file: file.name
)
def test_every_configuration_in_the_tree_is_good(file):
    answer = run(PRONGD, "-c", file, "-t")
    assert answer.returncode == 0, answer.stderr


def test_prongctl_says_when_nobody_answers(make_daemon):
    daemon = make_daemon(ECHO)
    answer = run(PRONGCTL, "-s", daemon.control, "status")
    assert answer.returncode == 1
    assert str(daemon.control) in answer.stderr


@pytest.mark.parametrize("words", [[], ["no-such-command"], ["status", "too", "many"]])
def test_prongctl_refuses_what_it_does_not_know(make_daemon, words):
    daemon = make_daemon(ECHO)
    answer = run(PRONGCTL, "-s", daemon.control, *words)
    assert answer.returncode == 2
    assert answer.stderr


def test_a_pid_file_lives_as_long_as_the_master(make_daemon):
    daemon = make_daemon("")
    pid_file = daemon.directory / "mine/pid"
    pid_file.parent.mkdir(mode=0o755)
    daemon.write_config(ECHO, pid_file=pid_file)
    daemon.start()
    assert int(pid_file.read_text()) == daemon.process.pid
    assert daemon.stop() == 0
    assert not pid_file.exists()


def test_a_second_master_on_the_same_control_socket_is_refused(make_daemon):
    first = make_daemon(ECHO).start()
    second = make_daemon(ECHO, control_socket=first.control)
    assert second.launch().wait() == 1
    assert str(first.control) in second.log()
    assert first.status()["master"]["pid"] == first.process.pid


def test_the_log_can_be_a_file(make_daemon):
    daemon = make_daemon("")
    log = daemon.directory / "prongd.log"
    daemon.write_config(ECHO, log_target=log)
    daemon.start()
    eventually(lambda: log.exists() and "worker" in log.read_text(), "the log has lines")
