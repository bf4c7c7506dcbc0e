# SPDX-License-Identifier: MIT
"""prongctl alone, against a master that is played by the test."""

import json
import os
import pty
import re
import socket
import subprocess
import threading
from pathlib import Path

import pytest

PRONGCTL = Path(os.environ["PRONG_BUILD"]) / "daemon/prongctl"
PATIENCE = 30

STATUS = {
    "ok": True,
    "master": {"pid": 100, "version": "0.1.0", "generation": 3,
               "started": "2026-03-01T12:00:00Z", "uptime_s": 7505},
    "workers": [
        {"slot": 0, "pid": 101, "generation": 3, "state": "ready", "gate": "closed",
         "connections": 12, "accepted": 1000, "closed": 988, "bytes_read": 1536, "bytes_written": 5 * 2**30},
        {"slot": 1, "pid": 0, "generation": 3, "state": "resting", "gate": "open",
         "connections": 0, "accepted": 7, "closed": 7, "bytes_read": 0, "bytes_written": 1023},
    ],
    "servers": [
        {"name": "chat", "state": "serving", "handler": "echo", "addresses": ["127.0.0.1:7007", "unix:/run/chat"],
         "connections": 12, "accepted": 1007, "dropped": 0, "max_to_mean": 1.25},
        {"name": "none", "state": "drained", "handler": "hello", "addresses": [], "connections": 0, "accepted": 0,
         "dropped": 0, "max_to_mean": 0.0},
    ],
}


class Master:
    """Answers one client with the given bytes and keeps what it was asked."""

    def __init__(self, address, answer):
        self.request = b""
        self.answer = answer if isinstance(answer, bytes) else json.dumps(answer).encode() + b"\n"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.settimeout(PATIENCE)
        self.listener.bind(address)
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return
        with client:
            client.settimeout(PATIENCE)
            while not self.request.endswith(b"\n"):
                self.request += client.recv(65536)
            try:
                client.sendall(self.answer)
            except BrokenPipeError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()


@pytest.fixture
def make_master(tmp_path):
    masters = []

    def make(answer, address=None):
        masters.append(Master(address or str(tmp_path / "control.sock"), answer))
        return masters[-1]

    yield make
    for master in masters:
        master.close()


def prongctl(*words, **options):
    return subprocess.run([PRONGCTL, *map(str, words)], capture_output=True, text=True,
                          timeout=PATIENCE, stdin=subprocess.DEVNULL, **options)


@pytest.fixture
def ask(make_master, tmp_path):
    """One command, and what comes of the master's answer to it."""

    def ask(answer, *words):
        make_master(answer)
        return prongctl("-s", tmp_path / "control.sock", *words)

    return ask


# --- the answer ---


def test_a_request_is_one_line_of_json(make_master, tmp_path):
    master = make_master(STATUS)
    assert prongctl("-s", tmp_path / "control.sock", "status").returncode == 0
    assert json.loads(master.request) == {"command": "status", "arguments": []}
    assert master.request.count(b"\n") == 1


@pytest.mark.parametrize("words", [["reload", "--no-wait", "--json"], ["-j", "reload", "--no-wait"],
                                   ["--json", "reload", "--", "--no-wait"]])
def test_an_option_that_is_not_its_own_is_the_commands(make_master, tmp_path, words):
    master = make_master({"ok": True, "generation": 2})
    assert prongctl("-s", tmp_path / "control.sock", *words).returncode == 0
    assert json.loads(master.request) == {"command": "reload", "arguments": ["--no-wait"]}


@pytest.mark.parametrize("words", [["--no-wait", "reload"], ["-x", "status"], ["status", "-s"]])
def test_an_option_that_nobody_knows_is_refused(words):
    answer = prongctl(*words)
    assert answer.returncode == 2
    assert f"option {words[0] if words[0][0] == '-' else words[1]} " in answer.stderr


def test_status_is_shown_as_tables(ask):
    answer = ask(STATUS, "status")
    assert answer.returncode == 0 and answer.stderr == ""
    assert answer.stdout == """\
prongd 0.1.0, master 100, generation 3, started 2026-03-01T12:00:00Z, up 2 h 5 min

WORKER  GENERATION  PID  STATE    GATE    CONNECTIONS  ACCEPTED  CLOSED     READ  WRITTEN
     0           3  101  ready    closed           12      1000     988  1.5 KiB  5.0 GiB
     1           3    0  resting  open              0         7       7      0 B   1023 B

SERVER  STATE    HANDLER  CONNECTIONS  ACCEPTED  DROPPED  MAX/MEAN  ADDRESSES
chat    serving  echo              12      1007        0      1.25  127.0.0.1:7007, unix:/run/chat
none    drained  hello              0         0        0         0  -
"""


