# SPDX-License-Identifier: MIT
"""The process beside the service that answers HTTP on metrics_listen."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from client import connect, echoes, receive
from daemon import eventually, server

ECHO = server("echo", "echo")
CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--virtual-time-budget=5000"]


class Observed:
    def __init__(self, daemon, path):
        self.daemon = daemon
        self.path = path

    def request(self, method, place, body=None):
        client = http.client.HTTPConnection("localhost", timeout=30)
        client.sock = socket.socket(socket.AF_UNIX)
        client.sock.settimeout(30)
        client.sock.connect(str(self.path))
        try:
            client.request(method, place, body)
            answer = client.getresponse()
            return answer.status, answer.read().decode(), answer.headers
        finally:
            client.close()

    def get(self, place):
        return self.request("GET", place)[:2]

    def is_told(self):
        return self.get("/readyz")[0] == 200

    def pid(self):
        """Of the observer, or None."""
        for pid in children(self.daemon.process.pid):
            if title(pid).startswith("prongd: observer"):
                return pid
        return None


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []


def title(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


@pytest.fixture
def observed(prongd, tmp_path):
    def start(sections=ECHO, **options):
        path = f"@prong-test-{os.getpid()}-{os.path.basename(tmp_path)}"
        daemon = prongd(sections, metrics_listen="unix:" + path, **options)
        found = Observed(daemon, "\0" + path[1:])
        eventually(found.is_told, "the observer knows the service")
        return found

    return start


def test_it_serves_what_prongctl_says(observed):
    service = observed()
    status, text, headers = service.request("GET", "/metrics")
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    printed = service.daemon.ctl("metrics").stdout
    names = [line for line in printed.splitlines() if line.startswith("# TYPE")]
    assert [line for line in text.splitlines() if line.startswith("# TYPE")] == names
    status, text = service.get("/status.json")
    assert status == 200
    shown = json.loads(text)
    assert shown["master"]["pid"] == service.daemon.process.pid
    assert shown["history"]


def test_it_says_what_there_is(observed):
    service = observed()
    assert service.get("/nonsense") == (
        404, "there is /, /status.json, /metrics, /healthz and /readyz\n")
    status, text, headers = service.request("POST", "/metrics")
    assert (status, text, headers["Allow"]) == (405, "only GET and HEAD are answered\n", "GET, HEAD")
    assert service.request("HEAD", "/metrics")[:2] == (200, "")
    assert service.get("/healthz") == (200, "ok\n")
    status, text, headers = service.request("GET", "/")
    assert status == 200 and "<title>prong</title>" in text
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_readiness_ends_when_the_service_drains(observed):
    service = observed(shutdown_timeout="20s")
    with connect(service.daemon.address("echo")) as client:
        assert echoes(client)
        service.daemon.signal(signal.SIGTERM)
        eventually(lambda: service.get("/readyz") == (503, "the service starts or stops\n"),
                   "it is not ready any more")
        assert service.get("/healthz") == (200, "ok\n")
        assert echoes(client)
    assert service.daemon.wait() == 0


def test_health_ends_when_the_master_hangs(observed):
    service = observed()
    service.daemon.signal(signal.SIGSTOP)
    try:
        eventually(lambda: service.get("/healthz") == (503, "the master says nothing any more\n"),
                   "it is noticed")
        assert service.get("/readyz")[0] == 503
        assert service.get("/metrics")[0] == 503
    finally:
        service.daemon.signal(signal.SIGCONT)
    eventually(service.is_told, "it is well again")


def test_the_same_process_stays_over_a_reload_and_remembers(observed):
    service = observed()
    pid = service.pid()
    assert service.daemon.ctl("reload").returncode == 0
    eventually(lambda: json.loads(service.get("/status.json")[1])["master"]["generation"] == 2,
               "it knows the new generation")
    assert service.pid() == pid
    history = json.loads(service.get("/status.json")[1])["history"]
    assert {moment[5] for moment in history} <= {1, 2}


def test_it_does_not_tell_what_stands_in_the_configuration(observed):
    service = observed()
    service.daemon.config.write_text(service.daemon.config.read_text() + "secret = 1\n")
    assert service.daemon.ctl("reload").returncode == 2
    eventually(lambda: "refusal" in service.get("/status.json")[1], "it knows of the refusal")
    assert "secret" not in service.get("/status.json")[1]


def test_who_looks_is_shown_the_heaviest_connections(observed):
    service = observed(workers=2)
    clients = [connect(service.daemon.address("echo")) for _ in range(12)]
    for number, client in enumerate(clients):
        assert echoes(client, b"x" * (number + 1) * 100)

    def heaviest():
        shown = json.loads(service.get("/status.json")[1])["heaviest"]
        return shown if len(shown) == 10 and shown[0]["bytes_read"] == 1200 else None

    rows = eventually(heaviest, "the page knows them")
    assert [row["bytes_written"] for row in rows] == [size * 100 for size in range(12, 2, -1)]
    assert {row["server"] for row in rows} == {"echo"}
    assert {row["worker"] for row in rows} == {"1.0", "1.1"}
    for client in clients:
        client.close()


def test_an_upgrade_refuses_nobody(observed):
    service = observed()
    pid = service.pid()
    assert service.daemon.ctl("upgrade").returncode == 0
    eventually(service.is_told, "the new one knows the service")
    assert service.pid() not in (None, pid)


def test_one_that_dies_is_replaced_and_the_service_does_not_notice(observed):
    service = observed()
    workers = service.daemon.worker_pids()
    with connect(service.daemon.address("echo")) as client:
        assert echoes(client)
        os.kill(service.pid(), signal.SIGKILL)
        eventually(service.is_told, "another one serves")
        assert echoes(client)
    assert service.daemon.worker_pids() == workers


def test_it_has_nothing_of_the_service(observed):
    service = observed()
    targets = [os.readlink(f"/proc/{service.pid()}/fd/{fd}")
               for fd in os.listdir(f"/proc/{service.pid()}/fd")]
    sockets = [target for target in targets if target.startswith("socket:")]
    others = [target for target in targets if not target.startswith(("socket:", "anon_inode:",
                                                                     "/dev/null", "pipe:"))]
    assert len(sockets) <= 2 + 3  # the channel, its handle, and where the log goes
    assert not [target for target in others if "scoreboard" in target]
    with open(f"/proc/{service.pid()}/status", encoding="ascii") as file:
        status = dict(line.split(":\t", 1) for line in file.read().splitlines())
    assert int(status["CapEff"], 16) == 0
    assert status["NoNewPrivs"] == "1"


def test_garbage_costs_nothing_but_its_own_connection(observed):
    service = observed()
    pid = service.pid()
    for garbage in (b"\0" * 5000, b"GET " + b"x" * 100_000, b"\xff\xfe\r\n\r\n"):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(service.path)
            try:
                client.sendall(garbage)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
            except OSError:
                pass
    assert service.get("/healthz") == (200, "ok\n")
    assert service.pid() == pid


def test_a_reload_can_end_it_and_start_it_again(observed):
    service = observed()
    text = service.daemon.config.read_text()
    line = next(line for line in text.splitlines() if line.startswith("metrics_listen"))
    service.daemon.config.write_text(text.replace(line, ""))
    assert service.daemon.ctl("reload").returncode == 0
    eventually(lambda: service.pid() is None, "it is gone")
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
        client.connect(service.path)
    service.daemon.config.write_text(text)
    assert service.daemon.ctl("reload").returncode == 0
    eventually(service.is_told, "it is back")


def test_an_address_in_use_refuses_the_reload(observed):
    service = observed()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = "127.0.0.1:{}".format(other.getsockname()[1])
        text = service.daemon.config.read_text()
        line = next(line for line in text.splitlines() if line.startswith("metrics_listen"))
        service.daemon.config.write_text(text.replace(line, "metrics_listen = " + address))
        result = service.daemon.ctl("reload")
    assert result.returncode != 0
    assert f"[prongd] metrics_listen: {address}: " in result.stderr
    assert service.is_told()
    service.daemon.config.write_text(text)


def test_clients_of_a_server_never_reach_it(observed):
    service = observed()
    with connect(service.daemon.address("echo")) as client:
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert receive(client, 25) == b"GET /metrics HTTP/1.0\r\n\r\n"


def test_the_page_draws_itself_in_a_browser(prongd):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    relay = server("relay", "proxy", upstream="192.0.2.1:80 weight=3")
    daemon = prongd(ECHO + relay, metrics_listen="127.0.0.1:0")
    daemon.wait_for_log("observer started")
    address = re.search(r"observer started .* address=(127\.0\.0\.1:\d+)", daemon.log()).group(1)
    with connect(daemon.address("echo")) as client, tempfile.TemporaryDirectory() as profile:
        assert echoes(client)
        page = subprocess.run(
            [chromium, *CHROMIUM, f"--user-data-dir={profile}", "--dump-dom",
             f"http://{address}/"], capture_output=True, text=True, timeout=120)
    assert 'data-drawn="yes"' in page.stdout
    assert '<span id="state" class="state">running</span>' in page.stdout
    assert "<td>echo</td>" in page.stdout
    assert page.stdout.count('class="worker"') == 2
    assert "<td>192.0.2.1:80</td><td>relay</td><td>up</td>" in page.stdout.replace(' class=""', "")
