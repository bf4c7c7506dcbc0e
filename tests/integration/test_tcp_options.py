# SPDX-License-Identifier: MIT
"""What the kernel is told of a connection: the options of a server, and what a relay chooses."""

import contextlib
import socket
import subprocess
from pathlib import Path

import pytest

from client import connect, echoes
from daemon import IS_ROOT, PATIENCE, PRONGD, server
from kernel import tcp_socket

TCP = Path("/proc/sys/net/ipv4")
SYSTEM = (TCP / "tcp_congestion_control").read_text().strip()
ALLOWED = (TCP / "tcp_allowed_congestion_control").read_text().split()
OTHER = next((name for name in ALLOWED if name != SYSTEM), None)

needs_other = pytest.mark.skipif(OTHER is None, reason="this kernel has one congestion control only")
needs_root = pytest.mark.skipif(not IS_ROOT, reason="looks into descriptors of other processes")


def congestion_control(one):
    return one.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0").decode()


@contextlib.contextmanager
def served(daemon, name, far_end=None):
    """The daemon's end of a new connection; `far_end`: its end to that port instead."""
    with connect(daemon.address(name)) as client:
        assert echoes(client)
        with tcp_socket(daemon.worker_pids()[0], far_end or client.getsockname()[1]) as one:
            yield one


@pytest.fixture
def echo(prongd):
    def make(**options):
        return prongd(server("echo", "echo", **options), workers=1)
    return make


@pytest.fixture
def relay(prongd):
    """A relay, and the port of its upstream."""
    def make(**options):
        upstream = prongd(server("echo", "echo"), workers=1)
        port = upstream.address("echo")[1]
        daemon = prongd(server("relay", "proxy", upstream=f"127.0.0.1:{port}", **options),
                        workers=1)
        for pid in daemon.worker_pids():
            daemon.descriptors[pid] += 1  # the set of paused sockets stays
        return daemon, port
    return make


@needs_root
def test_a_connection_has_the_options_of_its_server(echo):
    options = {socket.TCP_NODELAY: 1, socket.TCP_KEEPIDLE: 40, socket.TCP_KEEPINTVL: 7,
               socket.TCP_KEEPCNT: 4, socket.TCP_USER_TIMEOUT: 9000}
    daemon = echo(no_delay="yes", keep_alive="yes", keep_alive_idle="40s",
                  keep_alive_interval="7s", keep_alive_count="4", user_timeout="9s")
    with served(daemon, "echo") as one:
        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert {name: one.getsockopt(socket.IPPROTO_TCP, name) for name in options} == options


@needs_root
def test_a_relay_never_holds_small_pieces_back_on_either_side(relay):
    daemon, port = relay()
    for far_end in (None, port):
        with served(daemon, "relay", far_end) as one:
            assert one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


@needs_root
@needs_other
def test_connections_have_the_congestion_control_of_their_server(echo):
    with served(echo(congestion_control=OTHER), "echo") as one:
        assert congestion_control(one) == OTHER


@needs_root
@needs_other
def test_a_reload_changes_the_congestion_control_of_new_connections(echo):
    daemon = echo()
    for options, wanted in (({}, SYSTEM), ({"congestion_control": OTHER}, OTHER), ({}, SYSTEM)):
        daemon.write_config(server("echo", "echo", **options))
        daemon.ctl("reload")
        with served(daemon, "echo") as one:
            assert congestion_control(one) == wanted


@needs_root
@needs_other
def test_upstreams_have_a_congestion_control_of_their_own(relay):
    daemon, port = relay(upstream_congestion_control=OTHER)
    with served(daemon, "relay") as one:
        assert congestion_control(one) == SYSTEM
    with served(daemon, "relay", port) as one:
        assert congestion_control(one) == OTHER


@pytest.mark.parametrize("handler, option", [
    ("echo", "congestion_control"), ("proxy", "upstream_congestion_control")])
def test_a_congestion_control_that_the_kernel_has_not_is_refused(make_daemon, handler, option):
    upstream = {"upstream": "127.0.0.1:9"} if handler == "proxy" else {}
    daemon = make_daemon(server("one", handler, **upstream, **{option: "nonesuch"}))
    result = subprocess.run([PRONGD, "-t", "-c", daemon.config], capture_output=True, text=True,
                            timeout=PATIENCE)
    assert result.returncode == 2
    assert option in result.stderr and "nonesuch" in result.stderr
    assert "net.ipv4.tcp_available_congestion_control" in result.stderr