@pytest.mark.parametrize("words", [["status", "--json"], ["--json", "status"], ["-j", "status"]])
def test_json_shows_the_answer_as_it_is(ask, words):
    answer = ask(STATUS, *words)
    assert answer.returncode == 0
    assert json.loads(answer.stdout) == STATUS
    assert list(json.loads(answer.stdout)) == list(STATUS)


def test_an_answer_without_a_table_is_shown_line_by_line(ask):
    answer = ask({"ok": True, "version": "0.1.0"}, "version")
    assert (answer.returncode, answer.stdout) == (0, "version: 0.1.0\n")


def test_stop_says_what_happens_now(ask):
    answer = ask({"ok": True}, "stop")
    assert answer.returncode == 0
    assert answer.stdout == "prongd has stopped.\n"


@pytest.mark.parametrize("answer, status", [
    ({"ok": False, "error": "not now", "exit": 2}, 2),
    ({"ok": False, "error": "not now", "exit": 1}, 1),
    ({"ok": False, "error": "not now"}, 1),
    ({"ok": False, "error": "not now", "exit": 0}, 1),
    ({"ok": False, "error": "not now", "exit": 300}, 1),
    ({"error": "not now"}, 1),
])
def test_an_error_is_told_with_the_exit_status_of_the_answer(ask, answer, status):
    result = ask(answer, "status")
    assert result.returncode == status
    assert result.stdout == ""
    assert result.stderr == "prongctl: not now\n"


def test_an_error_is_json_too_when_asked_for(ask):
    result = ask({"ok": False, "error": "not now", "exit": 2}, "status", "--json")
    assert result.returncode == 2
    assert json.loads(result.stdout)["error"] == "not now"


@pytest.mark.parametrize("bytes", [b"", b"{", b"{}", b"not json\n", b"[]\n", b"3\n", b"\0\n",
                                   b"\xff\xfe\n", b'{"ok":true,"ok":true}\n', b"[" * 9999 + b"\n"])
def test_what_is_no_answer_is_an_error(ask, bytes):
    result = ask(bytes, "status")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("prongctl: ") and result.stderr.count("\n") == 1


def test_an_answer_in_pieces_is_put_together(ask):
    many = {**STATUS, "servers": STATUS["servers"] * 5000}
    answer = ask(many, "status", "--json")
    assert json.loads(answer.stdout) == many


def test_an_answer_without_end_is_refused(ask):
    result = ask(b" " * (65 * 2**20), "status")
    assert result.returncode == 1
    assert "longer than 64 MiB" in result.stderr


@pytest.mark.parametrize("status", [
    {"ok": True},
    {"ok": True, "master": 5, "workers": "x", "servers": {"a": 1}},
    {"ok": True, "master": {}, "workers": [1, None, {}], "servers": [{"addresses": [[], {}]}]},
    {"ok": True, "master": {"uptime_s": -5, "pid": 1.5}},
])
def test_a_strange_status_does_no_harm(ask, status):
    assert ask(status, "status").returncode == 0


def test_control_characters_never_reach_the_terminal(ask):
    strange = "\x1b[31mred\nline\x7f"
    answer = ask({"ok": True, strange: strange}, "version")
    assert not any(c in answer.stdout.rstrip("\n") for c in "\x1b\n\x7f")
    assert "\\x1b[31mred\\nline\\x7f" in answer.stdout


# --- where the master is ---


@pytest.mark.parametrize("text", [
    "[prongd]\ncontrol_socket = {}\n",
    "\ufeff[prongd]\ncontrol_socket={}",
    "# comment\n; comment\n\n [ prongd ] # here\n  control_socket\t= {}  # and here\n",
    "[server x]\ncontrol_socket = /wrong\n[prongd]\r\nworkers = 2\r\ncontrol_socket = {}\r\n",
    "[prongd]\nuser = x\n  control_socket = /goes/on\ncontrol_socket = {}\n",
    "[prongd]\nbroken line\nother = " + "x" * 5000 + "\ncontrol_socket = {}\n",
    "[prongd]\ncontrol_socket = {}\n[server x]\ncontrol_socket = /wrong\n",
])
def test_the_socket_is_read_from_the_configuration(make_master, tmp_path, text):
    make_master(STATUS)
    file = tmp_path / "prongd.conf"
    file.write_text(text.format(tmp_path / "control.sock"))
    answer = prongctl("-c", file, "status")
    assert answer.returncode == 0, answer.stderr


def test_the_socket_may_be_relative(make_master, tmp_path):
    make_master(STATUS)
    assert prongctl("-s", "control.sock", "status", cwd=tmp_path).returncode == 0


