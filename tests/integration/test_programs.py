# SPDX-License-Identifier: MIT
"""prongctl connections and close: the programs of `handler = exec` are among them."""

import json
import os
import signal

from client import connect, echoes, receive, receive_all
from daemon import eventually, server
from programs import children, keepers, running


def run(command, **options):
    return server("run", "exec", exec=command, **options)


def connections(daemon, *words):
    answer = daemon.ctl("connections", "--json", *words)
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert told["missing_workers"] == told["missing_keepers"] == 0
    return told["connections"]


def start(daemon, count=1, name="run"):
    clients = [connect(daemon.address(name)) for _ in range(count)]
    assert all(echoes(client, b"hello\n") for client in clients)
    return clients


def port_of(row):
    return int(row["peer"].rpartition(":")[2])


def test_a_program_is_told_with_its_client_and_its_process(prongd):
    daemon = prongd(run("/bin/cat -u") + server("echo", "echo"))
    [client], [talker] = start(daemon), start(daemon, name="echo")
    [keeper] = keepers(daemon)["run"]
    with client, talker:
        row, = connections(daemon, "--server=run")
        assert row["server"] == "run" and row["state"] == "running" and row["worker"] == "keeper"
        assert port_of(row) == client.getsockname()[1]
        assert {row["pid"]} == children(keeper) and row["text"] == "/bin/cat -u"
        assert row["cpu_s"] >= 0 and row["age_s"] >= 0
        assert row["bytes_read"] is None and row["slot"] is None and row["idle_s"] is None
        other, = connections(daemon, "--server=echo")
        assert "pid" not in other and other["bytes_read"] == 6
        assert other["id"] != row["id"]

        lines = daemon.ctl("connections").stdout.splitlines()
        assert lines[0].split()[4] == "PID" and lines[-1] == "2 connections."
        assert str(row["pid"]) in next(line for line in lines if " run " in line).split()
        assert "PID" not in daemon.ctl("connections", "--server=echo").stdout
    eventually(lambda: connections(daemon) == [], "it is gone from the list")


def test_cpu_time_is_that_of_the_program(prongd):
    daemon = prongd(run("/bin/sh -c 'while :; do :; done'"))
    with connect(daemon.address("run")):
        eventually(lambda: [row for row in connections(daemon) if row["cpu_s"] > 0.1], "it computes")
        row, = connections(daemon)
        assert daemon.ctl("close", str(row["id"])).returncode == 0


def test_filters_choose_programs(prongd):
    daemon = prongd(run("/bin/cat"))
    clients = start(daemon, 3)
    mine = clients[0].getsockname()[1]
    assert len(connections(daemon, "--state=running", "--peer=127.0.0.0/8", "--max-age=1h")) == 3
    for other in ("--state=open", "--peer=10.0.0.0/8", "--min-age=1h", "--worker=0", "--worker=1.1",
                  "--min-bytes=1", "--min-idle=1ms", "--server=no"):
        assert connections(daemon, other) == [], other
    assert mine in [port_of(row) for row in connections(daemon, "--sort=age")]
    assert len(connections(daemon, "--limit=2")) == 2
    for client in clients:
        client.close()


def test_many_are_listed_completely(prongd):
    """More than one slice of them."""
    daemon = prongd(run("/bin/cat", max_processes=0))
    clients = start(daemon, 200)
    rows = connections(daemon)
    assert sorted(map(port_of, rows)) == sorted(c.getsockname()[1] for c in clients)
    assert len({row["pid"] for row in rows}) == len({row["id"] for row in rows}) == 200
    for client in clients:
        client.close()


def test_programs_of_all_keepers_are_listed(prongd):
    daemon = prongd(run("/bin/cat"))
    [old] = start(daemon)
    before, = connections(daemon)
    daemon.write_config(run("/bin/cat -u"))
    assert daemon.ctl("reload").returncode == 0
    [new] = start(daemon)
    assert daemon.ctl("upgrade").returncode == 0
    rows = connections(daemon)
    assert [row["text"] for row in rows] == ["/bin/cat", "/bin/cat -u"]
    assert rows[0]["pid"] == before["pid"] and rows[0]["id"] == before["id"]
    daemon.descriptors.clear()
    old.close(), new.close()


