# SPDX-License-Identifier: MIT
"""A broken configuration: the exit status, a line that a person can act on, nothing left behind."""

import os
import re
import socket

import pytest

from client import is_refused
from daemon import server
from ports import reserve

# What stands before the broken part; line 1 is its first line.
GOOD = """\
[prongd]
workers = 2

[server good]
listen = 127.0.0.1:{port}, unix:{directory}/good.sock
handler = echo
"""
NEXT = GOOD.count("\n") + 1  # the line number of what follows

# name: the broken part, its exit status, the line it is in, words that the message must have
BROKEN = {
    "unknown option": ("backlgo = 10\n", 2, NEXT, ["[server good] backlgo", "backlog"]),
    "unknown section": ("[sever bad]\nlisten = 127.0.0.1:0\n", 2, NEXT, ["sever", "server"]),
    "bad number": ("backlog = many\n", 2, NEXT, ["[server good] backlog", "many", "number"]),
    "out of range": ("backlog = 99999999999\n", 2, NEXT, ["[server good] backlog", "99999999999"]),
    "over-long line": (f"# {'x' * 190}workers = 99\n", 2, NEXT, ["line", "long"]),
    "repeated option": ("backlog = 10\nbacklog = 20\n", 2, NEXT + 1,
                        ["[server good] backlog", str(NEXT)]),
    "missing handler": ("[server bad]\nlisten = 127.0.0.1:0\n", 2, NEXT,
                        ["[server bad]", "handler"]),
    "unknown handler": ("[server bad]\nlisten = 127.0.0.1:0\nhandler = ecoh\n", 2, NEXT + 2,
                        ["[server bad] handler", "ecoh", "echo"]),
    "bad address": ("[server bad]\nlisten = 300.1.1.1:0\nhandler = echo\n", 2, NEXT + 1,
                    ["[server bad] listen", "300.1.1.1"]),
    "port out of range": ("[server bad]\nlisten = 127.0.0.1:65536\nhandler = echo\n", 2, NEXT + 1,
                          ["[server bad] listen", "65536"]),
    "bad duration": ("timeout = 10 parsecs\n", 2, NEXT, ["[server good] timeout", "30s"]),
    "bad boolean": ("no_delay = perhaps\n", 2, NEXT, ["[server good] no_delay", "yes"]),
    "server without an address": ("[server bad]\nhandler = echo\n", 2, NEXT,
                                  ["[server bad]", "listen"]),
    "server twice": ("[server good]\nlisten = 127.0.0.1:0\nhandler = echo\n", 2, NEXT,
                     ["[server good]"]),
    "neither option nor section": ("what is this\n", 2, NEXT, ["what is this"]),
}


@pytest.fixture
def free_port():
    with reserve() as holder:
        yield holder.getsockname()[1]


def write(daemon, port, text):
    good = GOOD.format(port=port, directory=daemon.directory)
    daemon.config.write_text(good + text)


def expect_nothing_left(daemon, port):
    assert is_refused(("127.0.0.1", port))
    assert not (daemon.directory / "good.sock").exists()


@pytest.mark.parametrize("name", BROKEN)
def test_it_is_refused_with_file_and_line(make_daemon, free_port, name):
    text, status, line, words = BROKEN[name]
    daemon = make_daemon("")
    write(daemon, free_port, text)

    assert daemon.launch().wait() == status
    message = next(
        (row for row in daemon.log().splitlines() if f"{daemon.config}:{line}:" in row), None
    )
    assert message, daemon.log()
    for word in words:
        assert word in message
    expect_nothing_left(daemon, free_port)


def test_all_mistakes_are_told_in_one_run(make_daemon, free_port):
    daemon = make_daemon("")
    write(daemon, free_port, "backlog = many\nno_delay = perhaps\nnonsense = 1\n")
    assert daemon.launch().wait() == 2
    assert len(re.findall(rf"{re.escape(str(daemon.config))}:\d+: ", daemon.log())) == 3


def test_a_port_in_use_is_the_systems_fault(make_daemon, free_port):
    daemon = make_daemon("")
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        write(daemon, free_port, server("late", "echo", listen=taken))
        assert daemon.launch().wait() == 1
        assert taken in daemon.log()
        assert "in use" in daemon.log()
    expect_nothing_left(daemon, free_port)


def test_a_file_that_is_missing_is_the_systems_fault(make_daemon):
    daemon = make_daemon("")
    daemon.config.unlink()
    assert daemon.launch().wait() == 1
    assert str(daemon.config) in daemon.log()
    assert os.strerror(2) in daemon.log()


def test_a_directory_is_no_configuration(make_daemon):
    daemon = make_daemon("")
    daemon.config.unlink()
    daemon.config.mkdir()
    assert daemon.launch().wait() == 1
    assert str(daemon.config) in daemon.log()


def test_a_file_that_may_not_be_read_is_the_systems_fault(make_daemon, unprivileged):
    daemon = make_daemon("")
    daemon.config.chmod(0)
    assert daemon.launch(**unprivileged).wait() == 1
    assert str(daemon.config) in daemon.log()
    assert os.strerror(13) in daemon.log()


def test_a_directory_that_is_missing_for_a_unix_socket(make_daemon, free_port):
    daemon = make_daemon("")
    path = daemon.directory / "missing" / "x.sock"
    write(daemon, free_port, server("late", "echo", listen=f"unix:{path}"))
    assert daemon.launch().wait() == 1
    assert str(path) in daemon.log()
    expect_nothing_left(daemon, free_port)
