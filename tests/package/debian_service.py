# SPDX-License-Identifier: MIT
"""The life of the package prong on a machine with the real systemd: a container with packages of this
version and of the next one.  Each test begins without the package, as it is after a purge."""

import json
import re
import subprocess

import pytest

from daemon import eventually, server
from machine import Client, Impossible, Machine
from steady import SteadyLoad

PORT = 7007  # of the configuration that is installed
CONFIG = "/etc/prong/prongd.conf"
ECHO = server("echo", "echo", listen=f"127.0.0.1:{PORT}")
PACKAGES = ("libprong0", "prong")
OURS = re.compile(r"^(libprong|prong)")

# Written by the system as it goes.
FOREIGN = re.compile(r"^/(proc|sys|dev|run|tmp|packages|var/(log/journal|lib/dpkg|lib/systemd|cache|tmp))/|"
                     r"^/etc/(ld\.so\.cache|passwd-?|group-?|g?shadow-?|\.pwd\.lock|machine-id)$|"
                     r"^/var/log/(dpkg|alternatives)\.log$|^/var/lib/logrotate/")


def needed(packages):
    """The packages of Debian that ours depend on."""
    every = ", ".join(packages.field(name, "Depends") for name in PACKAGES)
    names = {item.split()[0] for item in every.split(", ") if "|" not in item}
    return sorted(name for name in names if not OURS.match(name))


@pytest.fixture(scope="module")
def machine(packages, next_packages):
    def fill(root):
        for built in (packages, next_packages):
            directory = root / "packages" / built.version
            directory.mkdir(parents=True)
            for name in PACKAGES:
                subprocess.run(["cp", built.file(name), directory], check=True)

    try:
        machine = Machine([*needed(packages), "logrotate"], fill)
    except Impossible as why:
        pytest.skip(f"no container with systemd: {why}")
    yield machine
    machine.close()


class Host:
    """The machine, as its administrator sees it."""

    def __init__(self, machine, old, new):
        self.machine = machine
        self.do = machine.do
        self.old, self.new = old.version, new.version

    def install(self, version, *options):
        """What dpkg and the package's scripts said."""
        done = self.machine.run("sh", "-c", f"dpkg {' '.join(options)} -i /packages/{version}/*.deb")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def purge(self):
        self.machine.run("dpkg", "--purge", "prong", "libprong0")
        self.machine.run("sh", "-c", "rm -rf /etc/systemd/system/prongd* /etc/prong")

    def running(self, config=CONFIG):
        """The version of the program that runs."""
        return json.loads(self.do("prongctl", "-c", config, "--json", "version"))["version"]

    def pid(self, unit="prongd"):
        return int(self.machine.show(unit, "MainPID"))

    def state(self, unit="prongd"):
        return self.machine.show(unit, "ActiveState")

    def is_enabled(self):
        return self.machine.ask("systemctl", "is-enabled", "prongd")

    def files(self):
        found = self.do("find", "/", "-xdev", "-not", "-type", "d").splitlines()
        return {file for file in found if not FOREIGN.search(file)}


@pytest.fixture
def host(machine, packages, next_packages):
    host = Host(machine, packages, next_packages)
    host.purge()
    yield host
    host.purge()


# --- installation ---


def test_after_the_installation_it_serves_and_will_after_a_boot(machine, host):
    host.install(host.old)
    with Client(machine, PORT) as client:
        assert client.echoes()
    assert host.is_enabled() == "enabled"
    assert machine.ask("stat", "-c", "%U", f"/proc/{host.pid()}") == "prong"


def test_the_next_installation_respects_who_stopped_or_disabled_it(machine, host):
    host.install(host.old)
    host.do("systemctl", "disable", "--now", "prongd")
    host.install(host.new)
    assert (host.is_enabled(), host.state()) == ("disabled", "inactive")


# --- the upgrade ---


