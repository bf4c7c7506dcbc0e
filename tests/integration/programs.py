# SPDX-License-Identifier: MIT
"""The programs of `handler = exec`, and the keepers that run them."""

from pathlib import Path

from client import connect, echoes, receive_all
from daemon import processes_of_session, server


def run(command="/bin/cat", **options):
    """The section of a server, "run", of such programs."""
    return server("run", "exec", exec=command, **options)


def start(daemon):
    """A client whose /bin/cat answers."""
    client = connect(daemon.address("run"))
    assert echoes(client, b"hello\n")
    return client


def hanging(daemon):
    """The keepers that do not answer."""
    return [row for row in daemon.status()["keepers"] if row["state"] == "hanging"]


def hear(address):
    """What a program says that reads nothing: it may be gone before anything is sent to it."""
    with connect(address) as client:
        return receive_all(client)


def counts(daemon, name="run"):
    """What status says: running, started, failed, refused."""
    status = daemon.server_status(name)
    return {key[len("programs_"):]: value for key, value in status.items()
            if key.startswith("programs_")}


def running(daemon, name="run"):
    return counts(daemon, name).get("running")


def keepers(daemon):
    """{server: pids} of those that live."""
    found = {}
    for pid in processes_of_session(daemon.process.pid):
        try:
            title = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()
        except OSError:
            continue
        if title.startswith("prongd: keeper "):
            found.setdefault(title.rpartition(" ")[2], []).append(pid)
    return found


def children(pid):
    """Living ones, and those that nobody has buried."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.add(int(stat.parent.name))
    return found
