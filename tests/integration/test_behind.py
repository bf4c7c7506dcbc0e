# SPDX-License-Identifier: MIT
"""conf/examples: prongds behind HAProxy, as the example has it; and the other examples, as far as one
machine can tell: their syntax, and that what they ask of prongd is there."""

import re
import shutil
import socket
import subprocess
import threading
import urllib.request

import pytest
import yaml

from client import echoes
from daemon import IS_ROOT, PATIENCE, PRONGD, TREE, eventually, server
from ports import hold_port

EXAMPLES = TREE / "conf/examples"


# --- HAProxy ---


class Load(threading.Thread):
    """One connection after the other, until it is ended."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.ends = port, threading.Event()
        self.served, self.lost = 0, []
        self.start()

    def run(self):
        while not self.ends.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as client:
                    good = echoes(client)
            except OSError as problem:
                good = problem
            if good is True:
                self.served += 1
            else:
                self.lost.append(good)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.join(2 * PATIENCE)


class Behind:
    """Two prongds, and the HAProxy of the example in front of them."""

    def __init__(self, prongd, directory):
        self.metrics = [hold_port(), hold_port()]
        self.prongds = [prongd(server("chat", "echo", proxy_protocol_from="127.0.0.1"),
                               metrics_listen=f"127.0.0.1:{port}", shutdown_timeout="20s")
                        for port in self.metrics]
        self.port = hold_port()
        file = directory / "haproxy.cfg"
        file.write_text(self.configure((EXAMPLES / "haproxy.cfg").read_text()))
        self.process = subprocess.Popen(["haproxy", "-db", "-f", file])

    def configure(self, text):
        """The example, with addresses of this machine, and checks that do not take seconds."""
        text = text.replace("bind :7000", f"bind 127.0.0.1:{self.port}")
        text = text.replace("maxconn 20000", "maxconn 500").replace("inter 1s", "inter 100ms")
        for number, name in enumerate(("10.0.0.11", "10.0.0.12")):
            host, port = self.prongds[number].address("chat")
            text = text.replace(f"{name}:7000 check port 9113",
                                f"{host}:{port} check port {self.metrics[number]}")
        return text

    def serves(self):
        assert self.process.poll() is None, "HAProxy has ended"
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as client:
                return echoes(client)
        except OSError:
            return False

    def is_ready(self, number):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics[number]}/readyz",
                                        timeout=PATIENCE) as answer:
                return answer.status == 200
        except OSError:
            return False

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


@pytest.fixture
def behind(prongd, tmp_path):
    if shutil.which("haproxy") is None:
        pytest.skip("haproxy is not installed")
    behind = Behind(prongd, tmp_path)
    try:
        eventually(behind.serves, "HAProxy has found them")
        yield behind
    finally:
        behind.close()


def test_clients_reach_both_prongds_with_their_own_address(behind):
    with Load(behind.port) as load:
        eventually(lambda: all(one.server_status("chat")["accepted"] > 5
                               for one in behind.prongds), "both have clients")
    assert load.lost == []


def test_a_prongd_that_is_stopped_loses_no_client(behind):
    with socket.create_connection(("127.0.0.1", behind.port), timeout=PATIENCE) as stays:
        assert echoes(stays)
        holder = eventually(lambda: next((one for one in behind.prongds if one.connections() > 0),
                                         None), "one of them has the client")
        with Load(behind.port) as load:
            eventually(lambda: load.served > 20, "there is a load")
            stop = subprocess.Popen([PRONGD.parent / "prongctl", "-c", holder.config, "stop"])
            number = behind.prongds.index(holder)
            eventually(lambda: not behind.is_ready(number), "it is not ready any more")
            assert echoes(stays)  # it may finish
            served = load.served
            eventually(lambda: load.served > served + 20, "the other one serves")
        assert load.lost == []
        stays.close()
        assert stop.wait(2 * PATIENCE) == 0 and holder.wait() == 0


def test_haproxy_finds_no_mistake_in_the_example():
    if shutil.which("haproxy") is None:
        pytest.skip("haproxy is not installed")
    subprocess.run(["haproxy", "-c", "-f", EXAMPLES / "haproxy.cfg"], check=True,
                   stdout=subprocess.DEVNULL)


# --- keepalived ---


def test_keepalived_finds_no_mistake_in_the_example():
    """In a network of its own, which has the interface that the example names."""
    if shutil.which("keepalived") is None or not IS_ROOT:
        pytest.skip("keepalived is not installed, or this is not root")
    file = EXAMPLES / "keepalived.conf"
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c",
         f"ip link add eth0 type veth peer name eth1 && ip link set eth0 up && keepalived -t -f {file}"],
        capture_output=True, text=True)
    if "Unknown device type" in done.stderr or "Operation not" in done.stderr:
        pytest.skip(f"no interface can be made: {done.stderr}")
    assert done.returncode == 0, done.stdout + done.stderr
    text = file.read_text()
    assert text.count("path /readyz") == text.count("    real_server ") == 2


# --- Kubernetes ---


@pytest.fixture(scope="module")
def objects():
    return {item["kind"]: item
            for item in yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text())}


def test_the_configuration_of_the_pods_is_good_and_its_ports_are_those_of_the_probes(objects,
                                                                                     tmp_path):
    text = objects["ConfigMap"]["data"]["prongd.conf"]
    (tmp_path / "prongd.conf").write_text(
        text.replace("[prongd]\n", f"[prongd]\ncontrol_socket = {tmp_path}/control\n"))
    subprocess.run([PRONGD, "-c", tmp_path / "prongd.conf", "-T"], check=True,
                   stdout=subprocess.DEVNULL)
    container = objects["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert f"metrics_listen = *:{ports['metrics']}" in text
    assert f"listen = *:{ports['chat']}" in text
    assert objects["Service"]["spec"]["ports"][0]["targetPort"] in ports
    for probe in ("readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in ports


def test_a_pod_has_the_time_that_its_connections_have(objects):
    spec = objects["Deployment"]["spec"]["template"]["spec"]
    minutes = re.search(r"shutdown_timeout = (\d+)m", objects["ConfigMap"]["data"]["prongd.conf"])[1]
    waits = int(spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert spec["terminationGracePeriodSeconds"] > 60 * int(minutes) + waits
    assert objects["Deployment"]["spec"]["selector"]["matchLabels"] == \
        objects["Deployment"]["spec"]["template"]["metadata"]["labels"]


def test_the_probes_ask_for_what_prongd_answers(objects, prongd):
    port = hold_port()
    prongd(server("chat", "echo"), metrics_listen=f"127.0.0.1:{port}")
    container = objects["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    for probe in ("readinessProbe", "livenessProbe"):
        path = container[probe]["httpGet"]["path"]

        def answers(path=path):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
                    return answer.status == 200
            except OSError:
                return False

        eventually(answers, f"{path} answers")