def test_an_upgrade_under_load_loses_no_connection_and_no_byte(machine, host):
    host.install(host.old)
    pid = host.pid()
    with SteadyLoad([("127.0.0.1", PORT)], through=machine.network(), connections=300, streams=30,
                    shorts=2, seed=8) as load:
        load.opened.assert_flawless()
        load.command("go")
        said = host.install(host.new)
        load.command("rest").assert_flawless()
        load.command("check").assert_flawless()
    assert "prongd.service runs the new program" in said
    assert (host.pid(), host.running()) == (pid, host.new)


def test_every_instance_is_upgraded(machine, host):
    host.install(host.old)
    machine.write("/etc/prong/chat.conf", "[prongd]\ncontrol_socket = /run/prong/chat.sock\n\n"
                  + server("echo", "echo", listen="127.0.0.1:9"))
    host.do("systemctl", "start", "prongd@chat")
    with Client(machine, PORT) as first, Client(machine, 9) as second:
        host.install(host.new)
        assert first.echoes() and second.echoes()
    assert (host.running(), host.running("/etc/prong/chat.conf")) == (host.new, host.new)


def test_who_cannot_become_the_new_program_serves_on_until_it_can(machine, host):
    host.install(host.old)
    with Client(machine, PORT) as client:
        machine.write(CONFIG, ECHO + "bogus = 1\n")
        said = host.install(host.new, "--force-confold")
        assert re.search(rf"{CONFIG}:\d+: .*bogus", said)
        assert "prongd.service still runs the program from before" in said
        assert "systemctl restart prongd.service" in said
        assert (host.running(), client.echoes()) == (host.old, True)

        machine.write(CONFIG, ECHO)
        host.do("/usr/libexec/prong/upgrade-running")
        assert (host.running(), client.echoes()) == (host.new, True)


def test_an_administrator_may_forbid_that_packages_touch_services(machine, host):
    host.install(host.old)
    machine.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")
    host.do("chmod", "+x", "/usr/sbin/policy-rc.d")
    try:
        said = host.install(host.new)
    finally:
        host.do("rm", "/usr/sbin/policy-rc.d")
    assert "policy-rc.d forbids" in said
    assert host.running() == host.old


# --- the operator's files ---


def test_the_operators_configuration_is_kept_until_the_purge(machine, host):
    host.install(host.old)
    mine = ECHO + "timeout = 77s\n"
    machine.write(CONFIG, mine)
    host.install(host.new, "--force-confold")
    assert machine.do("cat", CONFIG) == mine
    host.do("dpkg", "--remove", "prong")
    assert machine.do("cat", CONFIG) == mine
    host.do("dpkg", "--purge", "prong")
    assert machine.run("ls", CONFIG).returncode != 0


def test_logs_are_rotated_and_written_on(machine, host):
    log = "/var/log/prong/prongd.log"
    host.install(host.old)
    machine.write(CONFIG, f"[prongd]\nlog_target = {log}\n\n" + ECHO)
    host.do("systemctl", "restart", "prongd")
    before = machine.do("cat", log)
    host.do("logrotate", "--force", "/etc/logrotate.d/prong")
    assert machine.do("cat", log + ".1").startswith(before)
    host.do("systemctl", "reload", "prongd")
    eventually(lambda: "reload" in machine.ask("cat", log), "the new file has what is new")


# --- removal ---


def test_removed_it_does_not_run_and_purged_nothing_is_left(machine, host):
    before = host.files()
    host.install(host.old)
    machine.write("/etc/prong/chat.conf", "[prongd]\ncontrol_socket = /run/prong/chat.sock\n\n"
                  + server("echo", "echo", listen="127.0.0.1:9"))
    host.do("systemctl", "start", "prongd@chat")
    host.do("dpkg", "--remove", "prong")
    assert (host.state(), host.state("prongd@chat")) == ("inactive", "inactive")
    assert machine.ask("sh", "-c", "grep -lx prongd /proc/[0-9]*/comm") == ""
    host.do("dpkg", "--purge", "prong", "libprong0")
    assert host.files() - before == {"/etc/prong/chat.conf"}  # which the package did not bring
