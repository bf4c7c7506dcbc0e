# SPDX-License-Identifier: MIT
"""Which upstream the proxy chooses, and what it does when one cannot be had."""

import socket

import pytest

from client import connect, echoes, receive, receive_all
from daemon import PATIENCE, eventually, server
from upstreams import nobody, stay, visit, visits


def test_round_robin_gives_each_its_weight(proxy, named):
    a, b = named("a"), named("b")
    daemon = proxy(f"{a.address} weight=3", b.address, workers=1)
    assert visits(daemon, 40) == {b"a": 30, b"b": 10}


def test_least_connections_evens_out_over_all_workers(proxy, named):
    upstreams = [named(name) for name in "abc"]
    daemon = proxy(*(one.address for one in upstreams), balance="least_connections", workers=3)
    clients, got = stay(daemon, 30)
    assert sum(got.values()) == 30
    assert max(got.values()) - min(got.values()) <= 2
    for client in clients:
        client.close()


def test_a_client_keeps_its_upstream_by_its_address(proxy, named):
    upstreams = [named(name) for name in "abcde"]
    daemon = proxy(*(one.address for one in upstreams), balance="hash_source")
    assert len(visits(daemon, 20)) == 1


def test_random_two_uses_all(proxy, named):
    a, b = named("a"), named("b")
    daemon = proxy(a.address, b.address, balance="random_two")
    clients, got = stay(daemon, 40)
    assert abs(got[b"a"] - got[b"b"]) <= 4  # the less busy one of the two
    for client in clients:
        client.close()


def test_the_next_upstream_is_tried_when_one_refuses(proxy, named):
    a = named("a")
    with nobody() as gone:
        daemon = proxy(gone, a.address)
        assert visits(daemon, 10) == {b"a": 10}
        daemon.wait_for_log(f"upstream is down upstream={gone}")


def test_a_backup_is_used_when_all_others_are_down(proxy, named):
    a, spare = named("a"), named("s")
    daemon = proxy(a.address, f"{spare.address} backup", workers=1, fail_timeout="100ms")
    assert visits(daemon, 5) == {b"a": 5}
    a.close()
    assert visits(daemon, 5) == {b"s": 5}
    again = named("a", port=a.port)
    eventually(lambda: visit(daemon) == b"a", "it is tried again when its time is over")
    daemon.wait_for_log(f"upstream is up upstream={again.address}")


def test_an_upstream_that_is_down_is_left_alone(proxy, named):
    a = named("a")
    with nobody() as gone:
        daemon = proxy(gone, a.address, workers=1, fail_timeout="1h")
        assert visits(daemon, 20) == {b"a": 20}
        assert daemon.log().count("upstream failed") == 1


def test_the_only_upstream_is_tried_even_when_it_is_down(proxy, named):
    with nobody() as gone:
        port = int(gone.rpartition(":")[2])
        daemon = proxy(gone, workers=1, fail_timeout="1h")
        assert visit(daemon) == b""
    named("a", port=port)
    assert visit(daemon) == b"a"


def test_no_upstream_has_more_than_its_limit_over_all_workers(proxy, named):
    a, b = named("a"), named("b")
    daemon = proxy(f"{a.address} max_connections=3", f"{b.address} weight=1", workers=4)
    clients, got = stay(daemon, 30)
    assert got == {b"a": 3, b"b": 27}
    for client in clients:
        client.close()


def test_a_client_waits_for_a_place(proxy, named):
    a = named("a")
    daemon = proxy(f"{a.address} max_connections=1", workers=4)
    first = connect(daemon.address("relay"))
    assert receive(first, 1) == b"a"
    waiting = [connect(daemon.address("relay")) for _ in range(3)]
    first.close()
    a.clients[0].close()
    served = eventually(lambda: [one for one in waiting if has_bytes(one)], "one is served")
    assert len(served) == 1
    for client in waiting:
        client.close()


def has_bytes(client):
    client.setblocking(False)
    try:
        return len(client.recv(1, socket.MSG_PEEK)) == 1
    except BlockingIOError:
        return False


def test_a_client_does_not_wait_forever(proxy, named):
    a = named("a")
    daemon = proxy(f"{a.address} max_connections=1", connect_timeout="200ms")
    with connect(daemon.address("relay")) as first:
        assert receive(first, 1) == b"a"
        assert visit(daemon) == b""


def test_limits_hold_over_a_reload(proxy, named):
    a = named("a")
    daemon = proxy(f"{a.address} max_connections=5", workers=2, connect_timeout="100ms")
    clients, got = stay(daemon, 5)
    assert got == {b"a": 5}
    for generation in (2, 3):
        assert daemon.ctl("reload").returncode == 0
        daemon.wait_for_log(f"reloaded generation={generation}")
        assert visit(daemon) == b""
    clients.pop().close()
    a.clients[4].close()
    eventually(lambda: visit(daemon) == b"a", "a place is free")
    for client in clients:
        client.close()


