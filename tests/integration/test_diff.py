# SPDX-License-Identifier: MIT
"""`prongctl diff`: what a reload would change, without doing it."""

import json

from client import connect, echoes
from daemon import server

ECHO = server("echo", "echo")
OLD = server("old", "hello", on_reload="drain")


def diff(daemon):
    answer = daemon.ctl("diff", "--json")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_the_same_file_changes_nothing(prongd):
    daemon = prongd(ECHO)
    pids = daemon.worker_pids()
    answer = daemon.ctl("diff")
    assert answer.returncode == 0
    assert answer.stdout.startswith("The configuration means the same")
    answer = diff(daemon)
    assert answer["listeners"] == answer["options"] == answer["refused"] == []
    assert daemon.worker_pids() == pids


def test_it_tells_addresses_servers_and_options(prongd):
    daemon = prongd(ECHO + OLD)
    old = "%s:%d" % daemon.address("old")
    with connect(daemon.address("echo")) as client, connect(daemon.address("old")) as other:
        assert echoes(client) and other.recv(5) == b"hello"
        daemon.write_config(
            ECHO + "timeout = 1h\n" + server("new", "echo", listen="127.0.0.1:0"), workers=3)
        answer = diff(daemon)
        text = daemon.ctl("diff").stdout
    assert answer["listeners"] == [
        {"address": "127.0.0.1:0", "server": "new", "change": "opened"},
        {"address": old, "server": "old", "change": "closed"},
    ]
    assert answer["servers"] == [
        {"name": "echo", "handler": "echo", "change": "changed", "connections": 1,
         "fate": "moved"},
        {"name": "old", "handler": "hello", "change": "removed", "connections": 1,
         "fate": "drained"},
        {"name": "new", "handler": "echo", "change": "added", "connections": 0, "fate": None},
    ]
    assert answer["options"] == [
        {"section": "prongd", "option": "workers", "old": "2", "new": "3",
         "effect": "new workers"},
        {"section": "server echo", "option": "timeout", "old": "0", "new": "1h",
         "effect": "new workers"},
    ]
    for words in (["prongd", "workers", "2", "3"], ["127.0.0.1:0", "new", "opened"],
                  [old, "old", "closed"], ["old", "hello", "removed", "1", "drained"]):
        assert any(line.split()[:len(words)] == words for line in text.splitlines()), text


def test_a_reload_after_it_does_what_it_said(prongd):
    daemon = prongd(ECHO)
    daemon.write_config(ECHO + "backlog = 7\n")
    assert [o["effect"] for o in diff(daemon)["options"]] == ["at once"]
    assert daemon.ctl("reload").returncode == 0
    assert diff(daemon)["options"] == []


def test_another_handler_drains_the_connections(prongd):
    daemon = prongd(ECHO)
    daemon.write_config(server("echo", "discard"))
    answer = diff(daemon)
    assert answer["servers"][0]["fate"] == "drained"
    assert answer["options"][0]["option"] == "handler"


def test_it_says_what_would_be_refused(prongd):
    daemon = prongd(ECHO)
    daemon.write_config(ECHO, pid_file="/nowhere/pid")
    refused = diff(daemon)["refused"]
    assert len(refused) == 1 and "pid_file: a change needs a restart" in refused[0]
    assert "A reload would be refused: " + refused[0] in daemon.ctl("diff").stdout


def test_a_broken_file_is_refused_as_a_reload_would(prongd):
    daemon = prongd(ECHO)
    daemon.write_config(ECHO + "backlog = many\nbacklgo = 1\n")
    answer = daemon.ctl("diff")
    assert answer.returncode == 2 and answer.stdout == ""
    assert answer.stderr.count(f"prongctl: {daemon.config}:") == 2
