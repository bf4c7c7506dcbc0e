# SPDX-License-Identifier: MIT
"""allow and deny, whom they concern, and what is counted."""

import socket

import pytest
from client import connect, echoes, receive_all
from daemon import PATIENCE, eventually, server


def connect_from(address, source):
    return socket.create_connection(address, timeout=PATIENCE, source_address=(source, 0))


def is_served(address, source):
    with connect_from(address, source) as client:
        try:
            return echoes(client)
        except ConnectionError:
            return False


@pytest.mark.parametrize(
    "rules, welcome, refused",
    [
        ({"deny": "127.1.0.0/16"}, ["127.0.0.1", "127.2.0.1"], ["127.1.0.1", "127.1.255.9"]),
        ({"allow": "127.1.0.0/16, 127.2.0.1"}, ["127.1.0.7", "127.2.0.1"], ["127.2.0.2"]),
        ({"allow": "127.0.0.0/8", "deny": "127.3.0.0/16"}, ["127.0.0.1"], ["127.3.0.1"]),
        ({"deny": "::ffff:127.4.0.0/112"}, ["127.5.0.1"], ["127.4.0.1"]),
    ],
)
def test_an_address_is_welcome_or_refused(prongd, rules, welcome, refused):
    daemon = prongd(server("echo", "echo", **rules))
    address = daemon.address("echo")
    assert [is_served(address, source) for source in welcome] == [True] * len(welcome)
    assert [is_served(address, source) for source in refused] == [False] * len(refused)
    eventually(
        lambda: daemon.server_status("echo")["dropped_list"] == len(refused), "they are counted"
    )
    assert daemon.server_status("echo")["dropped"] == len(refused)
    assert "client refused reason=list server=echo peer=" + refused[0] in daemon.log()


def test_a_rule_for_ipv4_holds_for_clients_of_an_ipv6_address(prongd):
    daemon = prongd(server("echo", "echo", listen="[::]:0", deny="127.0.0.2"))
    address = ("127.0.0.1", daemon.address("echo")[1])
    assert is_served(address, "127.0.0.1")
    assert not is_served(address, "127.0.0.2")


def test_a_unix_client_has_no_address_to_refuse(prongd):
    daemon = prongd(server("echo", "echo", listen="unix:@prong-lists-test", allow="192.0.2.1"))
    with connect(daemon.address("echo")) as client:
        assert echoes(client)


def test_who_is_refused_may_be_reset(prongd):
    daemon = prongd(server("echo", "echo", deny="127.0.0.0/8", excess="reset"))
    with pytest.raises(ConnectionResetError):  # perhaps before connect() has returned
        with connect(daemon.address("echo")) as client:
            client.recv(1)


def test_a_shadow_lets_in_and_tells(prongd):
    daemon = prongd(server("echo", "echo", deny="127.0.0.0/8", max_connections=1, shadow="yes"))
    with connect(daemon.address("echo")) as client:
        assert echoes(client)
    daemon.wait_for_log("client would be refused reason=list server=echo")
    eventually(lambda: daemon.server_status("echo")["shadowed"] == 1, "it is counted")
    assert daemon.server_status("echo")["dropped"] == 0


@pytest.mark.parametrize("enforce, stays", [("new", True), ("established", False)])
def test_a_reload_applies_the_lists_to_whom_the_option_says(prongd, enforce, stays):
    daemon = prongd(server("echo", "echo"))
    address = daemon.address("echo")
    with connect_from(address, "127.0.0.9") as one, connect_from(address, "127.0.0.1") as other:
        assert echoes(one) and echoes(other)
        daemon.write_config(server("echo", "echo", deny="127.0.0.9", enforce=enforce))
        assert daemon.ctl("reload").returncode == 0
        assert echoes(other)
        if stays:
            assert echoes(one)
        else:
            assert receive_all(one) == b""
        assert not is_served(address, "127.0.0.9")
    expelled = 0 if stays else 1
    eventually(lambda: daemon.server_status("echo")["expelled"] == expelled, "it is counted")


def test_metrics_tell_the_reason(prongd):
    daemon = prongd(server("echo", "echo", deny="127.0.0.9"))
    assert not is_served(daemon.address("echo"), "127.0.0.9")
    sample = 'prong_server_drops_total{server="echo",reason="list"} 1'
    eventually(lambda: sample in daemon.ctl("metrics").stdout, "the metric")


def test_what_is_no_subnet_is_a_problem_with_its_line(prongd):
    daemon = prongd(server("echo", "echo"))
    daemon.write_config(server("echo", "echo", deny="10.0.0.0/33"))
    answer = daemon.ctl("reload")
    assert answer.returncode != 0
    assert '"10.0.0.0/33" is no address and no subnet' in answer.stdout + answer.stderr
