# SPDX-License-Identifier: MIT
"""Workers that are stopped or killed, and what a kill may cost."""

import ctypes
import os
import signal
import socket
import stat
from pathlib import Path

from daemon import eventually

PIDFD_GETFD = 438  # the number of the system call, on every architecture
LIBC = ctypes.CDLL(None, use_errno=True)


def name_of(peer):
    """The way steady-load calls a connection: after its client's address."""
    if isinstance(peer, tuple):
        return f"{4 if len(peer) == 2 else 6}:{peer[1]}"
    return "u:" + (peer.decode() if isinstance(peer, bytes) else peer).lstrip("\0")


def peer_name(pidfd, fd):
    """None for a descriptor that is no connection."""
    copy = LIBC.syscall(PIDFD_GETFD, pidfd, fd, 0)
    if copy < 0:
        return None
    if not stat.S_ISSOCK(os.fstat(copy).st_mode):
        os.close(copy)
        return None
    with socket.socket(fileno=copy) as one:
        try:
            return name_of(one.getpeername())
        except OSError:
            return None


def is_stopped(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "TZ"


def is_unnamed(one):
    """One of a socket pair."""
    return one.family == socket.AF_UNIX and not one.getsockname() and not one.getpeername()


def cut_channel(pid):
    """What a worker and its master say to each other ends, for both."""
    pidfd = os.pidfd_open(pid)
    for entry in os.listdir(f"/proc/{pid}/fd"):
        copy = LIBC.syscall(PIDFD_GETFD, pidfd, int(entry), 0)
        if not stat.S_ISSOCK(os.fstat(copy).st_mode):
            os.close(copy)
            continue
        with socket.socket(fileno=copy) as one:
            if is_unnamed(one):
                one.shutdown(socket.SHUT_RDWR)
    os.close(pidfd)


class Victim:
    """A stopped process: what it holds cannot change any more."""

    def __init__(self, pid):
        assert pid > 1  # kill(0) is for everybody here
        self.pid = pid
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: is_stopped(pid), f"process {pid} is stopped")

    def clients(self):
        """The names of the connections that it has a descriptor of: all that its death may end."""
        directory = f"/proc/{self.pid}/fd"
        pidfd = os.pidfd_open(self.pid)
        try:
            return {peer_name(pidfd, int(entry)) for entry in os.listdir(directory)} - {None}
        finally:
            os.close(pidfd)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def kill(self):
        """What clients() would have said."""
        clients = self.clients()
        os.kill(self.pid, signal.SIGKILL)
        return clients
