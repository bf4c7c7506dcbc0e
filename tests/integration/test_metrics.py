# SPDX-License-Identifier: MIT
"""What `prongctl metrics` prints: valid for Prometheus, true, and never falling."""

import json
import os
import re
import shutil
import subprocess

import pytest

from client import connect, echoes, talk
from daemon import PRONGD, eventually, server
from modules import compile_module

RELAY = server("relay", "proxy", upstream="127.0.0.1:1")  # of the upstream, too
PROGRAMS = server("programs", "exec", exec="/bin/cat")  # some metrics are theirs alone
SAMPLE = re.compile(r'^([a-z_]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def text(daemon):
    result = daemon.ctl("metrics")
    assert result.returncode == 0, result.stderr
    return result.stdout


def samples(printed):
    """{(name, labels): value}"""
    found = {}
    for line in printed.splitlines():
        if not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            found[name, tuple(LABEL.findall(labels or ""))] = float(value)
    return found


def value(daemon, name, **labels):
    return samples(text(daemon))[name, tuple(labels.items())]


def documented(printed):
    return set(re.findall(r"^# TYPE (\w+) (?:gauge|counter)$", printed, re.M))


@pytest.fixture
def everything(prongd, tmp_path):
    """A daemon that has a sample of each."""
    tmp_path.chmod(0o755)
    module = compile_module("shelf.c", tmp_path / "shelf.so", KIND='"word"')
    daemon = prongd(server("one", "echo") + server("two", "chargen") + PROGRAMS + RELAY
                    + server("shelf", module))
    assert talk(daemon.address("shelf"), b"tea") == b"1\n"
    return daemon


def test_every_metric_has_its_help_and_a_sample(everything):
    printed = text(everything)
    names = {name for name, _ in samples(printed)}
    assert names == documented(printed) == set(re.findall(r"^# HELP (\w+) .*\.$", printed, re.M)) | {
        "prong_build_info"}


def test_the_manual_has_exactly_these_metrics(prongd):
    manual = subprocess.run([PRONGD, "--describe=prongd.8"], capture_output=True, text=True,
                            check=True).stdout
    daemon = prongd(server("one", "echo"))
    assert (set(re.findall(r"^\.B (prong_\w+)$", manual, re.M)) | {"prong_build_info"}
            == documented(text(daemon)))


def test_prometheus_finds_nothing_to_mend(prongd):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    daemon = prongd(server("one", "echo"))
    result = subprocess.run([promtool, "check", "metrics"], input=text(daemon), text=True,
                            capture_output=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_it_counts_what_happens(prongd):
    daemon = prongd(server("echo", "echo"), workers=2)
    assert talk(daemon.address("echo"), b"12345") == b"12345"
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        eventually(lambda: value(daemon, "prong_server_connections", server="echo") == 1, "one")
        found = samples(text(daemon))
        assert found["prong_server_accepted_total", (("server", "echo"),)] == 2
        assert found["prong_up", ()] == 1
        assert sum(number for (name, _), number in found.items()
                   if name == "prong_worker_ready") == 2
        address = "{}:{}".format(*daemon.address("echo"))
        labels = (("server", "echo"), ("address", address))
        assert found["prong_listener_queue_limit", labels] > 0
        assert found["prong_listener_queue_length", labels] == 0


def test_reloads_moves_and_deaths_are_counted(prongd):
    daemon = prongd(server("echo", "echo"), workers=1)
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        assert daemon.ctl("reload").returncode == 0
        daemon.config.write_text(daemon.config.read_text() + "nonsense = 1\n")
        assert daemon.ctl("reload").returncode == 2
        found = samples(text(daemon))
        assert found["prong_reloads_total", ()] == 1
        assert found["prong_reloads_refused_total", ()] == 1
        assert found["prong_handoffs_total", ()] == 1
        assert found["prong_worker_deaths_total", ()] == 0
    os.kill(daemon.worker_pids()[0], 9)
    eventually(lambda: value(daemon, "prong_worker_deaths_total") == 1, "it is counted")
    eventually(daemon.is_ready, "the slot is filled again")


def test_sums_outlive_an_upgrade(prongd):
    daemon = prongd(server("echo", "echo"))
    assert talk(daemon.address("echo"), b"12345") == b"12345"
    assert daemon.ctl("reload").returncode == 0
    assert daemon.ctl("upgrade").returncode == 0
    found = samples(text(daemon))
    assert found["prong_upgrades_total", ()] == 1
    assert found["prong_reloads_total", ()] == 2  # the upgrade's own, too
    assert found["prong_server_accepted_total", (("server", "echo"),)] == 1


def test_as_json_they_are_the_same(everything):
    daemon = everything
    answer = json.loads(daemon.ctl("--json", "metrics").stdout)
    assert answer["ok"] is True
    assert ({metric["name"] for metric in answer["metrics"]} | {"prong_build_info"}
            == documented(text(daemon)))
    assert {"name": "prong_server_accepted_total", "type": "counter",
            "labels": {"server": "one"}, "value": 0.0} in answer["metrics"]
