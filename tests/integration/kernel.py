# SPDX-License-Identifier: MIT
"""What the kernel knows of a process's listening handle and its epoll sets."""

import contextlib
import ctypes
import os
import socket
import struct
from pathlib import Path

LISTENS = "0A"
EPOLLIN, EPOLLEXCLUSIVE = 1, 1 << 28
EPOLL_CTL_ADD = 1
SYS_PIDFD_GETFD = 438  # the same number on every architecture

LIBC = ctypes.CDLL(None, use_errno=True)


def _listening_inode(port):
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                return fields[9]
    raise LookupError(f"nobody listens on port {port}")


def client_ports(pid, port):
    """Of the clients that this process has accepted on an IPv4 port."""
    rows = (line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:])
    clients = {f"socket:[{row[9]}]": int(row[2].rpartition(":")[2], 16) for row in rows
               if int(row[1].rpartition(":")[2], 16) == port and row[3] != LISTENS}
    targets = (os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir())
    return [clients[target] for target in targets if target in clients]


def listening_fd(pid, port):
    """The number of this process's descriptor."""
    name = f"socket:[{_listening_inode(port)}]"
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        if os.readlink(entry) == name:
            return int(entry.name)
    raise LookupError(f"process {pid} does not listen on port {port}")


def tcp_socket(pid, port):
    """A handle of our own for the process's one IPv4 connection with this port at either end."""
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        if not os.readlink(entry).startswith("socket:"):
            continue
        one = socket.socket(fileno=take_fd(pid, int(entry.name)))
        with contextlib.suppress(OSError):
            if one.family == socket.AF_INET and \
                    port in (one.getsockname()[1], one.getpeername()[1]):
                return one
        one.close()
    raise LookupError(f"process {pid} has no connection with port {port}")


def epoll_entries(pid, fd):
    """{number of an epoll set: (events, data)} of all sets in which the descriptor stands."""
    found = {}
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        for line in info.read_text().splitlines():
            words = line.split()
            if words[:1] == ["tfd:"] and int(words[1]) == fd:
                found[int(info.name)] = (int(words[3], 16), int(words[5], 16))
    return found


def take_fd(pid, fd):
    """A descriptor of our own for what another process has open."""
    pidfd = os.pidfd_open(pid)
    try:
        own = LIBC.syscall(SYS_PIDFD_GETFD, pidfd, fd, 0)
        if own < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return own
    finally:
        os.close(pidfd)


def add_to_epoll(epoll_fd, fd, data):
    """With a data word that only its owner should make."""
    event = struct.pack("=IQ" if os.uname().machine == "x86_64" else "@IQ", EPOLLIN, data)
    if LIBC.epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, event) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
