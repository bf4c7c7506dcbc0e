# SPDX-License-Identifier: MIT
"""prongctl top: one frame for programs and pipes, and the live screen in a terminal of the test's."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from client import connect, echoes
from daemon import PATIENCE, PRONGCTL, environment, server

ECHO = server("echo", "echo")


class Terminal:
    """prongctl top in a pseudo-terminal."""

    def __init__(self, daemon, *words, rows=24, columns=100):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.text = ""
        self.process = subprocess.Popen(
            [PRONGCTL, "-s", daemon.control, "top", *words], stdin=self.slave, stdout=self.slave,
            stderr=subprocess.PIPE, env=environment(daemon.directory), start_new_session=True)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, word, since=0):
        deadline = time.monotonic() + PATIENCE
        while word not in self.text[since:]:
            assert time.monotonic() < deadline, self.text[-2000:]
            if select.select([self.master], [], [], 1)[0]:
                self.text += os.read(self.master, 65536).decode(errors="replace")
        return self.text[since:]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal(prongd):
    terminals = []

    def make(*arguments, **options):
        terminals.append(Terminal(*arguments, **options))
        return terminals[-1]

    yield make
    for made in terminals:
        made.close()


def test_one_frame_shows_workers_servers_and_connections(prongd):
    daemon = prongd(ECHO)
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        answer = daemon.ctl("top", "--once", "--interval=100ms")
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout.startswith("prongd ") and "1 connections by bytes" in answer.stdout
        assert "\033" not in answer.stdout
        assert "WORKER" in answer.stdout and " ####################\n" in answer.stdout
        assert "127.0.0.1:%d" % client.getsockname()[1] in answer.stdout
        assert daemon.ctl("top", "--interval=100ms").stdout.startswith("prongd ")  # no terminal


def test_a_frame_is_json_when_asked_for(prongd):
    daemon = prongd(ECHO)
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        frame = json.loads(daemon.ctl("top", "--json", "--interval=100ms").stdout)
    assert len(frame["workers"]) == 2 and frame["workers"][0]["cpu_percent"] >= 0
    assert frame["servers"][0]["accepted_per_s"] == 0
    assert len(frame["connections"]) == 1


def test_the_screen_lives_and_is_given_back(prongd, terminal):
    daemon = prongd(ECHO)
    screen = terminal(daemon, "--interval=100ms")
    screen.wait_for("\033[?1049h")
    screen.wait_for("0 connections by bytes")
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
        screen.wait_for("127.0.0.1:%d" % client.getsockname()[1])
        os.write(screen.master, b"a")
        screen.wait_for("1 connections by age")
    screen.wait_for("0 connections by age")
    os.write(screen.master, b"q")
    screen.wait_for("\033[?1049l")
    assert screen.process.wait(PATIENCE) == 0
    assert termios.tcgetattr(screen.slave) == screen.before


def test_another_size_is_followed(prongd, terminal):
    screen = terminal(prongd(ECHO), "--interval=1h", rows=30, columns=100)
    wide = screen.wait_for("q quits")
    assert "CONNECTIONS" in wide
    since = len(screen.text)
    screen.resize(30, 20)
    screen.process.send_signal(signal.SIGWINCH)
    lines = screen.wait_for("q quits; sorted by:", since).split("\r\n")
    shown = [line.replace("\033[K", "").replace("\033[H", "").strip("\r") for line in lines[1:]]
    assert [line for line in shown if len(line) > 20] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_gives_the_screen_back(prongd, terminal, number):
    screen = terminal(prongd(ECHO), "--interval=1h")
    screen.wait_for("q quits")
    screen.process.send_signal(number)
    screen.wait_for("\033[?1049l")
    assert screen.process.wait(PATIENCE) == -number
    assert termios.tcgetattr(screen.slave) == screen.before


def test_the_end_of_the_service_is_told(prongd, terminal):
    daemon = prongd(ECHO)
    screen = terminal(daemon, "--interval=100ms")
    screen.wait_for("q quits")
    assert daemon.stop() == 0
    screen.wait_for("\033[?1049l")
    assert screen.process.wait(PATIENCE) == 1
    assert b"does not answer any more" in screen.process.stderr.read()


@pytest.mark.parametrize("option", ["--interval=1ms", "--interval=x", "--sort=size"])
def test_wrong_options_are_explained(prongd, option):
    answer = prongd(ECHO).ctl("top", option)
    assert answer.returncode == 2 and option.partition("=")[0] in answer.stderr
