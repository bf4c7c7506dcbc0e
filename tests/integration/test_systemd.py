# SPDX-License-Identifier: MIT
"""prongd as a service of the real systemd, in a container that is booted for it."""

import re
import signal

import pytest

from daemon import BUILD, TREE, eventually, server
from descriptors import kinds, of_master, of_worker
from machine import Client, Impossible, Load, Machine

PORT = 7  # which only a capability allows
ECHO = server("echo", "echo", listen=f"127.0.0.1:{PORT}")
UNIT = (BUILD / "systemd/prongd.service").read_text()
PRONGCTL = re.search(r"^ExecReload=(\S+)", UNIT, re.M).group(1)
CONFIG = re.search(r"^ExecStart=\S+ -c (\S+)", UNIT, re.M).group(1)

# LeakSanitizer needs ptrace(2), which the unit forbids.
SANITIZERS = "[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n"


@pytest.fixture(scope="module")
def machine():
    try:
        machine = Machine()
    except Impossible as why:
        pytest.skip(f"no container with systemd: {why}")
    machine.do("systemd-sysusers")
    machine.do("systemd-tmpfiles", "--create")
    yield machine
    machine.close()


class Service:
    def __init__(self, machine):
        self.machine = machine

    def configure(self, sections, file=CONFIG, **options):
        lines = [f"{name} = {value}" for name, value in {"workers": 2, **options}.items()]
        self.machine.write(file, "[prongd]\n" + "\n".join(lines) + "\n\n" + sections)

    def change(self, text, unit="prongd.service"):
        """A drop-in."""
        self.machine.write(f"/etc/systemd/system/{unit}.d/test.conf", text)
        self.machine.do("systemctl", "daemon-reload")

    def systemctl(self, verb, *words, unit="prongd"):
        return self.machine.run("systemctl", verb, *words, unit)

    def start(self, sections=ECHO, **options):
        self.configure(sections, **options)
        self.machine.do("systemctl", "start", "prongd")
        return self

    def show(self, name):
        return self.machine.show("prongd", name)

    def pid(self):
        return int(self.show("MainPID"))

    def status(self, text):
        return eventually(lambda: text in self.show("StatusText"), f"{text!r} in the status")

    def workers(self):
        pid = self.pid()
        children = self.machine.do("cat", f"/proc/{pid}/task/{pid}/children")
        return [int(child) for child in children.split()]

    def processes(self):
        """Where their files below /proc are, seen from outside."""
        return [self.machine.outside(pid) for pid in [self.pid(), *self.workers()]]

    def audit(self):
        """Without clients each process has what it should: see descriptors.py."""
        def found():
            master, *workers = self.processes()
            return [kinds(master), [kinds(worker) for worker in workers]]

        wanted = [of_master(1, 2), [of_worker(1, 2, 0)] * 2]
        eventually(lambda: found() == wanted, f"{found()} is {wanted}")

    def reset(self):
        machine = self.machine
        machine.run("systemctl", "stop", "prongd.socket", "prongd.service", "prongd@chat.service")
        machine.run("systemctl", "reset-failed", "prongd", "prongd@chat")
        machine.run("sh", "-c", "rm -rf /etc/systemd/system/prongd*")
        self.change(SANITIZERS)
        self.change(SANITIZERS, "prongd@.service")


@pytest.fixture
def service(machine):
    service = Service(machine)
    service.reset()
    yield service
    service.reset()


# --- the unit ---


def test_the_units_are_hardened(machine):
    for unit in ("prongd.service", "prongd@chat.service"):
        machine.do("systemd-analyze", "security", "--threshold=15", unit)


def test_the_units_have_no_mistakes(machine):
    assert machine.run("systemd-analyze", "verify", "--man=no", "prongd.service",
                       "prongd@chat.service", "prongd.socket").stderr == ""


# --- start ---


def test_start_returns_when_clients_are_served(machine, service):
    service.start()
    with Client(machine, PORT) as client:
        assert client.echoes()
    assert service.show("StatusText") == "2 workers, 0 connections, generation 1"
    assert machine.ask("stat", "-c", "%U", f"/proc/{service.pid()}") == "prong"


def test_a_shared_handle_wakes_one_worker_in_spite_of_the_restrictions(machine, service):
    service.start()
    with Client(machine, PORT) as client:
        assert client.echoes()
    machine.do("sleep", "1")  # workers have looked whether it does
    assert "watched plainly" not in machine.journal()


def test_a_start_that_fails_is_told_and_not_tried_again(machine, service):
    service.configure(ECHO + "bogus = 1\n")
    assert service.systemctl("start").returncode != 0
    assert service.show("ActiveState") == "failed"
    assert service.show("ExecMainStatus") == "2"
    assert service.show("NRestarts") == "0"
    assert "bogus" in machine.journal()


def test_an_instance_has_a_configuration_of_its_own(machine, service):
    service.start()
    service.configure(server("echo", "echo", listen="127.0.0.1:9"),
                      file=CONFIG.replace("prongd.conf", "chat.conf"),
                      control_socket="/run/prong/chat-control.sock")
    machine.do("systemctl", "start", "prongd@chat")
    machine.do("systemctl", "reload", "prongd@chat")
    machine.do("systemctl", "stop", "prongd")
    with Client(machine, 9) as client:
        assert client.echoes()


def test_a_drop_in_lets_root_start_it_and_workers_be_somebody_else(machine, service):
    service.change(SANITIZERS + (TREE / "systemd/root.conf").read_text())
    service.start(user="daemon", nice=5)
    users = [machine.ask("stat", "-c", "%U", f"/proc/{pid}")
             for pid in [service.pid(), *service.workers()]]
    assert users == ["root", "daemon", "daemon"]
    machine.do("systemctl", "reload", "prongd")
    with Client(machine, PORT) as client:
        assert client.echoes()
    machine.do("systemctl", "stop", "prongd")
    assert service.show("Result") == "success"


