# SPDX-License-Identifier: MIT
"""What a relay knows of its upstreams: one truth over all workers, and how operators see it."""

import contextlib
import json
import os
import signal
import socket
import time

from client import connect
from daemon import PATIENCE, eventually, server
from upstreams import nobody, stay, visit, visits

WORKERS = 4


def items(daemon):
    """{name: item}"""
    return {item["name"]: item for item in daemon.status()["items"]}


def figure(daemon, upstream, name):
    return items(daemon)[upstream][name]


def wait_for_state(daemon, upstream, state):
    eventually(lambda: items(daemon).get(upstream, {}).get("state") == state, f"it is {state}")


def kill_each_worker(daemon):
    """One after the other, each of them replaced."""
    for pid in daemon.worker_pids():
        os.kill(pid, signal.SIGKILL)
        eventually(lambda pid=pid: pid not in daemon.worker_pids() and daemon.is_ready(),
                   "it is replaced")


# --- One truth ---


def test_one_that_dies_is_tried_no_oftener_than_max_fails_by_all_workers_together(proxy, named):
    a = named("a")
    with nobody() as gone:
        daemon = proxy(gone, a.address, workers=WORKERS, accept="shared", max_fails=3,
                       fail_timeout="1h")
        assert visits(daemon, 60) == {b"a": 60}
        assert figure(daemon, gone, "failures") == 3
        assert figure(daemon, a.address, "connects") == 60
        assert figure(daemon, a.address, "retries") == 3
        log = daemon.log()
    assert log.count(f"upstream failed upstream={gone}") == 3
    assert log.count(f"upstream is down upstream={gone}") == 1


def test_one_client_tries_it_when_its_time_is_over(proxy, named):
    a = named("a")
    with nobody() as gone:
        daemon = proxy(gone, a.address, workers=WORKERS, accept="shared", fail_timeout="500ms")
        started = time.monotonic()
        while figure(daemon, gone, "failures") < 4:
            assert visits(daemon, 8) == {b"a": 8}
            assert time.monotonic() < started + PATIENCE
        passed = time.monotonic() - started
        assert figure(daemon, gone, "failures") <= 1 + passed / 0.5
        assert figure(daemon, gone, "downs") == 1
    named("a", port=int(gone.rpartition(":")[2]))
    daemon.wait_for_log(f"upstream is down upstream={gone}")
    mark = daemon.log_mark()
    eventually(lambda: visit(daemon) and "upstream is up" in daemon.log(mark), "it is up again")
    assert daemon.log(mark).count(f"upstream is up upstream={gone}") == 1
    assert figure(daemon, gone, "state") == "up"


