# SPDX-License-Identifier: MIT
"""A machine that is booted with the real systemd: a container with Debian and this build of prong.

It has process, mount and network namespaces and control groups of its own, so that nothing of this
machine is touched and tests run side by side; `close()` removes all of it.
"""

import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from daemon import BUILD, PATIENCE, TREE, eventually

PR_SET_PDEATHSIG = 1  # linux/prctl.h

MAKE_ROOT = TREE / "tests/container/root"
LOAD = Path(__file__).with_name("machine_load.py")
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "SYSTEMD_PAGER": "cat"}


class Impossible(Exception):
    """This machine does not allow it; says why."""


# --- control groups ---


def control_groups():
    """Where systemd keeps its groups, and there the group that this process is in."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "name=systemd":
            yield Path("/sys/fs/cgroup/systemd" + path)
        if controllers == "":
            hybrid = Path("/sys/fs/cgroup/unified")
            yield Path(f"{hybrid if hybrid.is_dir() else '/sys/fs/cgroup'}{path}")


class Group:
    """A group of our own: the container must not rearrange that of somebody else."""

    def __init__(self, name):
        self.paths = [group / name for group in control_groups()]
        try:
            for path in self.paths:
                path.mkdir()
        except OSError as problem:
            raise Impossible(f"no control group can be made: {problem}") from problem

    def enter(self):
        """In the child: it also ends with us, and everything in the container with it."""
        for path in self.paths:
            (path / "cgroup.procs").write_text("0")
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def remove(self):
        for path in self.paths:
            for directory, _, _ in os.walk(path, topdown=False):
                os.rmdir(directory)


# --- the root ---


def install(root):
    """What `cmake --install` installs, and the libraries that it needs."""
    subprocess.run(["cmake", "--install", BUILD, "--component", "daemon"], check=True,
                   env={**os.environ, "DESTDIR": str(root)}, stdout=subprocess.DEVNULL)
    for program in ("prongd", "prongctl"):
        listed = subprocess.run(["ldd", BUILD / "daemon" / program], check=True,
                                capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            if not (root / library[1:]).exists():
                shutil.copy(library, root / library[1:])


def make_root(root, packages):
    done = subprocess.run(["timeout", "300", MAKE_ROOT, root, "systemd", *packages],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode == 124:
        raise Impossible("the Debian root was not made within 5 minutes")
    if done.returncode == 77:
        raise Impossible(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr


# --- the machine ---


class Machine:
    """`packages`: of Debian, besides systemd; `fill` brings what is not Debian's into the root."""

    def __init__(self, packages=(), fill=install):
        if os.geteuid() != 0:
            raise Impossible("only root can boot a container")
        if shutil.which("systemd-nspawn") is None:
            raise Impossible("systemd-nspawn is not installed (systemd-container)")
        self.directory = Path(tempfile.mkdtemp(prefix="prong-"))
        self.name = self.directory.name.replace("_", "x")
        self.root = self.directory / "root"
        self.root.mkdir()
        self.console = self.directory / "console"
        self.group = self.process = self.leader = None
        try:
            self.group = Group(self.name)
            make_root(self.root, packages)
            fill(self.root)
            self.boot()
        except BaseException:
            self.close()
            raise

    def boot(self):
        with open(self.console, "wb") as console:
            self.process = subprocess.Popen(
                ["systemd-nspawn", "--quiet", f"--directory={self.root}",
                 f"--machine={self.name}", "--register=no", "--keep-unit", "--private-network",
                 "--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=pipe",
                 "--boot", "--", "--unit=basic.target"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                preexec_fn=self.group.enter)
        eventually(self.has_booted, "the container has booted")

    def has_booted(self):
        if self.process.poll() is not None:
            text = self.console.read_text(errors="replace").strip().splitlines()
            raise Impossible(f"systemd-nspawn: {text[-1] if text else 'failed'}")
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        if not children:
            return False
        self.leader = int(children.split()[0])
        return self.ask("systemctl", "is-system-running") in ("running", "degraded")

    def close(self):
        if self.process is not None:
            if self.leader is not None and self.process.poll() is None:
                os.kill(self.leader, signal.SIGKILL)
            self.process.wait(PATIENCE)
        if self.group is not None:
            eventually(self.try_remove_group, "nobody is left in the control group")
        for left in (Path("/run/systemd/nspawn/propagate") / self.name,):
            if left.is_dir():
                left.rmdir()
        subprocess.run(["rm", "-rf", "--one-file-system", self.directory], check=True)

    def try_remove_group(self):
        try:
            self.group.remove()
        except OSError:
            return False
        return True

    # --- inside ---

    def command(self, *words):
        return ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p",
                *map(str, words)]

    def run(self, *words):
        return subprocess.run(self.command(*words), capture_output=True, text=True,
                              timeout=2 * PATIENCE, env=ENVIRONMENT, stdin=subprocess.DEVNULL)

    def ask(self, *words):
        return self.run(*words).stdout.strip()

    def do(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}\n{self.journal()}"
        return done.stdout

    def outside(self, pid):
        """The number out here of a process in there."""
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                numbers = re.search(r"^NSpid:\t(.*)$", status.read_text(), re.M)[1].split()
                mine = os.readlink(status.parent / "ns/pid") == os.readlink(
                    f"/proc/{self.leader}/ns/pid")
            except (OSError, TypeError):
                continue  # it is gone
            if mine and numbers[-1] == str(pid):
                return int(numbers[0])
        raise AssertionError(f"no process {pid} in there")

    def journal(self):
        return self.ask("journalctl", "--no-pager", "--output=cat", "--lines=60")

    def show(self, unit, name):
        return self.ask("systemctl", "show", "--value", f"--property={name}", unit)

    def write(self, path, text):
        file = self.root / str(path).lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def kill(self, pid, number):
        """A process by its number in there."""
        self.do("sh", "-c", f"kill -{int(number)} {pid}")

    # --- clients: of this machine, in the network of that one ---

    def network(self):
        """The words that run a program of this machine there."""
        return ["nsenter", "-t", str(self.leader), "-n"]

    def client(self, *words, **popen):
        return subprocess.Popen(
            [*self.network(), "/usr/bin/python3", "-I", LOAD, *map(str, words)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **popen)


class Client:
    """A connection to an echo server in there, which stays."""

    def __init__(self, machine, port):
        self.process = machine.client("talk", port)
        assert self.process.stdout.readline() == "connected\n"

    def echoes(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline() == "echoed\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate(timeout=PATIENCE)


class Load:
    """Many short connections to an echo server in there, until the end of the block; `result` then
    counts what became of them."""

    def __init__(self, machine, port):
        self.process = machine.client("load", port)
        self.result = None
        assert self.process.stdout.readline() == "loaded\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.result = json.loads(self.process.communicate(timeout=2 * PATIENCE)[0])
