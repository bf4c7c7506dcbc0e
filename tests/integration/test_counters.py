# SPDX-License-Identifier: MIT
"""What a handler counts: added up over workers, deaths, reloads to other code, and programs."""

import os
import re
import signal

import pytest

from client import connect
from daemon import eventually, server
from modules import compile_module


@pytest.fixture
def module(tmp_path):
    tmp_path.chmod(0o755)
    target = tmp_path / "greeter.so"
    compile_module("greeter.c", target)
    return lambda **macros: compile_module("greeter.c", target, **macros)


def counts(daemon, name="greet"):
    return {each["counter"]: each["count"] for each in daemon.server_status(name)["counters"]}


def greet(daemon, count=1, lines=0):
    for _ in range(count):
        with connect(daemon.address("greet")) as client:
            client.recv(100)
            client.sendall(b"line\n" * lines)
            if lines:
                assert b"lines" in client.recv(100)


def test_counts_of_all_workers_are_one_sum(prongd, module, tmp_path):
    daemon = prongd(server("greet", tmp_path / "greeter.so", accept="shared"), workers=3)
    assert counts(daemon) == {"lines": 0, "greetings": 0}
    greet(daemon, 20, lines=2)
    assert counts(daemon) == {"lines": 40, "greetings": 20}


def test_they_outlive_a_worker_that_dies(prongd, module, tmp_path):
    daemon = prongd(server("greet", tmp_path / "greeter.so"))
    greet(daemon, 5)
    for pid in daemon.worker_pids():
        os.kill(pid, signal.SIGKILL)
        eventually(lambda pid=pid: pid not in daemon.worker_pids() and daemon.is_ready(),
                   "it is replaced")
    assert counts(daemon)["greetings"] == 5
    greet(daemon, 2)
    assert counts(daemon)["greetings"] == 7


def test_new_code_goes_on_with_the_counters_of_the_same_name(prongd, module, tmp_path):
    daemon = prongd(server("greet", tmp_path / "greeter.so"))
    greet(daemon, 3, lines=1)
    module(REORDERED=1)
    assert daemon.ctl("reload").returncode == 0
    greet(daemon, 1)
    assert counts(daemon) == {"shouts": 0, "greetings": 4, "lines": 3}
    module()
    assert daemon.ctl("reload").returncode == 0
    assert counts(daemon) == {"lines": 3, "greetings": 4}


def test_they_outlive_the_program(prongd, module, tmp_path):
    daemon = prongd(server("greet", tmp_path / "greeter.so"))
    greet(daemon, 3)
    assert daemon.ctl("upgrade").returncode == 0
    greet(daemon, 1)
    eventually(lambda: counts(daemon)["greetings"] == 4, "both programs' clients are counted")


def test_they_are_shown_to_people_and_to_prometheus(prongd, module, tmp_path):
    daemon = prongd(server("greet", tmp_path / "greeter.so") + server("echo", "echo"))
    greet(daemon, 2)
    shown = daemon.ctl("status").stdout
    assert re.search(r"^greet +greetings +2 +Clients that were greeted\.$", shown, re.M), shown
    sample = 'prong_handler_events_total{server="greet",handler="greeter",counter="greetings"} 2'
    assert sample in daemon.ctl("metrics").stdout.splitlines()


@pytest.mark.parametrize("rows, problem", [
    ('{{"Upper", "-"}}', "no name of its own"),
    ('{{"twice", "-"}, {"twice", "-"}}', "no name of its own"),
    ('{{"silent", 0}}', "no help"),
    ("{{0}}", "no name of its own"),
])
def test_counters_without_name_or_help_are_refused(prongd, tmp_path, rows, problem):
    tmp_path.chmod(0o755)
    compile_module(f"""
        #include <prongd/handler.h>
        static const struct prongd_counter counters[] = {rows};
        const struct prongd_handler prongd_module = {{
            PRONGD_HANDLER, .name = "wrong", .help = "-",
            .counters = counters, .counter_count = sizeof(counters) / sizeof(counters[0]),
        }};
        /* not a file's name */""", tmp_path / "wrong.so")
    daemon = prongd(server("echo", "echo"))
    daemon.write_config(server("wrong", tmp_path / "wrong.so"))
    refused = daemon.ctl("reload")
    assert refused.returncode != 0 and problem in refused.stderr


def test_more_counters_than_there_is_room_for_are_refused(prongd, tmp_path):
    tmp_path.chmod(0o755)
    compile_module("""
        #include <prongd/handler.h>
        static const struct prongd_counter counters[17] = {{"many", "-"}};
        const struct prongd_handler prongd_module = {
            PRONGD_HANDLER, .name = "wrong", .help = "-",
            .counters = counters, .counter_count = 17,
        };
        /* not a file's name */""", tmp_path / "wrong.so")
    daemon = prongd(server("echo", "echo"))
    daemon.write_config(server("wrong", tmp_path / "wrong.so"))
    refused = daemon.ctl("reload")
    assert refused.returncode != 0 and "more than 16 counters" in refused.stderr