def test_a_long_command_is_cut(prongd):
    daemon = prongd(run("/bin/sh -c 'read -r line; echo $line' " + "argument " * 10))
    with connect(daemon.address("run")) as client:
        row, = eventually(lambda: connections(daemon, "--state=running"), "it runs")
        assert row["text"] == ("/bin/sh -c read -r line; echo $line " + "argument " * 10)[:59]
        assert echoes(client, b"x\n")


def test_one_that_waits_for_its_turn_is_told(prongd):
    daemon = prongd(run("/bin/cat", max_processes=1))
    [first] = start(daemon)
    with connect(daemon.address("run")) as second:
        rows = eventually(lambda: connections(daemon, "--state=paused"), "the keeper holds it")
        assert port_of(rows[0]) == second.getsockname()[1] and "pid" not in rows[0]
        assert daemon.ctl("close", str(rows[0]["id"])).stdout == "1 connections closed.\n"
        assert receive_all(second) == b""
    daemon.wait_for_log("client refused reason=close")
    assert echoes(first, b"still here\n")
    first.close()
    [third] = start(daemon)
    third.close()


def test_close_ends_a_program(prongd, tmp_path):
    tmp_path.chmod(0o777)
    log = tmp_path / "access"
    daemon = prongd(run("/bin/cat", access_log=log, access_format="$ended_by $reason $fields"))
    one, other = start(daemon, 2)
    row = next(row for row in connections(daemon) if port_of(row) == one.getsockname()[1])
    answer = daemon.ctl("close", str(row["id"]), "12345")
    assert answer.returncode == 1 and answer.stdout == "1 connections closed.\n"
    assert "not found: 12345" in answer.stderr
    assert receive_all(one) == b""
    daemon.wait_for_log(f"program ended by the operator server=run pid={row['pid']}")
    line, = eventually(lambda: log.read_text().splitlines(), "its line is written")
    assert line.startswith(f"operator close pid={row['pid']} signal=15 ")
    assert echoes(other, b"still here\n")
    assert daemon.ctl("close", "--server=run").stdout == "1 connections closed.\n"
    assert receive_all(other) == b""
    eventually(lambda: running(daemon) == 0, "none runs")


def test_one_that_ignores_sigterm_is_killed_with_its_children(prongd):
    daemon = prongd(run("/bin/sh -c 'trap \"\" TERM; echo; cat; cat'", kill_timeout="300ms"))
    with connect(daemon.address("run")) as client:
        assert receive(client, 1) == b"\n"
        row, = connections(daemon)
        assert daemon.ctl("close", str(row["id"])).returncode == 0
        eventually(lambda: [row["state"] for row in connections(daemon)] in (["ending"], []),
                   "it is about to end")
        assert receive_all(client) == b""
    daemon.wait_for_log(" signal=9 ")


def test_close_by_client_ends_connections_and_programs_alike(prongd):
    daemon = prongd(run("/bin/cat") + server("echo", "echo"))
    [client], [talker] = start(daemon), start(daemon, name="echo")
    assert daemon.ctl("close", "--peer=127.0.0.1").stdout == "2 connections closed.\n"
    assert receive_all(client) == receive_all(talker) == b""


def test_a_keeper_that_stands_still_is_named_as_missing(prongd):
    daemon = prongd(run("/bin/cat"))
    [client] = start(daemon)
    [keeper] = keepers(daemon)["run"]
    os.kill(keeper, signal.SIGSTOP)
    try:
        answer = daemon.ctl("connections", "--json")
    finally:
        os.kill(keeper, signal.SIGCONT)
    told = json.loads(answer.stdout)
    assert told["missing_keepers"] == 1 and told["missing_workers"] == 0
    assert "1 keepers told nothing" in answer.stderr
    assert len(connections(daemon)) == 1
    client.close()


def test_a_keeper_that_dies_is_not_waited_for(prongd):
    daemon = prongd(run("/bin/cat"))
    [keeper] = eventually(lambda: keepers(daemon), "there is a keeper")["run"]
    os.kill(keeper, signal.SIGSTOP)
    asking = daemon.begin_ctl("connections", "--json")
    eventually(lambda: "name=connections" in daemon.log() or asking.poll() is None, "it asks")
    os.kill(keeper, signal.SIGKILL)
    output, _ = asking.communicate(timeout=30)
    assert json.loads(output)["missing_keepers"] == 0
