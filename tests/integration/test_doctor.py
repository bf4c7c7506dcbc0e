# SPDX-License-Identifier: MIT
"""prongctl doctor: each check finds what is wrong, and nothing where nothing is."""

import json
import os

import pytest

from client import connect
from daemon import PRONGD, eventually, server

LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max core file size        {core:<20} unlimited            bytes
Max open files            {files:<20} 1048576              files
"""

# What a machine has on which nothing is to be found.
KERNEL = {
    "net/core/somaxconn": "4096",
    "net/ipv4/ip_local_port_range": "61000\t61010",
    "net/ipv4/tcp_abort_on_overflow": "0",
    "net/ipv4/tcp_syncookies": "1",
    "net/ipv4/tcp_max_syn_backlog": "1024",
    "net/ipv4/tcp_retries2": "15",
    "net/netfilter/nf_conntrack_max": "262144",
    "fs/pipe-user-pages-soft": "0",
}


class Patient:
    """A daemon, and a root in which its /proc is as a test wants it."""

    def __init__(self, daemon, root):
        self.daemon, self.root = daemon, root
        os.chmod(daemon.directory, 0o755)
        os.chmod(daemon.config, 0o600)
        for name, value in KERNEL.items():
            self.set(name, value)
        status = daemon.status()
        self.pids = [status["master"]["pid"]] + [w["pid"] for w in status["workers"]]
        self.limit()
        (root / f"proc/{self.pids[0]}/exe").symlink_to(PRONGD)

    def set(self, name, value):
        file = self.root / "proc/sys" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")

    def limit(self, core="unlimited", files=65536):
        for pid in self.pids:
            file = self.root / f"proc/{pid}/limits"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(LIMITS.format(core=core, files=files))

    def examine(self):
        """{check: [finding]}"""
        done = self.daemon.ctl("--json", "doctor", f"--root={self.root}")
        findings = json.loads(done.stdout)["findings"]
        worst = max([0] + [["note", "warning", "problem"].index(f["severity"]) for f in findings])
        assert done.returncode == worst, (done.returncode, findings)
        assert all(f["what"] and f["advice"].endswith(".") for f in findings)
        return {check: [f for f in findings if f["check"] == check]
                for check in {f["check"] for f in findings}}


@pytest.fixture
def patient(prongd, tmp_path):
    def patient(**options):
        return Patient(prongd(server("one", "echo", **{"max_connections": 1000, **options})),
                       tmp_path)

    return patient


def test_nothing_is_found_where_nothing_is_wrong(patient):
    assert patient().examine() == {}


@pytest.mark.parametrize("name, value, check", [
    ("net/core/somaxconn", 128, "backlog"),
    ("net/ipv4/ip_local_port_range", "1024\t65535", "ports"),
    ("net/ipv4/tcp_abort_on_overflow", 1, "kernel"),
    ("net/ipv4/tcp_syncookies", 0, "kernel"),
    ("net/ipv4/tcp_max_syn_backlog", 128, "kernel"),
    ("net/ipv4/tcp_retries2", 2, "kernel"),
    ("net/netfilter/nf_conntrack_max", 500, "kernel"),
])
def test_a_setting_of_the_kernel_is_found(patient, name, value, check):
    one = patient()
    one.set(name, value)
    found = one.examine()
    assert list(found) == [check] and len(found[check]) == 1
    assert str(value).split("\t", maxsplit=1)[0] in found[check][0]["what"]


def test_too_few_descriptors_are_found(patient):
    one = patient()
    one.limit(files=1000)
    found = one.examine()
    assert list(found) == ["descriptors"]
    assert "may open 1000 files" in found["descriptors"][0]["what"]
    assert "rlimit_nofile" in found["descriptors"][0]["advice"]


def test_missing_core_files_are_a_note(patient):
    one = patient()
    one.limit(core=0)
    assert [f["severity"] for f in one.examine()["core"]] == ["note"]


def test_a_file_that_others_may_write_is_found(patient):
    one = patient()
    os.chmod(one.daemon.config, 0o666)
    found = one.examine()
    assert list(found) == ["files"]
    assert "may write the configuration" in found["files"][0]["what"]
    os.chmod(one.daemon.config, 0o600)
    os.chmod(one.daemon.control, 0o666)
    assert "control socket" in one.examine()["files"][0]["what"]


def test_a_module_that_others_may_write_is_a_problem(make_daemon, tmp_path):
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "chat.so").touch()
    os.chmod(modules / "chat.so", 0o666)
    daemon = make_daemon(server("one", "echo", max_connections=10), module_directory=modules)
    daemon.start()
    (found,) = Patient(daemon, tmp_path).examine()["files"]
    assert found["severity"] == "problem" and "chat.so" in found["what"]


def test_a_file_that_differs_from_what_runs_is_a_note(patient):
    one = patient()
    one.daemon.write_config(server("one", "echo", max_connections=1001,
                                   listen=one.daemon.config.read_text()
                                   .partition("listen = ")[2].partition("\n")[0]))
    (found,) = one.examine()["drift"]
    assert found["severity"] == "note" and "1 options" in found["what"]


def test_a_file_with_a_mistake_is_a_problem(patient):
    one = patient()
    one.daemon.write_config(server("one", "echo", bogus=1))
    (found,) = one.examine()["drift"]
    assert found["severity"] == "problem" and "bogus" in found["what"]


def test_a_program_that_was_replaced_is_found(patient):
    one = patient()
    link = one.root / f"proc/{one.pids[0]}/exe"
    link.unlink()
    link.symlink_to("/usr/sbin/prongd (deleted)")
    (found,) = one.examine()["version"]
    assert "replaced" in found["what"] and "prongctl upgrade" in found["advice"]


def test_old_workers_are_named_with_what_keeps_them(patient):
    one = patient(on_reload="drain")
    with connect(one.daemon.address("one")):
        eventually(lambda: one.daemon.connections() == 1, "it is accepted")
        assert one.daemon.ctl("reload", "--no-wait").returncode == 0
        found = one.examine()["generations"]
        assert any("still has 1 connections" in f["what"] for f in found)


def test_nobody_who_answers_is_a_problem(patient):
    one = patient()
    one.daemon.stop()
    assert set(one.examine()) == {"master"}


def test_people_read_sentences(patient):
    one = patient()
    one.set("net/core/somaxconn", 128)
    done = one.daemon.ctl("doctor", f"--root={one.root}")
    assert done.returncode == 1
    assert "warning  server one wants a backlog of" in done.stdout
    assert "14 checks, 1 findings." in done.stdout


def test_this_machine_can_be_looked_at(patient):
    assert patient().daemon.ctl("doctor").returncode in (0, 1)
