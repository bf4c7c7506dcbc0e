# SPDX-License-Identifier: MIT
"""The library's example programs, with real peers.  test_pairings.py has server and client."""

import re
import shutil
import signal
import socket
import subprocess

import pytest

from client import connect, receive, receive_all
from daemon import BUILD, PATIENCE, environment, eventually

EXAMPLES = BUILD / "lib/examples"
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n"


class Example:
    def __init__(self, name, *arguments, directory):
        self.output_file = directory / f"{name}.output"
        with open(self.output_file, "wb") as file:
            self.process = subprocess.Popen(
                [EXAMPLES / name, *map(str, arguments)], stdout=file, stderr=file,
                env=environment(directory))

    def output(self):
        return self.output_file.read_text()

    def address(self):
        found = eventually(lambda: re.search(r"listening on 127\.0\.0\.1:(\d+)\n", self.output()),
                           "it listens")
        return "127.0.0.1", int(found.group(1))


@pytest.fixture
def start(tmp_path):
    examples = []

    def start_example(name, *arguments):
        examples.append(Example(name, *arguments, directory=tmp_path))
        return examples[-1]

    yield start_example
    for example in examples:
        example.process.send_signal(signal.SIGTERM)
        assert example.process.wait(PATIENCE) == -signal.SIGTERM, example.output()
    reports = list(tmp_path.glob("sanitizer.*"))
    assert not reports, reports[0].read_text()


def run(command, *arguments, **options):
    if shutil.which(command) is None:
        pytest.skip(f"{command} is not installed")
    return subprocess.run([command, *arguments], capture_output=True, timeout=PATIENCE, **options)


def test_echo_gives_netcat_back_what_it_says(start):
    host, port = start("echo", 0).address()
    data = b"line of text\n" * 100_000
    assert run("nc", "-N", host, str(port), input=data).stdout == data


def test_echo_stops_reading_from_who_does_not_read(start):
    with connect(start("echo", 0).address()) as client:
        client.setblocking(False)
        sent = 0
        with pytest.raises(BlockingIOError):
            while sent < 200_000_000:
                sent += client.send(b"x" * 65536)
        client.setblocking(True)
        client.shutdown(socket.SHUT_WR)
        assert len(receive_all(client)) == sent


def test_chat_tells_all_others(start):
    address = start("chat", 0).address()
    with connect(address) as one, connect(address) as two, connect(address) as three:
        for client, words in ((one, b"I am one\n"), (two, b"I am two\n")):
            client.sendall(words)
            for other in (one, two, three):
                if other is not client:
                    assert receive(other, len(words)) == words
        one.shutdown(socket.SHUT_WR)
        assert receive_all(one) == b""


def test_http_answers_curl(start):
    host, port = start("http", 0).address()
    result = run("curl", "--silent", "--show-error", f"http://{host}:{port}/", f"http://{host}:{port}/x")
    assert (result.stdout, result.stderr) == (b"hello\nhello\n", b"")


def test_http_takes_a_request_in_pieces_and_several_in_one(start):
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with connect(start("http", 0).address()) as client:
        for byte in request:
            client.send(bytes([byte]))
        assert receive(client, len(REPLY)) == REPLY
        client.sendall(request * 3)
        assert receive(client, 3 * len(REPLY)) == 3 * REPLY
        client.sendall(b"x" * 70_000)
        client.settimeout(PATIENCE)
        with pytest.raises(OSError):
            while client.recv(65536):
                pass
            raise ConnectionResetError  # an end is as good


def test_lines_answers_each_line_however_it_arrives(start):
    address = start("lines", 0).address()
    host, port = address
    lines = b"".join(b"%d\n" % i for i in range(20_000))
    assert run("nc", "-N", host, str(port), input=lines).stdout == lines
    with connect(address) as client:
        for byte in b"one\r\ntwo\n":
            client.send(bytes([byte]))
        assert receive(client, 8) == b"one\ntwo\n"


def test_lines_hangs_up_on_a_line_without_an_end(start):
    with connect(start("lines", 0).address()) as client:
        client.sendall(b"fine\n" + b"x" * 81)
        assert receive_all(client) == b"fine\n"


def test_reconnect_does_not_give_up(start):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        port = listener.getsockname()[1]
        example = start("reconnect", port)
        for i in range(2):
            client, _ = listener.accept()
            client.sendall(b"here is %d\n" % i)
            eventually(lambda: f"here is {i}\n" in example.output(), "it is printed")
            client.close()
            eventually(lambda: example.output().count("closed, again in 100 ms\n") == i + 1,
                       "it has seen the end")
    eventually(lambda: "failed, again in 200 ms\n" in example.output(), "it waits longer and longer")
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(PATIENCE)
        listener.accept()[0].close()


@pytest.mark.parametrize("size", [0, 1, 5_000_000])
def test_forward_carries_every_byte_both_ways_and_both_ends(start, size):
    upstream = start("echo", 0)
    forwarder = start("forward", 0, *upstream.address())
    data = bytes(i * 7 & 255 for i in range(256)) * (size // 256) + b"?" * (size % 256)
    host, port = forwarder.address()
    assert run("nc", "-N", host, str(port), input=data).stdout == data


def test_forward_hangs_up_when_nobody_is_there(start):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = listener.getsockname()
    with connect(start("forward", 0, *nobody).address()) as client:
        try:
            assert client.recv(1) == b""
        except ConnectionResetError:
            pass
