# SPDX-License-Identifier: MIT
"""A network of the bench's own.

A client that closes keeps its port in TIME_WAIT for a minute.  After some ten thousand short
connections to one port the client spends more time in the search for a free port than the server
spends on the connection, and that is what would be measured.  In a network namespace of our own
TIME_WAIT is switched off without any other program noticing.  (The load waits for the server's FIN
before it closes, so no late packet is left that TIME_WAIT would have to catch.)

And where the system's congestion control is BBR, it starts a timer of the kernel for every 64 KiB
that are sent, on loopback, too: two thirds of what a relay that splices would be said to cost.  So
ours is Reno, which is what a namespace may always have and has nothing to do where nothing is lost.
"""

import ctypes
import fcntl
import os
import pathlib
import socket
import struct

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP = 1

# Without it: so many short connections to one port find their own port quickly.
SAFE_CONNECTIONS = 12_000

TCP = pathlib.Path("/proc/sys/net/ipv4")
CONGESTION_CONTROL = TCP / "tcp_congestion_control"


def _unshare(flags):
    return ctypes.CDLL(None, use_errno=True).unshare(flags) == 0


def _unshare_as_user():
    """Anybody may have a network who has a user namespace of his own first."""
    uid, gid = os.getuid(), os.getgid()
    if not _unshare(CLONE_NEWUSER | CLONE_NEWNET):
        return False
    pathlib.Path("/proc/self/setgroups").write_text("deny")
    pathlib.Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    pathlib.Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    return True


def _loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH22x", b"lo", 0)
        flags = struct.unpack("16sH22x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags | IFF_UP))


def enter_own():
    """True: from here on this process and its children have a loopback device to themselves."""
    try:
        if not (_unshare(CLONE_NEWNET) or _unshare_as_user()):
            return False
        _loopback_up()
        (TCP / "tcp_max_tw_buckets").write_text("0")
        CONGESTION_CONTROL.write_text("reno")
        return True
    except OSError as error:
        raise SystemExit(f"bench: a network namespace was made but not set up: {error}") from None


def congestion_control():
    return CONGESTION_CONTROL.read_text().strip()


def families():
    """[("IPv4", "127.0.0.1"), ("IPv6", "::1")], as far as this machine has them."""
    found = []
    for name, family, host in (("IPv4", socket.AF_INET, "127.0.0.1"),
                               ("IPv6", socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.bind((host, 0))
            found.append((name, host))
        except OSError:
            continue
    return found
