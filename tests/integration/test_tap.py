# SPDX-License-Identifier: MIT
"""prongctl tap: the bytes of one connection, both ways, bounded, and the connection waits for nobody."""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import threading

import pytest

from client import connect, echoes
from daemon import PATIENCE, eventually, server

ECHO = server("echo", "echo", listen="127.0.0.1:0, unix:{directory}/echo, [::1]:0")


@pytest.fixture
def daemon(make_daemon):
    daemon = make_daemon("")
    daemon.write_config(ECHO.format(directory=daemon.directory))
    return daemon.start()


def number_of(daemon):
    """Of the only connection."""
    def rows():
        return json.loads(daemon.ctl("connections", "--json").stdout)["connections"]
    eventually(lambda: len(rows()) == 1, "it is accepted")
    return rows()[0]["id"]


def begin(daemon, *words):
    """A tap of the only connection that has begun."""
    mark = daemon.log_mark()
    tap = daemon.begin_ctl("tap", str(number_of(daemon)), *words)
    eventually(lambda: "client tapped by the operator" in daemon.log(mark) or tap.poll() is not None,
               "it begins")
    assert tap.poll() is None or tap.returncode == 0
    return tap


def finish(tap, status=0):
    output, complaints = tap.communicate(timeout=PATIENCE)
    assert tap.returncode == status, complaints
    return output, complaints


def said(output):
    """(direction, text) of each line."""
    return re.findall(r"^\d\d:\d\d:\d\d\.\d{6} (in|out)  ?\"(.*)\"$", output, re.M)


def test_both_directions_are_seen_in_order_until_the_client_ends(daemon):
    with connect(daemon.address("echo")) as client:
        assert echoes(client, b"before")
        tap = begin(daemon)
        assert echoes(client, b"first\n") and echoes(client, b"\x1b[2J\xff\n")
    output, complaints = finish(tap)
    assert said(output) == [("in", r"first\n"), ("out", r"first\n"),
                            ("in", r"\x1b[2J\xff\n"), ("out", r"\x1b[2J\xff\n")]
    assert "of echo, client 127.0.0.1:" in complaints and "the connection has ended" in complaints


def test_a_bound_of_bytes_ends_it(daemon):
    with connect(daemon.address("echo")) as client:
        tap = begin(daemon, "--bytes=10")
        assert echoes(client, b"sevenby") and echoes(client, b"more")
        output, complaints = finish(tap)
        assert said(output) == [("in", "sevenby"), ("out", "sev")]
        assert "bound of --bytes" in complaints
        assert echoes(client, b"goes on")


def test_a_bound_of_time_ends_it(daemon):
    with connect(daemon.address("echo")) as client:
        output, complaints = finish(begin(daemon, "--seconds", "1"))
        assert output == "" and "bound of --seconds" in complaints
        assert echoes(client)


def test_ctrl_c_ends_it_and_another_one_may_begin(daemon):
    with connect(daemon.address("echo")) as client:
        tap = begin(daemon)
        second = daemon.ctl("tap", str(number_of(daemon)))
        assert second.returncode == 1 and "tapped already" in second.stderr
        tap.send_signal(signal.SIGINT)
        assert "interrupted" in finish(tap)[1]
        # The worker learns a moment later that nobody reads any more.
        eventually(lambda: daemon.ctl("tap", str(number_of(daemon)), "--seconds=1").returncode == 0,
                   "the first tap is gone")
        another = begin(daemon)
        assert echoes(client, b"again")
    assert said(finish(another)[0]) == [("in", "again"), ("out", "again")]


def test_numbers_are_shown_with_hex(daemon):
    with connect(daemon.address("echo")) as client:
        tap = begin(daemon, "--hex")
        assert echoes(client, b"0123456789abcdef\x00\x01")
    output, _ = finish(tap)
    assert "in  18 bytes\n  00000000  30 31 32 33" in output and "|0123456789abcdef|" in output
    assert re.search(r"^  00000010  00 01 +\|\.\.\|$", output, re.M)


