# SPDX-License-Identifier: MIT
"""The real prongd as a black box: a directory, a configuration and a process for each test.

Every daemon listens on ports that the kernel picks, so that tests run side by side; the control
socket tells the real ones.  `finish()` is where a test fails that left something behind: a
sanitizer report, a failed assertion, a process, a socket, a descriptor.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

BUILD = Path(os.environ.get("PRONG_BUILD", Path(__file__).parents[2] / "build/asan")).resolve()
TREE = Path(__file__).resolve().parents[2]
PRONGD = BUILD / "daemon/prongd"
PRONGCTL = BUILD / "daemon/prongctl"
IS_ROOT = os.geteuid() == 0

PATIENCE = 30  # seconds; only a test that fails waits so long
TROUBLE = re.compile(r"runtime error:|Sanitizer|[Aa]ssertion")


def eventually(question, what, seconds=PATIENCE):
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)
    return answer


def server(name, handler, listen="127.0.0.1:0", **options):
    """A [server NAME] section."""
    lines = [f"[server {name}]", f"listen = {listen}", f"handler = {handler}"]
    return "\n".join(lines + [f"{key} = {value}" for key, value in options.items()]) + "\n"


def environment(directory):
    """Sanitizers report to files: a worker's report is seen wherever its stderr goes."""
    reports = f"log_path={directory}/sanitizer"
    return {
        **os.environ,
        "ASAN_OPTIONS": f"{reports}:detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": f"{reports}:print_stacktrace=1",
        "TSAN_OPTIONS": reports,
    }


def processes_of_session(session):
    """The living processes of a session, without those that only wait to be reaped."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def count_descriptors(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


class Daemon:
    """`sections` is the text of the servers; the options are those of [prongd]."""

    def __init__(self, sections, workers=2, **options):
        self.directory = Path(tempfile.mkdtemp(prefix="prong-"))
        self.directory.chmod(0o777)  # workers may be somebody else
        self.config = self.directory / "prongd.conf"
        self.control = self.directory / "control"
        self.log_file = self.directory / "log"
        self.workers = workers
        self.process = None
        self.descriptors = {}
        self.write_config(sections, **options)

    def write_config(self, sections, **options):
        options = {
            "workers": self.workers,
            "control_socket": self.control,
            "log_level": "info",
            **({"user": "root"} if IS_ROOT else {}),
            **options,
        }
        lines = [f"{name} = {value}" for name, value in options.items() if value is not None]
        self.config.write_text("[prongd]\n" + "\n".join(lines) + "\n\n" + sections)

    # --- life ---

    def launch(self, *arguments, **popen):
        """Starts it without waiting."""
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [PRONGD, "-c", self.config, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(self.directory),
                start_new_session=True,
                **popen,
            )
        return self

    def start(self, *arguments, **popen):
        """Starts it and waits until every worker accepts."""
        self.launch(*arguments, **popen)
        self.wait_until_ready()
        self.ctl("connections")  # workers tell them after the order to accept, which opens some
        self.descriptors = {
            pid: count_descriptors(pid) for pid in [self.process.pid, *self.worker_pids()]
        }
        return self

    def wait_until_ready(self):
        eventually(self.is_ready, "every worker is ready")

    def is_ready(self):
        assert self.process.poll() is None, f"prongd ended:\n{self.log()}"
        status = self.try_status()
        ready = [w for w in status.get("workers", []) if w["state"] == "ready"]
        return len(ready) == self.workers

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=PATIENCE):
        """The exit status."""
        return self.process.wait(seconds)

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait()

    # --- what it says ---

    def ctl(self, *words, seconds=PATIENCE):
        return subprocess.run(
            [PRONGCTL, "-s", self.control, *words],
            capture_output=True,
            text=True,
            timeout=seconds,
            env=environment(self.directory),
        )

    def begin_ctl(self, *words):
        """The same without waiting."""
        return subprocess.Popen(
            [PRONGCTL, "-s", self.control, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(self.directory),
        )

    def try_status(self):
        """{} while nobody answers."""
        answer = self.ctl("status", "--json")
        return json.loads(answer.stdout) if answer.returncode == 0 else {}

    def status(self):
        answer = self.ctl("status", "--json")
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def worker_pids(self):
        return [worker["pid"] for worker in self.status()["workers"]]

    def server_status(self, name):
        return next(entry for entry in self.status()["servers"] if entry["name"] == name)

    def connections(self):
        return sum(worker["connections"] for worker in self.status()["workers"])

    def addresses(self, name):
        """Each as (host, port), or the path of a unix socket ("@name" when abstract)."""
        return [parse_address(text) for text in self.server_status(name)["addresses"]]

    def address(self, name):
        return self.addresses(name)[0]

    def log(self, mark=0):
        return self.log_file.read_bytes()[mark:].decode(errors="replace")

    def log_mark(self):
        return self.log_file.stat().st_size

    def wait_for_log(self, text, mark=0):
        eventually(lambda: text in self.log(mark), f"{text!r} in the log")

    # --- the end ---

    def finish(self):
        """Stops it if it still runs, and fails when it left anything behind."""
        try:
            if self.process is not None:
                self.check_descriptors()
                if self.process.poll() is None:
                    assert self.stop() == 0, self.log()
                self.check_leftovers()
            self.check_reports()
        finally:
            self.kill_leftovers()
            shutil.rmtree(self.directory, ignore_errors=True)

    def check_descriptors(self):
        for pid, before in self.descriptors.items():
            eventually(
                lambda: count_descriptors(pid) <= before,
                f"process {pid} is back at {before} descriptors",
            )

    def check_leftovers(self):
        eventually(lambda: not processes_of_session(self.process.pid), "no process is left")
        sockets = [path.name for path in self.directory.iterdir() if path.is_socket()]
        assert not sockets or self.process.returncode < 0, f"left behind: {sockets}"

    def check_reports(self):
        reports = [path.read_text() for path in self.directory.glob("sanitizer.*")]
        assert not reports, "\n".join(reports)
        assert not TROUBLE.search(self.log() if self.log_file.exists() else ""), self.log()

    def kill_leftovers(self):
        if self.process is None:
            return
        for pid in processes_of_session(self.process.pid):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()


def parse_address(text):
    if text.startswith("unix:"):
        return text[len("unix:"):]
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
