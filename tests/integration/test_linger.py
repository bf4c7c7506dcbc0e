# SPDX-License-Identifier: MIT
"""linger: how long the client's end is waited for, when this side has ended."""

import json

from client import connect, receive_all
from daemon import eventually, server


def cuts(daemon):
    return next(cut["count"] for cut in daemon.status()["cuts"] if cut["reason"] == "linger")


def test_a_client_that_never_ends_is_closed_in_the_end(make_daemon):
    daemon = make_daemon("", workers=1)
    path = daemon.directory / "access"
    daemon.write_config(server("day", "daytime", linger="500ms", access_log=path,
                               access_format="json"))
    daemon.start()
    with connect(daemon.address("day")) as client:
        assert receive_all(client)
        eventually(lambda: daemon.connections() == 0, "it is not waited for any longer")
    assert cuts(daemon) == 1
    eventually(lambda: path.exists() and path.read_text(), "its line")
    line = json.loads(path.read_text())
    assert (line["ended_by"], line["reason"]) == ("timeout", "linger")
    assert line["duration"] >= 0.4


def test_a_client_that_ends_in_time_is_not_cut_off(prongd):
    daemon = prongd(server("day", "daytime", linger="1h"), workers=1)
    for _ in range(5):
        with connect(daemon.address("day")) as client:
            assert receive_all(client)
    eventually(lambda: daemon.connections() == 0, "all are gone")
    assert cuts(daemon) == 0


def test_the_time_goes_on_over_a_reload(prongd):
    daemon = prongd(server("day", "daytime", linger="1s"), workers=1)
    with connect(daemon.address("day")) as client:
        assert receive_all(client)
        assert daemon.ctl("reload").returncode == 0
        eventually(lambda: daemon.connections() == 0, "the new worker closes it")
    assert cuts(daemon) == 1


def test_a_shorter_idle_time_comes_first(prongd):
    daemon = prongd(server("day", "daytime", linger="1h", timeout="300ms"), workers=1)
    with connect(daemon.address("day")) as client:
        assert receive_all(client)
        eventually(lambda: daemon.connections() == 0, "the idle time is over")
