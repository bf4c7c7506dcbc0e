# SPDX-License-Identifier: MIT
"""Items of a module: what all workers of a server know together of the things it deals with."""

import json

import pytest

from client import connect
from daemon import server
from modules import compile_module
from test_metrics import samples, text


@pytest.fixture
def module(tmp_path):
    tmp_path.chmod(0o755)
    return compile_module("shelf.c", tmp_path / "shelf.so", KIND='"word"')


def say(daemon, word):
    with connect(daemon.address("shelf")) as client:
        client.sendall(word + b"\n")
        return int(client.recv(100))


def items(daemon):
    return {item["name"]: item for item in daemon.status()["items"]}


def test_all_workers_count_together_over_a_reload(prongd, module):
    daemon = prongd(server("shelf", module, accept="shared"), workers=3)
    assert [say(daemon, b"tea") for _ in range(20)] == list(range(1, 21))
    assert daemon.ctl("reload").returncode == 0
    assert say(daemon, b"tea") == 21
    assert say(daemon, b"milk") == 1


def test_operators_see_its_figures_by_their_names(prongd, module):
    daemon = prongd(server("shelf", module))
    say(daemon, b"tea")
    say(daemon, b"milk!")
    tea, milk = items(daemon)["tea"], items(daemon)["milk"]
    assert (tea["kind"], tea["state"], tea["hits"], tea["length"]) == ("word", "full", 1, 3)
    assert (milk["state"], milk["is_well"]) == ("empty", False)
    assert "secret" not in tea

    line = next(line for line in daemon.ctl("servers", "--interval", "0").stdout.splitlines()
                if " tea " in line)
    assert "hits 1, length 3" in line
    found = samples(text(daemon))
    labels = (("server", "shelf"), ("kind", "word"), ("item", "tea"))
    assert found["prong_item_events_total", labels + (("figure", "hits"),)] == 1
    assert found["prong_item_level", labels + (("figure", "length"),)] == 3
    findings = json.loads(daemon.ctl("doctor", "--json").stdout)["findings"]
    assert any('word milk of server shelf is in state "empty"' in finding["what"] for finding in findings)


def test_a_name_from_outside_cannot_write_lines_of_its_own(prongd, module):
    daemon = prongd(server("shelf", module))
    say(daemon, b"a\tb\x1b[1m")
    assert "a\\tb\\x1b[1m" in items(daemon)
    assert "\x1b" not in daemon.ctl("servers", "--interval", "0").stdout


def test_a_module_whose_kind_is_no_name_is_refused(make_daemon, tmp_path):
    tmp_path.chmod(0o755)
    module = compile_module("shelf.c", tmp_path / "shelf.so", KIND='"Bad Kind"')
    daemon = make_daemon(server("shelf", module))
    daemon.launch()
    assert daemon.wait() != 0
    assert "item_kind" in daemon.log()
