# SPDX-License-Identifier: MIT
"""Networks that a test makes for itself: with settings and addresses that no other test sees."""

import contextlib
import ctypes
import os
import subprocess
from pathlib import Path

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def own_network(settings=None):
    """For preexec_fn: the process has a network of its own, with a loopback device that is up and
    these files of /proc/sys."""
    def enter():
        _check(LIBC.unshare(CLONE_NEWNET))
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for name, value in (settings or {}).items():
            Path("/proc/sys", name).write_text(str(value))
    return enter


@contextlib.contextmanager
def inside(pid):
    """Sockets that this thread makes in the block are in the network of that process."""
    fds = [os.open(path, os.O_RDONLY) for path in ("/proc/thread-self/ns/net", f"/proc/{pid}/ns/net")]
    own, other = fds
    _check(LIBC.setns(other, CLONE_NEWNET))
    try:
        yield
    finally:
        _check(LIBC.setns(own, CLONE_NEWNET))
        for fd in fds:
            os.close(fd)