def test_the_socket_may_be_abstract(make_master):
    name = f"prongctl-test-{os.getpid()}"
    make_master(STATUS, "\0" + name)
    assert prongctl("-s", "@" + name, "status").returncode == 0


def test_without_the_option_the_default_is_used(tmp_path):
    file = tmp_path / "prongd.conf"
    file.write_text("[prongd]\n# control_socket = /elsewhere\n")
    answer = prongctl("-c", file, "status")
    assert answer.returncode == 0 or "/run/prong/control.sock" in answer.stderr


@pytest.mark.parametrize("value", ["none", ""])
def test_a_prongd_without_control_socket_is_named(tmp_path, value):
    file = tmp_path / "prongd.conf"
    file.write_text(f"[prongd]\ncontrol_socket = {value}\n")
    answer = prongctl("-c", file, "status")
    assert answer.returncode == 1
    assert str(file) in answer.stderr and "none" in answer.stderr


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    answer = prongctl("-c", tmp_path / "missing.conf", "status")
    assert answer.returncode == 1
    assert "missing.conf" in answer.stderr and "No such file" in answer.stderr


@pytest.mark.parametrize("path, word", [("missing.sock", "Is prongd running"),
                                        ("x" * 200, "107 bytes")])
def test_nobody_there_is_said_with_what_to_check(tmp_path, path, word):
    answer = prongctl("-s", tmp_path / path, "status")
    assert answer.returncode == 1
    assert path in answer.stderr and word in answer.stderr


def test_a_socket_that_was_left_behind_is_recognised(tmp_path):
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    answer = prongctl("-s", path, "status")
    assert answer.returncode == 1
    assert "Nobody listens there" in answer.stderr


# --- the command line ---


def test_help_lists_commands_and_options():
    answer = prongctl("--help")
    assert answer.returncode == 0
    for word in ("status", "stop", "version", "--config FILE", "--socket SOCKET", "--json"):
        assert word in answer.stdout


def test_the_version_needs_no_master():
    answer = prongctl("-V")
    assert answer.returncode == 0
    assert answer.stdout.startswith("prongctl ")


@pytest.mark.parametrize("words", [[], ["bogus"], ["status", "more"], ["-x"], ["-s"], ["--jason"]])
def test_wrong_usage_is_2_and_names_the_help(words):
    answer = prongctl(*words)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert "prongctl --help" in answer.stderr


def test_a_command_has_a_help_of_its_own():
    answer = prongctl("servers", "--help")
    assert answer.returncode == 0
    assert "Usage: prongctl servers [OPTION...]\n" in answer.stdout
    assert re.search(r"^  --interval TIME +\w", answer.stdout, re.M)


@pytest.mark.parametrize("words, problem", [
    (["servers", "--intervall", "1s"], "servers has no option --intervall"),
    (["servers", "--interval"], "the value of --interval TIME is missing"),
    (["servers", "--interval=soon"], "--interval takes a time"),
    (["servers", "--interval=99999999999999999999s"], "--interval takes a time"),
    (["reload", "--no-wait=1"], "--no-wait takes no value"),
])
def test_an_option_of_a_command_that_is_wrong_is_explained(words, problem):
    answer = prongctl(*words)
    assert answer.returncode == 2
    assert problem in answer.stderr


def test_servers_are_shown_with_their_rates(make_master, tmp_path):
    make_master(STATUS)
    answer = prongctl("-s", tmp_path / "control.sock", "servers", "--interval=0")
    assert answer.returncode == 0
    assert answer.stdout.splitlines()[1].split()[:2] == ["chat", "serving"]
    assert "127.0.0.1:7007, unix:/run/chat" in answer.stdout


@pytest.mark.parametrize("environment, coloured", [
    ({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False),
    ({"TERM": "xterm", "NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)])
def test_titles_stand_out_on_a_terminal_alone(make_master, tmp_path, environment, coloured):
    make_master(STATUS)
    reader, terminal = pty.openpty()
    words = [PRONGCTL, "-s", tmp_path / "control.sock", "servers", "--interval=0"]
    plain = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.run(words, stdout=terminal, timeout=PATIENCE, env={**plain, **environment})
    os.close(terminal)
    shown = os.read(reader, 65536).decode()
    os.close(reader)
    assert process.returncode == 0 and "SERVER" in shown
    assert ("\033[1m" in shown) == coloured


def test_a_full_disk_is_an_error(make_master, tmp_path):
    make_master(STATUS)
    with open("/dev/full", "w") as full:
        result = subprocess.run([PRONGCTL, "-s", tmp_path / "control.sock", "status"],
                                stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE)
    assert result.returncode == 1
    assert b"standard output" in result.stderr
