# SPDX-License-Identifier: MIT
"""The first example of every net tutorial: each client with each server, in C and in Node."""

import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from client import connect, receive_all
from daemon import BUILD, PATIENCE, environment, eventually, processes_of_session, server

PEERS = Path(__file__).parent / "peers"
NODE = shutil.which("node")

C_SERVER = [BUILD / "lib/examples/server"]
C_CLIENT = [BUILD / "lib/examples/client"]
NODE_SERVER = [NODE, PEERS / "server.js"]
NODE_CLIENT = [NODE, PEERS / "client.js"]

CLIENT_OUTPUT = "server send message: hello client!\ndisconnected from server\n"

needs_node = pytest.mark.skipif(NODE is None, reason="Node.js is not installed")


@pytest.fixture
def start(tmp_path):
    """Starts a program on a free port; gives the port and a function that reads its output."""
    processes = []

    def start_program(command):
        output = tmp_path / "output"
        with open(output, "wb") as file:
            process = subprocess.Popen(
                [*command, "0"], stdout=file, stderr=file, env=environment(tmp_path),
                start_new_session=True,
            )
        processes.append(process)
        port = eventually(
            lambda: re.search(r"listen\w+ on (?:127\.0\.0\.1:|port )(\d+)\n", output.read_text()),
            "the address is printed",
        )
        return int(port.group(1)), output.read_text

    yield start_program
    for process in processes:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == -signal.SIGTERM
    reports = list(tmp_path.glob("sanitizer.*"))
    assert not reports, reports[0].read_text()


def run_client(command, port, directory):
    client = subprocess.run(
        [*command, str(port)], capture_output=True, text=True, timeout=PATIENCE,
        env=environment(directory),
    )
    assert client.stderr == ""
    assert client.returncode == 0
    return client.stdout


@pytest.mark.parametrize(
    "server_command, client_command",
    [
        pytest.param(C_SERVER, NODE_CLIENT, id="node-to-c", marks=needs_node),
        pytest.param(NODE_SERVER, C_CLIENT, id="c-to-node", marks=needs_node),
        pytest.param(C_SERVER, C_CLIENT, id="c-to-c"),
        pytest.param(NODE_SERVER, NODE_CLIENT, id="node-to-node", marks=needs_node),
    ],
)
def test_client_and_server_greet_each_other(start, tmp_path, server_command, client_command):
    port, output = start(server_command)
    assert run_client(client_command, port, tmp_path) == CLIENT_OUTPUT
    eventually(lambda: "client send message: hello server!\n" in output(), "the greeting arrived")


@pytest.mark.parametrize(
    "client_command",
    [
        pytest.param(NODE_CLIENT, id="node", marks=needs_node),
        pytest.param(C_CLIENT, id="c"),
    ],
)
def test_the_hello_handler_greets_a_client(prongd, tmp_path, client_command):
    daemon = prongd(server("hello", "hello"))
    _, port = daemon.address("hello")
    assert run_client(client_command, port, tmp_path) == CLIENT_OUTPUT
    daemon.wait_for_log("client send message: hello server!")


def test_a_client_without_a_server_says_so(tmp_path):
    client = subprocess.run(
        [*C_CLIENT, "1"], capture_output=True, text=True, timeout=PATIENCE,
        env=environment(tmp_path),
    )
    assert client.returncode == 1
    assert "connect" in client.stderr and "refused" in client.stderr


def test_the_workers_of_the_prefork_example_share_one_port(tmp_path):
    output = tmp_path / "output"
    with open(output, "wb") as file:
        parent = subprocess.Popen(
            [BUILD / "lib/examples/prefork", "0"], stdout=file, stderr=file,
            env=environment(tmp_path), start_new_session=True,
        )
    try:
        said = re.compile(r"worker (\d+) listens on port (\d+)\n")
        eventually(lambda: len(said.findall(output.read_text())) == 4, "four workers listen")
        workers, ports = (set(values) for values in zip(*said.findall(output.read_text())))
        assert len(workers) == 4 and len(ports) == 1

        greeting = re.compile(rb"hello client! I am worker (\d+)\n")
        for _ in range(20):
            with connect(("127.0.0.1", int(*ports))) as client:
                assert greeting.fullmatch(receive_all(client)).group(1).decode() in workers
    finally:
        for pid in processes_of_session(parent.pid):
            subprocess.run(["kill", "-TERM", str(pid)], check=False)
        parent.wait(PATIENCE)
