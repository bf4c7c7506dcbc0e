# SPDX-License-Identifier: MIT
"""access_log: one line for each connection, from the worker that it ends in."""

import json
import os
import signal

import pytest

from client import connect, echoes, receive_all, reset, talk
from daemon import eventually, server


def section(path, name="echo", handler="echo", **options):
    return server(name, handler, access_log=path, access_format="json", **options)


@pytest.fixture
def logged(make_daemon):
    """A daemon that serves, with the file of its access log."""

    def make(handler="echo", workers=1, **options):
        daemon = make_daemon("", workers=workers)
        path = daemon.directory / "access"
        daemon.write_config(section(path, handler=handler, **options))
        return daemon.start(), path

    return make


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def wait_for_lines(path, count):
    return eventually(lambda: found if len(found := lines_of(path)) >= count else None,
                      f"{count} lines in {path.name}")


def only_line(path):
    [line] = wait_for_lines(path, 1)
    return line


def ended(line):
    return line["ended_by"], line["reason"]


# --- Who ended it ---


def test_a_line_says_who_came_and_what_went(logged):
    daemon, path = logged()
    with connect(daemon.address("echo")) as client:
        name = client.getsockname()
        assert echoes(client, b"12345")
    line = only_line(path)
    assert line["server"] == line["handler"] == "echo"
    assert line["client"] == f"{name[0]}:{name[1]}"
    assert (line["client_address"], line["client_port"]) == name
    assert line["local_port"] == daemon.address("echo")[1]
    assert (line["bytes_in"], line["bytes_out"]) == (5, 5)
    assert 0 <= line["duration"] < 60
    assert line["worker"] == "1.0"
    assert (line["moves"], line["history"]) == (0, "-")
    assert ended(line) == ("client", "end")


def test_the_handler_ends(logged):
    daemon, path = logged(handler="daytime")
    with connect(daemon.address("echo")) as client:
        receive_all(client)
    assert ended(only_line(path)) == ("handler", "end")


def test_a_client_that_resets(logged):
    daemon, path = logged()
    client = connect(daemon.address("echo"))
    assert echoes(client)
    reset(client)
    assert ended(only_line(path)) == ("reset", "ECONNRESET")


@pytest.mark.parametrize("option", ["timeout", "first_byte_timeout", "lifetime"])
def test_a_time_limit(logged, option):
    daemon, path = logged(**{option: "100ms"})
    with connect(daemon.address("echo")) as client:
        assert receive_all(client) == b""
    assert ended(only_line(path)) == ("timeout", option)


def test_the_end_of_the_service(logged):
    daemon, path = logged()
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        daemon.signal(signal.SIGQUIT)
        assert daemon.wait() == 0
        assert ended(only_line(path)) == ("shutdown", "stop")


def test_a_worker_that_closes_what_it_has(logged):
    daemon, path = logged(on_reload="close")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        assert daemon.ctl("reload").returncode == 0
        assert receive_all(client) == b""
        assert ended(only_line(path)) == ("worker", "replaced")


def test_a_client_that_a_new_list_sends_away(logged):
    daemon, path = logged()
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        daemon.write_config(section(path, deny="127.0.0.0/8", enforce="established"))
        assert daemon.ctl("reload").returncode == 0
        assert receive_all(client) == b""
    assert ended(only_line(path)) == ("expelled", "enforce")


def test_refused_clients_have_a_line_where_it_is_wanted(logged):
    daemon, path = logged(max_connections=1, excess="close", access_refused="yes")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        assert talk(daemon.address("echo"), b"") == b""
        [line] = wait_for_lines(path, 1)
        assert ended(line) == ("refused", "max_connections")
        assert line["connection"] == 0
    lines = wait_for_lines(path, 2)
    assert ended(lines[1]) == ("client", "end")


# --- Moves ---


def test_connections_have_one_line_over_reloads(logged):
    daemon, path = logged(workers=2)
    clients = [connect(daemon.address("echo")) for _ in range(20)]
    for _ in range(3):
        assert all(echoes(client) for client in clients)
        assert daemon.ctl("reload").returncode == 0
    assert all(echoes(client) for client in clients)
    for client in clients:
        client.close()
    lines = wait_for_lines(path, 20)
    assert len({line["connection"] for line in lines}) == len(lines) == 20
    for line in lines:
        assert line["worker"].startswith("4.")
        assert line["moves"] == 3
        steps = [step.split("@") for step in line["history"].split(",")]
        assert [worker.split(".")[0] for worker, _ in steps] == ["1", "2", "3"]
        ages = [float(age) for _, age in steps]
        assert ages == sorted(ages) and ages[-1] <= line["duration"] + 0.1


def test_an_upgrade_goes_on_with_the_same_lines(logged):
    daemon, path = logged()
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        assert daemon.ctl("upgrade").returncode == 0
        assert echoes(client)
    line = only_line(path)
    assert line["history"].startswith("1.0@")
    assert line["bytes_in"] == 2 * len(b"are you there?")


def test_the_last_four_moves_are_known(logged):
    daemon, path = logged()
    with connect(daemon.address("echo")) as client:
        for _ in range(5):
            assert daemon.ctl("reload").returncode == 0
        assert echoes(client)
    line = only_line(path)
    assert line["moves"] == 5
    assert line["history"].startswith("...,2.0@")