@contextlib.contextmanager
def silence(port):
    """An upstream that answers nobody: its queue is full."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        waiting = []
        for _ in range(4):  # more than a queue of length 0 takes
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(("127.0.0.1", port))
        yield
        for client in waiting:
            client.close()


def test_a_trial_whose_worker_is_killed_is_followed_by_another(proxy, named):
    a = named("a")
    with nobody() as gone:
        daemon = proxy(f"{gone} weight=9", f"{a.address} backup", workers=WORKERS,
                       fail_timeout="300ms", try_timeout="2s")
        assert visit(daemon) == b"a"
        port = int(gone.rpartition(":")[2])
    with silence(port):
        clients = []

        def is_tried():
            clients.append(connect(daemon.address("relay")))
            return figure(daemon, gone, "state") == "trial"

        eventually(is_tried, "a client tries it, and has no answer")
        kill_each_worker(daemon)
        for client in clients:
            client.close()
    again = named("b", port=port)
    eventually(lambda: visit(daemon) == b"b", "another client tries it")
    assert figure(daemon, again.address, "state") == "up"


# --- Checks ---


def checks_at(upstream):
    return len(upstream.clients)


def wait_for_checks(upstream, count):
    before = checks_at(upstream)
    eventually(lambda: checks_at(upstream) >= before + count, "checks go on")


def assert_one_check_in_an_interval(daemon, upstream, interval_s):
    started = time.monotonic()
    before, seen_before = figure(daemon, upstream.address, "checks"), checks_at(upstream)
    wait_for_checks(upstream, 10)
    checks, seen = figure(daemon, upstream.address, "checks") - before, checks_at(upstream)
    most = (time.monotonic() - started) / interval_s + 2
    assert checks <= most
    assert seen - seen_before <= 1.5 * most  # they may come to it late


def test_there_is_one_check_in_an_interval_over_all_workers(proxy, named):
    a = named("a")
    daemon = proxy(a.address, workers=WORKERS, check_interval="100ms")
    wait_for_checks(a, 2)
    assert_one_check_in_an_interval(daemon, a, 0.1)
    assert figure(daemon, a.address, "checks") >= 10
    assert figure(daemon, a.address, "check_failures") == 0


def test_workers_that_stay_after_a_reload_leave_checks_to_the_new_ones(proxy, named):
    a = named("a", greets=False)
    options = {"workers": 2, "check_interval": "100ms", "on_reload": "drain"}
    daemon = proxy(a.address, **options)
    old = set(daemon.worker_pids())
    clients = [connect(daemon.address("relay")) for _ in range(8)]
    eventually(lambda: figure(daemon, a.address, "connects") == 8, "they are connected")
    assert daemon.ctl("reload", "--no-wait").returncode == 0
    eventually(lambda: set(daemon.worker_pids()) - old, "there are new ones")
    assert_one_check_in_an_interval(daemon, a, 0.1)
    assert set(daemon.worker_pids()) & old
    for pid in set(daemon.worker_pids()) & old:
        os.kill(pid, signal.SIGSTOP)  # they have no lease that would have to be taken from them
    wait_for_checks(a, 4)
    for pid in set(daemon.worker_pids()) & old:
        os.kill(pid, signal.SIGCONT)
    for client in clients + a.clients:
        client.close()
    eventually(lambda: not set(daemon.worker_pids()) & old, "the old ones are gone")


def test_checks_go_on_whichever_worker_is_killed(proxy, named):
    a = named("a")
    daemon = proxy(a.address, workers=2, check_interval="50ms")
    wait_for_checks(a, 2)
    for pid in daemon.worker_pids():
        os.kill(pid, signal.SIGKILL)
        wait_for_checks(a, 3)
        eventually(daemon.is_ready, "it is replaced")


def test_checks_go_on_whichever_worker_is_stopped(proxy, named):
    a = named("a")
    daemon = proxy(a.address, workers=2, check_interval="50ms")
    wait_for_checks(a, 2)
    for pid in daemon.worker_pids():
        os.kill(pid, signal.SIGSTOP)
        wait_for_checks(a, 3)
        os.kill(pid, signal.SIGCONT)
    wait_for_checks(a, 3)


def test_checks_are_for_all_workers_also_after_a_reload(proxy, named):
    a, b = named("a"), named("b")
    daemon = proxy(a.address, b.address, workers=WORKERS, accept="shared", check_interval="50ms",
                   max_fails=0, check_fall=2)
    mark = daemon.log_mark()
    a.close()
    wait_for_state(daemon, a.address, "check failed")
    assert visits(daemon, 20) == {b"b": 20}
    assert daemon.ctl("reload").returncode == 0
    assert visits(daemon, 20) == {b"b": 20}
    named("a", port=a.port)
    wait_for_state(daemon, a.address, "up")
    assert b"a" in visits(daemon, 20)
    assert daemon.log(mark).count(f"upstream is down upstream={a.address} found_by=checks") == 1
    assert daemon.log(mark).count(f"upstream is up upstream={a.address}") == 1


def test_who_has_no_checks_any_more_does_not_believe_old_ones(proxy, named):
    a, b = named("a"), named("b")
    daemon = proxy(a.address, b.address, check_interval="50ms", max_fails=0, check_fall=1)
    a.close()
    wait_for_state(daemon, a.address, "check failed")
    named("a", port=a.port)
    daemon.write_config(server("relay", "proxy", upstream=f"{a.address}, {b.address}"))
    assert daemon.ctl("reload").returncode == 0
    eventually(lambda: visit(daemon) == b"a", "it is used again")


# --- What outlives what ---


def test_what_is_known_outlives_reloads_and_workers(proxy, named):
    a = named("a")
    with nobody() as gone:
        daemon = proxy(gone, a.address, fail_timeout="1h")
        assert visits(daemon, 10) == {b"a": 10}
        assert daemon.ctl("reload").returncode == 0
        assert visits(daemon, 10) == {b"a": 10}
        kill_each_worker(daemon)
        assert visits(daemon, 10) == {b"a": 10}
        assert figure(daemon, gone, "failures") == 1
        assert figure(daemon, gone, "state") == "down"
        assert figure(daemon, a.address, "connects") == 30


def test_what_is_known_outlives_the_program(proxy, named):
    a = named("a")
    with nobody() as gone:
        daemon = proxy(gone, a.address, fail_timeout="1h")
        assert visits(daemon, 10) == {b"a": 10}
        clients, _ = stay(daemon, 4)
        assert daemon.ctl("upgrade").returncode == 0
        assert visits(daemon, 10) == {b"a": 10}
        assert figure(daemon, gone, "failures") == 1
        assert figure(daemon, a.address, "connects") == 24
        assert figure(daemon, a.address, "connections") >= 4
        for client in clients:
            client.close()


def test_connections_of_killed_workers_are_not_there_any_more(proxy, named):
    a = named("a")
    daemon = proxy(a.address, workers=2)
    clients, _ = stay(daemon, 10)
    assert figure(daemon, a.address, "connections") == 10
    assert daemon.ctl("reload").returncode == 0
    assert figure(daemon, a.address, "connections") == 10  # they have moved
    kill_each_worker(daemon)
    eventually(lambda: figure(daemon, a.address, "connections") == 0, "they are gone")
    assert figure(daemon, a.address, "connects") == 10
    for client in clients:
        client.close()


def test_one_that_a_reload_leaves_out_is_retired_until_its_last_connection_ends(proxy, named):
    a, b = named("a"), named("b")
    daemon = proxy(a.address, b.address)
    clients, got = stay(daemon, 4)
    assert got[b"a"] > 0
    daemon.write_config(server("relay", "proxy", upstream=b.address))
    assert daemon.ctl("reload").returncode == 0
    wait_for_state(daemon, a.address, "retired")
    assert figure(daemon, a.address, "connections") == got[b"a"]
    for client in clients + a.clients:
        client.close()
    eventually(lambda: a.address not in items(daemon), "nobody has it any more")
    assert figure(daemon, b.address, "state") == "up"


# --- Who sees it ---


def test_operators_see_each_upstream(proxy, named):
    a = named("a")
    with nobody() as gone:
        daemon = proxy(f"{gone} weight=3", f"localhost:{a.port} backup", fail_timeout="1h")
        eventually(lambda: visit(daemon) == b"a", "the name is known")
        down = items(daemon)[gone]
        assert (down["server"], down["kind"]) == ("relay", "upstream")
        assert (down["state"], down["is_well"], down["weight"]) == ("down", False, 3)
        assert down["reason"] == "Connection refused" and 0 <= down["since_s"] < PATIENCE
        well = next(item for item in items(daemon).values() if item["name"].endswith(f":{a.port}")
                    and item["connects"] > 0)
        assert (well["origin"], well["backup"], well["state"]) == (f"localhost:{a.port}", 1, "up")
        assert well["connect_us"] > 0

        table = daemon.ctl("servers", "--interval", "0").stdout
        line = next(line for line in table.splitlines() if gone in line)
        assert "down" in line and "Connection refused" in line
        shown = json.loads(daemon.ctl("servers", "--interval", "0", "--json").stdout)
        assert gone in {item["name"] for item in shown["items"]}

        assert gone in daemon.ctl("top", "--once", "--interval", "100ms").stdout

        metrics = daemon.ctl("metrics").stdout
        assert f'prong_upstream_up{{server="relay",upstream="{gone}"}} 0' in metrics
        assert f'prong_upstream_failures_total{{server="relay",upstream="{gone}"}} 1' in metrics
        assert f'prong_upstream_weight{{server="relay",upstream="{gone}"}} 3' in metrics


def test_one_that_is_drained_is_shown_so(proxy, named):
    a, b = named("a"), named("b")
    daemon = proxy(a.address, b.address)
    assert daemon.ctl("drain", "relay", a.address).returncode == 0
    wait_for_state(daemon, a.address, "drained")
    assert figure(daemon, a.address, "health") == "up"
    assert daemon.ctl("reload").returncode == 0
    wait_for_state(daemon, a.address, "drained")
    assert daemon.ctl("undrain", "relay", a.address).returncode == 0
    wait_for_state(daemon, a.address, "up")


def findings(daemon):
    return [finding for finding in
            json.loads(daemon.ctl("doctor", "--json").stdout)["findings"]
            if finding["check"] == "items"]


def test_the_doctor_tells_of_one_that_is_down_and_of_a_server_that_has_none(proxy, named):
    a = named("a")
    with nobody() as gone:
        daemon = proxy(gone, a.address, max_fails=1, fail_timeout="1h")
        assert findings(daemon) == []
        assert visits(daemon, 4) == {b"a": 4}
        (found,) = findings(daemon)
        assert found["severity"] == "warning"
        assert gone in found["what"] and "Connection refused" in found["what"]
        a.close()
        assert visit(daemon) == b""
        (found,) = findings(daemon)
        assert found["severity"] == "problem" and "relay" in found["what"]