def test_checks_take_an_upstream_out_and_back(proxy, named):
    a, b = named("a"), named("b")
    daemon = proxy(
        a.address, b.address, workers=1, check_interval="20ms", max_fails=0, check_fall=2
    )
    mark = daemon.log_mark()
    a.close()
    daemon.wait_for_log(f"upstream is down upstream={a.address}", mark)
    assert visits(daemon, 6) == {b"b": 6}
    named("a", port=a.port)
    daemon.wait_for_log(f"upstream is up upstream={a.address}", mark)
    assert visits(daemon, 6) == {b"a": 3, b"b": 3}


def test_a_name_is_looked_up(proxy, named):
    a = named("a")
    daemon = proxy(f"localhost:{a.port}")
    assert visits(daemon, 4) == {b"a": 4}


def test_a_name_that_nobody_knows_is_told(proxy, named):
    a = named("a")
    daemon = proxy("no-such-name.invalid:80", f"{a.address} backup")
    daemon.wait_for_log("upstream is not resolved")
    assert visits(daemon, 4) == {b"a": 4}


def test_a_unix_socket_may_be_the_upstream(proxy, prongd, tmp_path):
    path = tmp_path / "echo.sock"
    prongd(server("echo", "echo", listen=f"unix:{path}"))
    daemon = proxy(f"unix:{path}")
    with connect(daemon.address("relay")) as client:
        assert echoes(client)


def test_connections_come_from_the_address_that_is_told(proxy, named):
    a = named("a")
    daemon = proxy(a.address, connect_from="127.0.0.9")
    assert visit(daemon) == b"a"
    assert a.clients[0].getpeername()[0] == "127.0.0.9"


@pytest.mark.parametrize("version, size", [("v1", None), ("v2", 28)])
def test_the_upstream_is_told_who_the_client_is(proxy, named, version, size):
    a = named("a", greets=False)
    daemon = proxy(a.address, send_proxy=version)
    with connect(daemon.address("relay")) as client:
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        eventually(lambda: a.clients, "it is connected")
        a.clients[0].settimeout(PATIENCE)
        arrived = receive_all(a.clients[0])
        source, destination = client.getsockname(), client.getpeername()
    line = b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\n" % (source[1], destination[1])
    assert arrived.endswith(b"hello")
    assert len(arrived) == (size or len(line)) + 5
    assert version == "v2" or arrived.startswith(line)


def test_a_proxy_passes_on_what_another_told_it(proxy, prongd, named):
    last = prongd(server("echo", "echo", proxy_protocol_from="127.0.0.1"))
    host, port = last.address("echo")
    daemon = proxy(f"{host}:{port}", send_proxy="v2", proxy_protocol_from="127.0.0.1")
    with connect(daemon.address("relay")) as client:
        client.sendall(b"PROXY TCP6 2001:db8::5 2001:db8::6 55 66\r\nthrough both")
        assert receive(client, 12) == b"through both"
    last.wait_for_log("peer=[2001:db8::5]:55")


def test_an_upstream_that_is_drained_gets_no_new_clients(proxy, named):
    a, b = named("a"), named("b")
    daemon = proxy(f"{a.address} weight=9", b.address)
    clients, got = stay(daemon, 10)
    assert got[b"a"] > 0
    answer = daemon.ctl("drain", "relay", a.address)
    assert answer.returncode == 0, answer.stderr
    eventually(lambda: visits(daemon, 20) == {b"b": 20}, "every worker knows")
    for client in clients:
        client.sendall(b"still there")
    assert daemon.ctl("reload").returncode == 0
    assert visits(daemon, 10) == {b"b": 10}  # new workers know, too
    for client in clients:
        client.close()
    assert daemon.ctl("drain", "relay", "192.0.2.1:80").returncode != 0
    assert daemon.ctl("undrain", "relay", a.address).returncode == 0
    eventually(lambda: visit(daemon) == b"a", "it is used again")


def test_the_access_log_says_which_upstream_it_was(make_daemon, named):
    a = named("a")
    daemon = make_daemon("")
    log = daemon.directory / "access"
    daemon.write_config(server("relay", "proxy", upstream=a.address, access_log=log))
    daemon.start()
    assert visit(daemon) == b"a"
    a.clients[0].close()
    line = eventually(lambda: log.exists() and log.read_text(), "the line is written")
    assert f"upstream={a.address} connect_ms=" in line
    for pid in daemon.worker_pids():
        daemon.descriptors[pid] += 1  # the set of paused sockets stays


def counter(daemon, name):
    counters = daemon.server_status("relay")["counters"]
    return next(entry["count"] for entry in counters if entry["counter"] == name)


def test_what_fails_is_counted(proxy):
    with nobody() as gone:
        daemon = proxy(gone, workers=1)
        assert visits(daemon, 3) == {b"": 3}
        eventually(lambda: counter(daemon, "clients_unserved") == 3, "clients are counted")
    assert counter(daemon, "upstream_failures") == 3
    assert counter(daemon, "upstream_downs") == 1


def test_a_proxy_without_an_upstream_is_refused(make_daemon):
    daemon = make_daemon(server("relay", "proxy"))
    daemon.launch()
    assert daemon.wait() != 0
    assert "upstream" in daemon.log()
