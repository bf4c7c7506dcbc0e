# SPDX-License-Identifier: MIT
"""The proxy and the PROXY protocol beside the real HAProxy, nginx, redis and PostgreSQL."""

import contextlib
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from client import connect, echoes, receive
from daemon import IS_ROOT, PATIENCE, eventually, server
from ports import hold_port

NGINX_STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
POSTGRES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def need(*programs):
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {' '.join(missing)}")


def is_open(port):
    with contextlib.suppress(OSError):
        connect(("127.0.0.1", port)).close()
        return True
    return False


@contextlib.contextmanager
def running(command, ports, **options):
    """A program that is there when its ports are; it is stopped at the end."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options
    )
    try:
        for port in ports:
            eventually(lambda: is_open(port) or process.poll() is not None, f"port {port} is open")
        assert process.poll() is None, f"{command[0]} ended"
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture
def haproxy(tmp_path):
    def run(text, *ports):
        file = tmp_path / "haproxy.cfg"
        file.write_text(
            "defaults\n mode tcp\n timeout connect 10s\n timeout client 60s\n"
            " timeout server 60s\n" + text
        )
        return running(["haproxy", "-db", "-q", "-f", str(file)], ports)

    return run


@pytest.fixture
def nginx(tmp_path):
    def run(text, *ports):
        file = tmp_path / "nginx.conf"
        file.write_text(
            f"load_module {NGINX_STREAM};\ndaemon off;\nmaster_process off;\n"
            f"pid {tmp_path}/nginx.pid;\nerror_log {tmp_path}/nginx.log;\n"
            "events { worker_connections 512; }\n" + text
        )
        return running(["nginx", "-c", str(file), "-e", f"{tmp_path}/nginx.log"], ports)

    return run


@pytest.fixture
def relaying(prongd):
    def make(port, **options):
        daemon = prongd(server("relay", "proxy", upstream=f"127.0.0.1:{port}", **options))
        for pid in daemon.worker_pids():
            daemon.descriptors[pid] += 1  # the set of paused sockets stays
        return daemon

    return make


def reload_until(daemon, is_over):
    """Reloads while something runs, at least once; how often."""
    count = 0
    while count == 0 or not is_over():
        answer = daemon.ctl("reload")
        assert answer.returncode == 0, answer.stderr
        count += 1
    return count


def run_over_reloads(daemon, command, **options):
    """What the program says when it ends well, while the daemon reloads again and again."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    said = []
    reader = threading.Thread(target=lambda: said.append(process.stdout.read()))
    reader.start()
    reload_until(daemon, lambda: process.poll() is not None)
    reader.join()
    process.stdout.close()
    assert process.wait(PATIENCE) == 0, said[0]
    return said[0]


# --- The PROXY protocol, from others to us ---


def assert_told(daemon, port):
    """Through the proxy at the port comes who really connects."""
    with connect(("127.0.0.1", port)) as client:
        assert echoes(client)
        name = "127.0.0.1:%d" % client.getsockname()[1]
    daemon.wait_for_log(f"peer={name}")


@need("haproxy")
@pytest.mark.parametrize(
    "words", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"]
)
def test_haproxy_says_who_the_client_is(prongd, haproxy, words):
    daemon = prongd(server("echo", "echo", proxy_protocol_from="127.0.0.1"))
    port = hold_port()
    text = (
        f"listen l\n bind 127.0.0.1:{port}\n"
        f" server s 127.0.0.1:{daemon.address('echo')[1]} {words}\n"
    )
    with haproxy(text, port):
        assert_told(daemon, port)


@need("nginx")
def test_nginx_says_who_the_client_is(prongd, nginx):
    daemon = prongd(server("echo", "echo", proxy_protocol_from="127.0.0.1"))
    port = hold_port()
    text = (
        f"stream {{ server {{ listen 127.0.0.1:{port}; proxy_protocol on;"
        f" proxy_pass 127.0.0.1:{daemon.address('echo')[1]}; }} }}\n"
    )
    with nginx(text, port):
        assert_told(daemon, port)


# --- … and from us to others ---


