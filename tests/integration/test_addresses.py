# SPDX-License-Identifier: MIT
"""Where a server can listen."""

import grp
import os
import pwd
import socket
import stat

import pytest

from client import connect, echoes, is_refused
from daemon import IS_ROOT, server


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def serves(address):
    with connect(address) as client:
        return echoes(client)


def test_port_0_is_resolved_and_shared_by_all_workers(prongd):
    host, port = prongd(server("echo", "echo"), workers=3).address("echo")
    assert host == "127.0.0.1" and port > 0
    assert all(serves((host, port)) for _ in range(20))


@needs_ipv6
def test_ipv6(prongd):
    host, port = prongd(server("echo", "echo", listen="[::1]:0")).address("echo")
    assert host == "::1"
    assert serves((host, port))
    assert is_refused(("127.0.0.1", port))


@needs_ipv6
def test_a_star_means_ipv6_and_ipv4(prongd):
    _, port = prongd(server("echo", "echo", listen="*:0")).address("echo")
    assert serves(("127.0.0.1", port))
    assert serves(("::1", port))


@needs_ipv6
def test_ipv6_only_leaves_ipv4_out(prongd):
    daemon = prongd(server("echo", "echo", listen="[::]:0", ipv6_only="yes"))
    _, port = daemon.address("echo")
    assert serves(("::1", port))
    assert is_refused(("127.0.0.1", port))


def test_a_unix_socket_has_its_mode_and_is_removed_at_the_end(make_daemon):
    daemon = make_daemon("")
    path = daemon.directory / "echo.sock"
    daemon.write_config(server("echo", "echo", listen=f"unix:{path}", socket_mode="0640"))
    daemon.start()
    assert daemon.address("echo") == str(path)
    assert serves(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert daemon.stop() == 0
    assert not path.exists()


@pytest.mark.skipif(not IS_ROOT, reason="only root may give files away")
def test_a_unix_socket_has_its_owner_and_group(make_daemon):
    daemon = make_daemon("")
    path = daemon.directory / "echo.sock"
    daemon.write_config(server("echo", "echo", listen=f"unix:{path}",
                               socket_owner="daemon", socket_group="nogroup"))
    daemon.start()
    assert path.stat().st_uid == pwd.getpwnam("daemon").pw_uid
    assert path.stat().st_gid == grp.getgrnam("nogroup").gr_gid


def test_an_abstract_name(prongd):
    name = f"@prong-test-{os.getpid()}"
    daemon = prongd(server("echo", "echo", listen=f"unix:{name}"))
    assert daemon.address("echo") == name
    assert serves(name)


def test_a_socket_file_that_nobody_serves_is_replaced(make_daemon):
    daemon = make_daemon("")
    path = daemon.directory / "echo.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    daemon.write_config(server("echo", "echo", listen=f"unix:{path}"))
    daemon.start()
    assert serves(str(path))


def test_a_socket_file_that_somebody_serves_is_left_alone(make_daemon):
    daemon = make_daemon("")
    path = daemon.directory / "echo.sock"
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(path))
        alive.listen()
        daemon.write_config(server("echo", "echo", listen=f"unix:{path}"))
        assert daemon.launch().wait() == 1
        assert str(path) in daemon.log()
        assert path.is_socket()
        connect(str(path)).close()
    path.unlink()


def test_many_addresses_of_one_server(prongd):
    daemon = prongd(server("echo", "echo", listen="127.0.0.1:0, 127.0.0.1:0,\n    127.0.0.1:0"))
    addresses = daemon.addresses("echo")
    assert len(set(addresses)) == 3
    assert all(serves(address) for address in addresses)