def test_a_connection_that_moves_ends_it(daemon):
    with connect(daemon.address("echo")) as client:
        tap = begin(daemon)
        assert echoes(client, b"here")
        assert daemon.ctl("reload").returncode == 0
        output, complaints = finish(tap)
        assert said(output) == [("in", "here"), ("out", "here")] and "has moved" in complaints
        assert echoes(client)


@pytest.mark.parametrize("words, status, word", [
    (("1",), 1, "no connection has the number 1"), (("x",), 2, "number of a connection"),
    (("1", "--bytes=0"), 2, "--bytes takes"), (("1", "--seconds=x"), 2, "--seconds takes"),
    (("1", "--hex", "--pcap=x"), 2, "exclude"), (("1", "--json"), 2, "--pcap"),
])
def test_what_cannot_be_tapped_is_said(daemon, words, status, word):
    answer = daemon.ctl("tap", *words)
    assert answer.returncode == status and word in answer.stderr and answer.stdout == ""


def test_who_does_not_read_does_not_disturb_the_connection(daemon):
    """What does not fit into the pipe is left out and counted; the stream is whole otherwise."""
    block = bytes(range(256)) * 256
    with connect(daemon.address("echo")) as client:
        tap = begin(daemon, "--bytes=64M", "--hex")
        os.kill(tap.pid, signal.SIGSTOP)
        for _ in range(32):
            assert echoes(client, block)
        os.kill(tap.pid, signal.SIGCONT)
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(iter(tap.stdout.readline, "")))
        # The next bytes that find room say what was left out; then there is room for the end, too.
        reader.start()
        eventually(lambda: echoes(client, b"late") and any("left out" in line for line in lines),
                   "it is told what is missing")
    reader.join(PATIENCE)
    assert tap.wait(PATIENCE) == 0
    assert "the connection has ended" in tap.stderr.read()


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def packets(data):
    """(source port, sequence number, payload) of each; every length and checksum is verified."""
    assert struct.unpack("=IHHiIII", data[:24]) == (0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)
    data = data[24:]
    while data:
        _, _, captured, length = struct.unpack("=IIII", data[:16])
        packet, data = data[16:16 + captured], data[16 + captured:]
        assert captured == length == len(packet)
        if packet[0] >> 4 == 4:
            assert struct.unpack(">H", packet[2:4])[0] == length and checksum(packet[:20]) == 0xffff
            addresses, tcp = packet[12:20], packet[20:]
        else:
            assert packet[0] >> 4 == 6 and struct.unpack(">H", packet[4:6])[0] == length - 40
            addresses, tcp = packet[8:40], packet[40:]
        assert checksum(addresses + struct.pack(">II", len(tcp), 6) + tcp) == 0xffff
        port, _, sequence = struct.unpack(">HHI", tcp[:8])
        yield port, sequence, tcp[20:]


@pytest.mark.parametrize("where", [0, 1, 2])
def test_packets_are_written_for_tcpdump(daemon, tmp_path, where):
    path = tmp_path / "tap.pcap"
    message = os.urandom(9001)
    with connect(daemon.addresses("echo")[where]) as client:
        assert echoes(client, b"before")
        tap = begin(daemon, f"--pcap={path}")
        assert echoes(client, message)
        port = 1 if where == 1 else client.getsockname()[1]
    output, _ = finish(tap)
    assert output == "" and path.stat().st_mode & 0o777 == 0o600
    both = {True: b"", False: b""}
    for source, sequence, payload in packets(path.read_bytes()):
        is_input = source == port
        assert sequence == 1 + len(b"before") + len(both[is_input])
        both[is_input] += payload
    assert both == {True: message, False: message}
    if shutil.which("tcpdump"):
        shown = subprocess.run(["tcpdump", "-nvr", str(path)], capture_output=True, text=True, check=False,
                               timeout=PATIENCE)
        assert shown.returncode == 0 and shown.stdout.count("Flags [P.]") >= 6
        assert "incorrect" not in shown.stdout and "bad" not in shown.stdout