# --- reload ---


def test_every_process_has_the_descriptors_that_it_should(machine, service):
    service.start()
    service.audit()
    machine.do("systemctl", "reload", "prongd")
    service.audit()
    service.configure(ECHO + "bogus = 1\n")
    assert service.systemctl("reload").returncode != 0
    service.audit()
    service.configure(ECHO)
    machine.do("systemctl", "restart", "prongd")
    service.audit()
    machine.kill(service.pid(), signal.SIGKILL)
    eventually(lambda: service.show("NRestarts") == "1", "it is restarted")
    eventually(lambda: service.show("ActiveState") == "active", "it serves")
    service.audit()


def test_a_good_reload_moves_the_clients(machine, service):
    service.start()
    with Client(machine, PORT) as client:
        assert client.echoes()
        machine.do("systemctl", "reload", "prongd")
        service.status("generation 2")
        assert client.echoes()
    assert service.show("ActiveState") == "active"


def test_a_bad_reload_fails_with_the_reason_and_changes_nothing(machine, service):
    service.start()
    pid, workers = service.pid(), service.workers()
    with Client(machine, PORT) as client:
        service.configure(ECHO + "bogus = 1\n")
        assert service.systemctl("reload").returncode != 0
        assert "code=exited ; status=2 " in service.show("ExecReload")
        assert service.show("ActiveState") == "active"
        assert re.search(rf"reload refused: {CONFIG}:\d+: .*bogus", service.show("StatusText"))
        assert re.search(rf"{CONFIG}:\d+: .*bogus", machine.journal())
        assert (service.pid(), service.workers()) == (pid, workers)
        assert client.echoes()


def test_an_upgrade_keeps_the_clients_and_the_service(machine, service):
    service.start()
    pid = service.pid()
    with Client(machine, PORT) as client:
        assert client.echoes()
        machine.do(PRONGCTL, "-c", CONFIG, "upgrade")
        service.status("generation 2")
        assert service.pid() == pid
        assert client.echoes()
    machine.do("systemctl", "reload", "prongd")


# --- nobody is refused ---


def assert_served(result, but=()):
    """Everybody; `but`: what may also happen to a connection."""
    unexpected = set(result) - {"served", "seconds", "longest", *but}
    assert not unexpected, result
    assert result["served"] > 100, result


def test_a_restart_under_load_refuses_nobody(machine, service):
    service.start()
    with Load(machine, PORT) as load:
        for _ in range(3):
            pid = service.pid()
            machine.do("systemctl", "restart", "prongd")
            assert service.pid() != pid
    assert_served(load.result)


def test_a_master_that_is_killed_under_load_refuses_nobody(machine, service):
    service.start()
    with Load(machine, PORT) as load:
        for count in range(1, 4):
            pid = service.pid()
            machine.kill(pid, signal.SIGKILL)
            eventually(lambda: service.show("NRestarts") == str(count), "it is restarted")
            eventually(lambda: service.show("ActiveState") == "active", "it serves")
    assert_served(load.result, but={"lost"})  # those in workers that were killed


def test_reloads_under_load_lose_nobody(machine, service):
    service.start()
    with Load(machine, PORT) as load:
        for count in range(5):
            service.configure(ECHO + count % 2 * "bogus = 1\n")
            assert (service.systemctl("reload").returncode == 0) == (count % 2 == 0)
    assert_served(load.result)


def test_unix_sockets_outlive_a_restart(machine, service):
    service.start(server("echo", "echo", listen="unix:/run/prong/echo.sock"))
    before = machine.ask("stat", "-c", "%i", "/run/prong/echo.sock")
    machine.do("systemctl", "restart", "prongd")
    assert machine.ask("stat", "-c", "%i", "/run/prong/echo.sock") == before


# --- socket units ---


def test_a_client_starts_the_service_by_its_socket(machine, service):
    service.change(f"[Socket]\nListenStream=\nListenStream=127.0.0.1:{PORT}\n", "prongd.socket")
    service.configure(server("echo", "echo", listen="systemd:prongd"))
    machine.do("systemctl", "start", "prongd.socket")
    assert service.show("ActiveState") == "inactive"
    with Client(machine, PORT) as client:
        assert client.echoes()
    assert service.show("ActiveState") == "active"
    machine.do("systemctl", "stop", "prongd.service")
    with Client(machine, PORT) as client:
        assert client.echoes()


# --- the watchdog ---


def test_a_service_whose_workers_are_all_stuck_is_restarted(machine, service):
    service.change(SANITIZERS + "WatchdogSec=1\n")
    service.start()
    pid = service.pid()
    for worker in service.workers():
        machine.kill(worker, signal.SIGSTOP)
    eventually(lambda: service.show("NRestarts") == "1", "it is restarted")
    eventually(lambda: service.show("ActiveState") == "active", "it serves")
    assert service.pid() != pid
    with Client(machine, PORT) as client:
        assert client.echoes()


# --- stop ---


def test_a_stop_lets_clients_finish_for_longer_than_systemd_would(machine, service):
    service.change(SANITIZERS + "TimeoutStopSec=1\n")
    service.start(shutdown_timeout="1h")
    with Client(machine, PORT) as client:
        assert client.echoes()
        machine.do("systemctl", "stop", "--no-block", "prongd")
        service.status("Stopping, 1 connection left")
        machine.do("sleep", "2")  # longer than TimeoutStopSec
        assert service.show("ActiveState") == "deactivating"
        assert client.echoes()
    eventually(lambda: service.show("ActiveState") == "inactive", "it has stopped")
    assert service.show("Result") == "success"
