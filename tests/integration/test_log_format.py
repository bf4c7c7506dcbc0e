# SPDX-License-Identifier: MIT
"""log_format: the daemon's log as objects of JSON, from every process."""

import json
import os
import signal

from client import connect, echoes, talk
from daemon import eventually, server

ECHO = server("echo", "echo")


def lines_of(path):
    """Every line of the file must be an object, but for the last one while it is written."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def events(path):
    return [line["event"] for line in lines_of(path)]


def test_every_line_is_an_object(make_daemon):
    daemon = make_daemon(ECHO)
    log = daemon.directory / "own.log"
    daemon.write_config(ECHO, log_target=log, log_format="json", log_level="debug")
    daemon.start()
    assert talk(daemon.address("echo"), b"hello") == b"hello"
    eventually(lambda: "client gone" in events(log), "a client that left is logged")
    assert daemon.ctl("reload").returncode == 0
    os.kill(daemon.worker_pids()[0], signal.SIGKILL)
    died = eventually(
        lambda: [line for line in lines_of(log) if line["level"] == "error"],
        "a worker that died is logged",
    )[0]
    gone = next(line for line in lines_of(log) if line["event"] == "client gone")
    assert gone["level"] == "info"
    assert gone["process"].startswith("worker/1.")
    assert gone["fields"]["server"] == "echo"
    assert gone["fields"]["read"] == 5
    assert died["event"] == "worker ended"
    assert died["process"] == "master"
    assert died["fields"]["how"].startswith("signal 9 ")


def test_a_reload_changes_the_format_in_old_workers_too(make_daemon):
    daemon = make_daemon(server("echo", "echo", on_reload="drain"), workers=1)
    log = daemon.directory / "own.log"
    daemon.write_config(server("echo", "echo", on_reload="drain"), log_target=log)
    daemon.start()
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        daemon.write_config(
            server("echo", "echo", on_reload="drain"), log_target=log, log_format="json"
        )
        assert daemon.ctl("reload", "--no-wait").returncode == 0
        eventually(
            lambda: '"event":"reloaded"' in log.read_text(), "the master's lines have changed"
        )
    last = eventually(
        lambda: [
            json.loads(line)
            for line in log.read_text().splitlines()
            if line.startswith("{") and "client gone" in line
        ],
        "the old worker's line about its client",
    )
    assert last[0]["process"] == "worker/1.0"


def test_a_format_that_is_none_is_refused(make_daemon):
    daemon = make_daemon(ECHO)
    daemon.write_config(ECHO, log_format="xml")
    daemon.launch()
    assert daemon.wait() == 2
    assert "[prongd] log_format: " in daemon.log()