# --- Files ---


def test_a_rotated_file_is_opened_anew_in_every_worker(logged):
    daemon, path = logged(workers=2)
    for _ in range(10):
        assert talk(daemon.address("echo"), b"x") == b"x"
    wait_for_lines(path, 10)
    path.rename(f"{path}.1")
    assert daemon.ctl("reopen-logs").returncode == 0
    for _ in range(10):
        assert talk(daemon.address("echo"), b"x") == b"x"
    eventually(path.exists, "the file is there again")
    rotated = path.with_name("access.1")
    eventually(lambda: len(lines_of(path)) + len(lines_of(rotated)) == 20, "every line is somewhere")
    eventually(lambda: talk(daemon.address("echo"), b"x") and len(lines_of(path)) >= 5,
               "new lines go to the new file")


def test_workers_without_rights_write_the_masters_file(make_daemon):
    daemon = make_daemon("", workers=1)
    directory = daemon.directory / "private"
    directory.mkdir(mode=0o700)
    path = directory / "access"
    daemon.write_config(section(path), user="nobody" if os.geteuid() == 0 else None)
    daemon.start()
    assert talk(daemon.address("echo"), b"x") == b"x"
    wait_for_lines(path, 1)
    path.rename(f"{path}.1")
    daemon.signal(signal.SIGUSR1)
    eventually(path.exists, "the master opens it anew")
    eventually(lambda: talk(daemon.address("echo"), b"x") and lines_of(path),
               "the worker writes to it")


def test_a_fifo_that_nobody_reads_costs_lines_and_nothing_else(make_daemon):
    daemon = make_daemon("", workers=1)
    path = daemon.directory / "fifo"
    os.mkfifo(path)
    daemon.write_config(section(path))
    address = daemon.start().address("echo")
    for _ in range(450):  # more than a pipe and a buffer of 64 KiB each can hold
        assert talk(address, b"x") == b"x"
    lost = eventually(lambda: daemon.server_status("echo")["access_lost"], "losses are counted")
    assert lost < 450
    assert f"prong_server_access_lines_lost_total{{server=\"echo\"}} {lost}" in daemon.ctl(
        "metrics").stdout
    assert daemon.log().count("access log cannot be written server=echo") == 1


def test_two_servers_may_share_a_file(make_daemon):
    daemon = make_daemon("", workers=2)
    path = daemon.directory / "access"
    daemon.write_config(section(path, name="one") + section(path, name="two"))
    daemon.start()
    for name in ["one", "two"] * 10:
        assert talk(daemon.address(name), b"x") == b"x"
    lines = wait_for_lines(path, 20)
    assert sorted(line["server"] for line in lines) == ["one"] * 10 + ["two"] * 10


def test_the_daemons_own_log_and_a_template(make_daemon):
    daemon = make_daemon(
        server("echo", "echo", access_log="log", access_format="who=${client_address} in=$bytes_in"),
        workers=1,
    )
    daemon.start()
    assert talk(daemon.address("echo"), b"12345") == b"12345"
    daemon.wait_for_log("access who=127.0.0.1 in=5\n")


def test_syslog_gets_a_datagram_for_each(make_daemon):
    """Nobody listens at /dev/log, or the machine's own daemon does: nothing waits for it."""
    daemon = make_daemon(server("echo", "echo", access_log="syslog"), workers=1).start()
    for _ in range(5):
        assert talk(daemon.address("echo"), b"x") == b"x"
    assert daemon.stop() == 0
    assert ("access log cannot be written" in daemon.log()) != os.path.exists("/dev/log")


# --- Mistakes ---


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"access_format": "$clinet"}, "access_format: there is no field $clinet; did you mean"),
        ({"access_format": "${client"}, "access_format: the } behind ${client is missing"),
        ({"access_format": "5 $ each"}, "access_format: a field's name is missing behind $"),
        ({"access_log": "access.log"}, 'access_log: "access.log" is not possible: write none'),
    ],
)
def test_what_is_no_format_is_told_with_file_and_line(make_daemon, options, problem):
    daemon = make_daemon(server("echo", "echo", **options))
    daemon.launch("-t")
    assert daemon.wait() == 2
    line = daemon.config.read_text().splitlines().index(f"{next(iter(options))} = "
                                                        f"{next(iter(options.values()))}") + 1
    assert f"prongd.conf:{line}: [server echo] {problem}" in daemon.log()


def test_a_file_that_does_not_open_refuses_the_reload(logged):
    daemon, path = logged()
    daemon.write_config(section(daemon.directory / "missing" / "access"))
    answer = daemon.ctl("reload")
    assert answer.returncode == 1
    assert "[server echo] access_log: " in answer.stderr
    assert talk(daemon.address("echo"), b"x") == b"x"
    wait_for_lines(path, 1)


def test_without_an_access_log_nothing_is_written(prongd):
    daemon = prongd(server("echo", "echo"), workers=1)
    assert talk(daemon.address("echo"), b"x") == b"x"
    assert daemon.server_status("echo")["access_lost"] == 0
