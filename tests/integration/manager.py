# SPDX-License-Identifier: MIT
"""A service manager that is played: it hears what sd_notify(3) says, keeps the descriptors that it is
given, and starts the next daemon with them, as systemd does."""

import fcntl
import os
import socket
import subprocess
import tempfile
from pathlib import Path

from daemon import eventually

FIRST = 3  # SD_LISTEN_FDS_START

# Only the process itself knows what LISTEN_PID must say.
WRAPPER = """#!/usr/bin/python3 -I
import os, sys
fds = [int(fd) for fd in os.environ.pop("GIVEN").split()]
for number, fd in enumerate(fds):
    os.dup2(fd, 3 + number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)))
os.closerange(3 + len(fds), 200)
os.execv({program!r}, sys.argv)
"""


def move_up(fd):
    """Out of the way of those that the daemon is given."""
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100)
    os.close(fd)
    return moved


class Manager:
    def __init__(self, monkeypatch):
        self.directory = Path(tempfile.mkdtemp(prefix="prong-"))
        self.monkeypatch = monkeypatch
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.directory / "notify"))
        self.socket.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(self.directory / "notify"))
        self.messages = []  # each as a dictionary
        self.store = {}  # descriptors by name

    def close(self):
        self.socket.close()
        for fd in self.store.values():
            os.close(fd)
        subprocess.run(["rm", "-rf", self.directory], check=True)

    # --- what it is told ---

    def read(self):
        """Takes what was said meanwhile; True, so that it can stand in a question."""
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self.socket, 65536, 8)
            except BlockingIOError:
                return True
            message = dict(line.split("=", 1) for line in data.decode().splitlines())
            self.messages.append(message)
            self.obey(message, fds)

    def obey(self, message, fds):
        name = message.get("FDNAME")
        if "FDSTORE" in message:
            assert ":" not in name and len(name) < 256 and len(fds) == 1
            self.store[name] = move_up(fds.pop())
        if "FDSTOREREMOVE" in message:
            os.close(self.store.pop(name))
        for fd in fds:  # a barrier: the sender waits until it is closed
            os.close(fd)

    def hear(self, question, what, since=0):
        """Waits for a message, and returns it."""
        return eventually(
            lambda: self.read() and next(filter(question, self.messages[since:]), None), what
        )

    def hear_status(self, text, since=0):
        return self.hear(lambda m: text in m.get("STATUS", ""), f"{text!r} in the status", since)

    def mark(self):
        self.read()
        return len(self.messages)

    def said(self, name, since=0):
        self.read()
        return [message[name] for message in self.messages[since:] if name in message]

    # --- what it gives ---

    def give(self, **named):
        """Daemons that start from now on get these descriptors, lists by name."""
        names = [name for name, fds in named.items() for _ in fds]
        fds = [move_up(os.dup(fd)) for fds in named.values() for fd in fds]
        return self.give_all(names, fds)

    def give_stored(self):
        return self.give_all(list(self.store), list(self.store.values()))

    def give_all(self, names, fds):
        """What to pass to launch() or start()."""
        import daemon

        wrapper = self.directory / "prongd"
        wrapper.write_text(WRAPPER.format(program=str(daemon.BUILD / "daemon/prongd")))
        wrapper.chmod(0o755)
        self.monkeypatch.setattr("daemon.PRONGD", wrapper)
        self.monkeypatch.setenv("GIVEN", " ".join(map(str, fds)))
        self.monkeypatch.setenv("LISTEN_FDNAMES", ":".join(names))
        return {"pass_fds": fds}
