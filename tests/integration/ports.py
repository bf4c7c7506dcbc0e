# SPDX-License-Identifier: MIT
"""Ports that nobody else gets, for a daemon that is told which to use."""

import socket


def reserve(host="127.0.0.1"):
    """A socket that holds a free port of this host, and does not listen: until it is closed, only
    who binds to just this port gets it."""
    holder = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((host, 0))
    return holder


_held = []


def hold_port():
    """The number of a port for another program, which nobody else gets as long as this process
    lives."""
    _held.append(reserve())
    return _held[-1].getsockname()[1]
