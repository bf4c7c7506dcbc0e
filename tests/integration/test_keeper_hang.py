# SPDX-License-Identifier: MIT
"""A keeper that does not answer: it is told, another one takes clients, and no program is lost."""

import json
import os
import re
import signal

from client import connect, echoes, receive, receive_all
from daemon import eventually
from programs import counts, hanging, keepers, run, running, start

TIMEOUT = {"worker_timeout": "2s"}


def findings(daemon):
    found = json.loads(daemon.ctl("--json", "doctor").stdout)["findings"]
    return [finding for finding in found if finding["check"] == "keepers"]


def test_another_one_takes_clients_and_its_programs_go_on(prongd):
    daemon = prongd(run(), **TIMEOUT)
    client = start(daemon)
    eventually(lambda: running(daemon) == 1, "the keeper has told of it")
    [before] = keepers(daemon)["run"]
    os.kill(before, signal.SIGSTOP)
    daemon.wait_for_log("another keeper takes clients server=run")
    line = next(row for row in daemon.log().splitlines() if "keeper hangs" in row)
    assert re.search(rf"server=run pid={before} silent_ms=\d+ process_state=T running=1$", line)

    row, = hanging(daemon)
    assert row["pid"] == before and row["programs"] == 1 and row["silent_s"] >= 2
    assert daemon.server_status("run")["keepers_hanging"] == 1
    assert f"A keeper of run (process {before}) hangs with 1 programs" in daemon.ctl("status").stdout
    assert 'prong_server_keepers_hanging{server="run"} 1' in daemon.ctl("metrics").stdout
    finding, = findings(daemon)
    assert finding["severity"] == "problem" and f"keeper {before} of server run" in finding["what"]

    assert echoes(client, b"still here\n")
    new = start(daemon)
    assert set(keepers(daemon)["run"]) > {before}
    assert counts(daemon)["started"] >= 1
    client.close(), new.close()
    os.kill(before, signal.SIGCONT)
    daemon.wait_for_log(f"keeper answers again server=run pid={before}")
    eventually(lambda: before not in keepers(daemon)["run"], "it ends with its last program")
    assert hanging(daemon) == [] and findings(daemon) == []
    eventually(lambda: counts(daemon) == {"running": 0, "started": 2, "failed": 0, "refused": 0},
               "both are counted")
    assert daemon.log().count("keeper hangs") == 1


def test_the_limit_counts_what_it_has(prongd):
    daemon = prongd(run(max_processes=2), **TIMEOUT)
    client = start(daemon)
    [before] = keepers(daemon)["run"]
    os.kill(before, signal.SIGSTOP)
    daemon.wait_for_log("another keeper takes clients")
    second = start(daemon)
    with connect(daemon.address("run")) as third:
        third.sendall(b"?")
        rows = eventually(lambda: [row for row in listed(daemon) if row["state"] == "paused"],
                          "it waits")
        assert rows[0]["peer"].endswith(f":{third.getsockname()[1]}")
        os.kill(before, signal.SIGCONT)
        client.close()
        assert receive(third, 1) == b"?"
    second.close()


def listed(daemon):
    return json.loads(daemon.ctl("connections", "--json").stdout)["connections"]


def test_it_is_killed_when_none_of_its_programs_lives(prongd):
    daemon = prongd(run(max_processes=1), **TIMEOUT)
    client = start(daemon)
    [before] = keepers(daemon)["run"]
    os.kill(before, signal.SIGSTOP)
    daemon.wait_for_log("another keeper takes clients")
    with connect(daemon.address("run")) as second:
        second.sendall(b"?")
        client.close()
        daemon.wait_for_log("keeper hangs and is killed: none of its programs runs any more")
        assert receive(second, 1) == b"?"  # its place is free
    assert before not in keepers(daemon)["run"]


def test_one_that_was_retired_is_watched_too(prongd):
    daemon = prongd(run(), **TIMEOUT)
    client = start(daemon)
    [before] = keepers(daemon)["run"]
    daemon.write_config(run("/bin/cat -u"), **TIMEOUT)
    assert daemon.ctl("reload").returncode == 0
    os.kill(before, signal.SIGSTOP)
    daemon.wait_for_log(f"keeper hangs: its programs go on, but nobody ends them or counts their "
                        f"ends server=run pid={before}")
    assert "another keeper takes clients" not in daemon.log()
    os.kill(before, signal.SIGCONT)
    assert echoes(client, b"still here\n")
    client.close()
    eventually(lambda: before not in keepers(daemon)["run"], "it ends")


def test_idle_keepers_do_not_hang(prongd):
    daemon = prongd(run(), **TIMEOUT)
    before = keepers(daemon)
    eventually(lambda: daemon.status()["master"]["uptime_s"] >= 4, "a while")
    assert keepers(daemon) == before and "hangs" not in daemon.log()


def test_the_service_stops_in_spite_of_one_that_hangs(prongd):
    daemon = prongd(run(kill_timeout="0"), shutdown_timeout="100ms", **TIMEOUT)
    client = start(daemon)
    [before] = keepers(daemon)["run"]
    os.kill(before, signal.SIGSTOP)
    daemon.wait_for_log("another keeper takes clients")
    assert daemon.stop() == 0
    assert "keeper does not end and is killed, with its programs server=run" in daemon.log()
    assert receive_all(client) == b""
