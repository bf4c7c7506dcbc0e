# SPDX-License-Identifier: MIT
"""Limits of a relayed pair: who does not read, on either side, and how much waits for it."""

import hashlib
import json
import socket

import pytest

from client import receive_all
from daemon import eventually, server
from test_relay import Upstream, echo_through, fill, pattern_digest, reload
from test_write_limits import connect_without_reading, cuts, is_reset


@pytest.fixture
def upstream():
    """Whose connections have a small window, so that what is not read waits in the worker."""
    one = Upstream()
    one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    yield one
    one.close()


@pytest.fixture
def relay(make_daemon, upstream):
    """Makes daemons of one worker with an access log; `prongd`: options of the daemon."""
    def make(prongd=None, **options):
        daemon = make_daemon("", workers=1)
        section = server("relay", "proxy", upstream=upstream.name, access_format="json",
                         access_log=daemon.directory / "access", **options)
        daemon.write_config(section, **(prongd or {}))
        daemon.start()
        daemon.descriptors[daemon.worker_pids()[0]] += 1  # the set of paused sockets stays
        return daemon
    return make


def pair(daemon, upstream):
    client = connect_without_reading(daemon.address("relay"))
    return client, upstream.accept()


def ends(daemon):
    """Who ended the pairs that are gone, and why."""
    path = daemon.directory / "access"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(line["ended_by"], line["reason"]) for line in map(json.loads, lines)]


def rows(daemon):
    answer = daemon.ctl("connections", "--json")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)["connections"]


# --- write_timeout ---

def test_a_client_that_takes_nothing_ends_its_pair(relay, upstream):
    daemon = relay(write_timeout="1s")
    client, far = pair(daemon, upstream)
    fill(far)
    eventually(lambda: ends(daemon) == [("timeout", "write_timeout")], "its line")
    assert cuts(daemon, "write_timeout") == 1 and cuts(daemon, "write_timeout_upstream") == 0
    assert is_reset(client)


def test_an_upstream_that_takes_nothing_ends_its_pair(relay, upstream):
    """What it has of the upload must not look like all of it."""
    daemon = relay(write_timeout="1s")
    client, far = pair(daemon, upstream)
    fill(client)
    eventually(lambda: ends(daemon) == [("timeout", "write_timeout_upstream")], "its line")
    assert cuts(daemon, "write_timeout_upstream") == 1 and cuts(daemon, "write_timeout") == 0
    assert is_reset(client) and is_reset(far)
    assert ('prong_server_cuts_total{server="relay",reason="write_timeout_upstream"} 1'
            in daemon.ctl("metrics").stdout)


def test_a_pair_of_which_neither_reads_ends_once(relay, upstream):
    daemon = relay(write_timeout="1s")
    client, far = pair(daemon, upstream)
    fill(far)
    fill(client)
    eventually(lambda: len(ends(daemon)) == 1, "its line")
    assert sum(cut["count"] for cut in daemon.status()["cuts"]) == 1
    assert is_reset(client) and is_reset(far)


def test_a_reload_does_not_start_the_time_of_an_upstream_anew(relay, upstream):
    daemon = relay(write_timeout="2s")
    client, far = pair(daemon, upstream)
    fill(client)

    def is_cut():
        reload(daemon)
        return cuts(daemon, "write_timeout_upstream") == 1

    eventually(is_cut, "it is over in spite of all reloads")
    assert is_reset(client) and is_reset(far)


# --- What is cut off ---

def test_an_upload_that_is_cut_off_is_no_end_for_the_upstream(relay, upstream):
    daemon = relay()
    client, far = pair(daemon, upstream)
    fill(client)
    row, = rows(daemon)
    assert daemon.ctl("close", str(row["id"])).returncode == 0
    eventually(lambda: ends(daemon) == [("operator", "close")], "its line")
    assert is_reset(far)
    client.close()


def test_a_download_that_is_cut_off_is_no_end_for_the_client(relay, upstream):
    daemon = relay()
    client, far = pair(daemon, upstream)
    fill(far)
    row, = rows(daemon)
    assert daemon.ctl("close", str(row["id"])).returncode == 0
    assert is_reset(client)
    far.close()


def test_a_download_in_a_pipe_is_no_end_for_the_client_of_a_worker_that_leaves(relay, upstream):
    daemon = relay(on_reload="close")
    client, far = pair(daemon, upstream)
    fill(far)
    reload(daemon)
    assert is_reset(client)
    far.close()


# --- prongctl connections ---

def test_what_waits_for_either_side_is_shown(relay, upstream):
    daemon = relay()
    client, far = pair(daemon, upstream)
    assert echo_through(client, far)
    row, = rows(daemon)
    assert row["queued_bytes"] == row["queued_upstream_bytes"] == 0 and row["state"] == "open"
    fill(client)
    row, = rows(daemon)
    assert row["queued_bytes"] == row["queued_upstream_bytes"] > 0 and row["state"] == "blocked"
    fill(far)
    row, = rows(daemon)
    assert row["queued_bytes"] > row["queued_upstream_bytes"] > 0
    reload(daemon)
    assert rows(daemon)[0]["queued_bytes"] > 0
    for one in client, far:
        one.close()


# --- max_memory ---

@pytest.mark.parametrize("side", ["client", "upstream"])
def test_under_max_memory_the_heaviest_pair_goes(relay, upstream, side):
    daemon = relay(prongd={"max_memory": "64k"}, high_water_mark="1m")
    light, light_far = pair(daemon, upstream)
    heavy, heavy_far = pair(daemon, upstream)
    assert echo_through(light, light_far) and echo_through(heavy, heavy_far)
    try:
        fill(heavy if side == "upstream" else heavy_far)
    except (ConnectionResetError, BrokenPipeError):
        pass
    eventually(lambda: ends(daemon) == [("limit", "max_memory")], "its line")
    assert cuts(daemon, "max_memory") == 1
    assert ("too much waits for its upstream" in daemon.log()) == (side == "upstream")
    assert echo_through(light, light_far)
    for one in light, light_far, heavy, heavy_far:
        one.close()


# --- max_write_queue ---

def test_a_relay_waits_and_is_never_cut_for_its_queue(relay, upstream):
    """A limit below the high water mark, and below what is read at once; little comes at a time, so
    that no pipe is worth it."""
    daemon = relay(max_write_queue="4k")
    client, far = pair(daemon, upstream)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    sent = fill(far)
    assert 0 < rows(daemon)[0]["queued_bytes"] <= 4096
    far.shutdown(socket.SHUT_WR)
    assert hashlib.sha256(receive_all(client)).digest() == pattern_digest(sent)
    assert cuts(daemon, "max_write_queue") == 0
    client.close()
    far.close()
