# SPDX-License-Identifier: MIT
"""Programs and clients that do what nobody hopes for: nothing is left behind, and others are served."""

import os
import signal
from pathlib import Path

from client import connect, echoes, receive, receive_all, reset
from daemon import count_descriptors, eventually, server
from programs import children, counts, hear, keepers, running


def run(command, **options):
    return server("run", "exec", exec=command, **options)


def keeper_of(daemon):
    [keeper] = eventually(lambda: keepers(daemon), "there is a keeper")["run"]
    return keeper


def test_clients_that_hang_up_at_once_leave_nothing(prongd):
    daemon = prongd(run("/bin/cat", max_processes=5))
    keeper = keeper_of(daemon)
    with connect(daemon.address("run")) as client:
        assert echoes(client, b"first\n")
    eventually(lambda: running(daemon) == 0, "it has ended")
    before = count_descriptors(keeper)
    for _ in range(60):
        client = connect(daemon.address("run"))
        client.sendall(b"x" * 1000)
        reset(client)
    with connect(daemon.address("run")) as client:
        assert echoes(client, b"served\n")
    eventually(lambda: running(daemon) == 0 and not children(keeper), "no program is left")
    eventually(lambda: count_descriptors(keeper) <= before, "no descriptor is left")
    for pid in daemon.worker_pids():
        daemon.descriptors[pid] += 1  # those who waited were watched for a hang-up


def test_a_command_that_vanishes_costs_its_clients_alone(prongd, tmp_path):
    tmp_path.chmod(0o777)
    program, away = tmp_path / "program", tmp_path / "away"
    program.write_text("#!/bin/sh\necho here\n")
    program.chmod(0o755)
    access = tmp_path / "access"
    daemon = prongd(run(program, access_log=access, access_format="$client_address $ended_by $reason"))
    keeper = keeper_of(daemon)
    assert hear(daemon.address("run")) == b"here\n"
    program.rename(away)
    assert hear(daemon.address("run")) == b""
    daemon.wait_for_log('step="the program": No such file or directory')
    assert daemon.ctl("reload").returncode != 0
    away.rename(program)
    assert hear(daemon.address("run")) == b"here\n"
    assert keeper_of(daemon) == keeper
    eventually(lambda: counts(daemon) == {"running": 0, "started": 2, "failed": 1, "refused": 0},
               "all are counted")
    eventually(lambda: access.read_text().splitlines() == [
        "127.0.0.1 program exit", "127.0.0.1 error ENOENT", "127.0.0.1 program exit"],
        "each has its line")


def test_a_lower_limit_counts_what_runs_already(prongd):
    daemon = prongd(run("/bin/cat", max_processes=3))
    clients = [connect(daemon.address("run")) for _ in range(3)]
    assert all(echoes(client) for client in clients)
    daemon.write_config(run("/bin/cat", max_processes=1))
    assert daemon.ctl("reload").returncode == 0
    with connect(daemon.address("run")) as late:
        late.sendall(b"?")
        while clients:
            eventually(lambda: running(daemon) == len(clients), "one less runs, and no other")
            clients.pop().close()
        assert receive(late, 1) == b"?"
        eventually(lambda: running(daemon) == 1, "only the last one runs")


def test_a_daemon_that_a_program_leaves_takes_no_place(prongd):
    daemon = prongd(run("/bin/sh -c 'setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!'",
                        max_processes=1) + server("other", "echo"))
    keeper = keeper_of(daemon)
    left = [int(hear(daemon.address("run"))) for _ in range(2)]
    eventually(lambda: running(daemon) == 0 and children(keeper) == set(left), "both are left")
    daemon.write_config(server("other", "echo"))
    assert daemon.ctl("reload").returncode == 0
    eventually(lambda: not keepers(daemon), "the keeper waits for its programs, not for these")
    for pid in left:
        os.kill(pid, signal.SIGKILL)


def test_a_flood_on_standard_error_without_an_end_of_line_is_cut(prongd):
    daemon = prongd(run("/bin/sh -c 'head -c 1000000 /dev/zero | tr \"\\0\" x >&2; echo done'"))
    assert hear(daemon.address("run")) == b"done\n"
    daemon.wait_for_log(" exit=0 ")
    said = [line for line in daemon.log().splitlines() if "program says" in line]
    assert said and max(map(len, said)) < 1200


def test_a_program_that_stops_its_group_does_not_stop_the_keeper(prongd):
    daemon = prongd(run("/bin/sh -c 'echo; kill -STOP 0'", max_runtime="300ms", kill_timeout="100ms"))
    with connect(daemon.address("run")) as one, connect(daemon.address("run")) as other:
        assert receive(one, 1) == receive(other, 1) == b"\n"
        assert receive_all(one) == receive_all(other) == b""
    eventually(lambda: running(daemon) == 0, "both were ended")


def test_a_keeper_has_no_handle_that_clients_connect_to(prongd):
    daemon = prongd(run("/bin/cat"))
    port = f":{daemon.address('run')[1]:04X}"
    listening = {fields[9] for fields in map(str.split, Path("/proc/net/tcp").read_text().splitlines())
                 if fields[1].endswith(port) and fields[3] == "0A"}
    assert listening
    links = {os.readlink(path) for path in Path(f"/proc/{keeper_of(daemon)}/fd").iterdir()}
    assert not links & {f"socket:[{inode}]" for inode in listening}
