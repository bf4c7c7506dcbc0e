# SPDX-License-Identifier: MIT
"""prongctl servers: the table, and what it says of a server that works."""

import json

from client import connect, echoes
from daemon import eventually, server

ECHO = server("echo", "echo") + server("quiet", "discard", accept="shared")


def servers(daemon, *words):
    answer = daemon.ctl("servers", "--json", *words)
    assert answer.returncode == 0, answer.stderr
    return {entry["name"]: entry for entry in json.loads(answer.stdout)["servers"]}


def test_each_server_has_a_line(prongd):
    daemon = prongd(ECHO)
    lines = daemon.ctl("servers", "--interval=0").stdout.splitlines()
    assert lines[0].split()[:5] == ["SERVER", "STATE", "HANDLER", "ACCEPT", "CONNECTIONS"]
    assert [line.split()[:4] for line in lines[1:]] == [
        ["echo", "serving", "echo", "balanced"], ["quiet", "serving", "discard", "shared"]]


def test_rates_are_those_of_the_interval(prongd):
    daemon = prongd(ECHO)
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        eventually(lambda: daemon.server_status("echo")["bytes_read"] > 0, "it is counted")
        quiet = servers(daemon, "--interval=50ms")["echo"]
        assert quiet["bytes_read_per_s"] == 0 and quiet["accepted_per_s"] == 0
        assert quiet["connections"] == 1 and quiet["queue"] == 0
    assert "accepted_per_s" not in servers(daemon, "--interval=0")["echo"]