@need("haproxy")
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_haproxy_understands_who_the_client_is(prongd, relaying, haproxy, version):
    last = prongd(server("echo", "echo", proxy_protocol_from="127.0.0.1"))
    port = hold_port()
    text = (
        f"listen l\n bind 127.0.0.1:{port} accept-proxy\n"
        f" server s 127.0.0.1:{last.address('echo')[1]} send-proxy\n"
    )
    with haproxy(text, port):
        daemon = relaying(port, send_proxy=version)
        assert_told(last, daemon.address("relay")[1])


@need("nginx")
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_nginx_understands_who_the_client_is(relaying, nginx, version):
    port = hold_port()
    text = (
        f"stream {{ server {{ listen 127.0.0.1:{port} proxy_protocol;"
        ' return "$proxy_protocol_addr:$proxy_protocol_port"; } }\n'
    )
    with nginx(text, port):
        daemon = relaying(port, send_proxy=version)
        with connect(daemon.address("relay")) as client:
            name = b"127.0.0.1:%d" % client.getsockname()[1]
            assert receive(client, len(name)) == name


# --- Servers behind the relay, over reloads ---


@need("nginx", "wrk")
def test_nginx_serves_wrk_behind_the_relay(relaying, nginx, tmp_path):
    port = hold_port()
    (tmp_path / "file").write_bytes(os.urandom(100_000))
    tmp_path.chmod(0o755)
    text = (
        f"user root;\nhttp {{ access_log off; server {{ listen 127.0.0.1:{port};"
        f" root {tmp_path}; }} }}\n"
    )
    with nginx(text, port):
        daemon = relaying(port)
        url = "http://127.0.0.1:%d/file" % daemon.address("relay")[1]
        said = run_over_reloads(daemon, ["wrk", "-t1", "-c20", "-d3s", url])
    assert "Socket errors" not in said and "Non-2xx" not in said, said
    assert "requests in" in said


@need("redis-server", "redis-benchmark")
def test_redis_serves_its_benchmark_behind_the_relay(relaying, tmp_path):
    port = hold_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    with running(command, [port]):
        daemon = relaying(port)
        words = ["-p", str(daemon.address("relay")[1]), "-c", "20", "-n", "8000", "-d", "200"]
        said = run_over_reloads(daemon, ["redis-benchmark", *words, "-t", "set,get", "--csv"])
    assert "error" not in said.lower(), said
    assert '"SET"' in said and '"GET"' in said


@pytest.fixture
def postgres(tmp_path_factory):
    """The port of a PostgreSQL with an empty database."""
    directory = tmp_path_factory.mktemp("postgres")
    port = hold_port()
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if IS_ROOT else {}
    if IS_ROOT:
        for folder in (directory, directory.parent):
            folder.chmod(0o755)
        shutil.chown(directory, "postgres", "postgres")
    subprocess.run(
        [POSTGRES / "initdb", "-D", directory / "data", "-A", "trust", "-U", "postgres", "-N"],
        check=True, stdout=subprocess.DEVNULL, cwd="/", **user,
    )
    command = [POSTGRES / "postgres", "-D", directory / "data", "-p", str(port),
               "-k", directory, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    with running(command, [port], cwd="/", stderr=subprocess.DEVNULL, **user):
        yield port


@pytest.mark.skipif(POSTGRES is None, reason="not installed: postgresql")
def test_postgresql_serves_its_clients_behind_the_relay(relaying, postgres, tmp_path):
    daemon = relaying(postgres)
    words = ["-h", "127.0.0.1", "-p", str(daemon.address("relay")[1]), "-U", "postgres"]
    options = {"cwd": "/"}

    subprocess.run(["pgbench", *words, "-i", "-q", "postgres"], check=True,
                   capture_output=True, **options)
    said = run_over_reloads(
        daemon, ["pgbench", *words, "-c", "8", "-T", "4", "postgres"], **options
    )
    assert "number of failed transactions: 0" in said, said

    table = tmp_path / "table"
    with table.open("w") as file:
        for number in range(400_000):
            file.write(f"{number}\t{number * 7919 % 1000003:0100d}\n")
    script = ["-c", "create table t(number int, text text)", "-c", f"\\copy t from '{table}'",
              "-c", f"\\copy t to '{tmp_path}/back'"]
    run_over_reloads(daemon, ["psql", *words, "-v", "ON_ERROR_STOP=1", *script, "postgres"],
                     **options)
    assert (tmp_path / "back").read_bytes() == table.read_bytes()
