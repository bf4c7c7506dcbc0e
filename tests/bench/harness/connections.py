# SPDX-License-Identifier: MIT
"""Who has which connection, as the kernel tells it: the same way for every server."""

import os
import pathlib

ESTABLISHED = "01"


def _client_port_of_inode(port):
    """{inode: port of the client} of the established connections to this port."""
    found = {}
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == ESTABLISHED and int(fields[1].rpartition(":")[2], 16) == port:
                found[fields[9]] = int(fields[2].rpartition(":")[2], 16)
    return found


def _socket_inodes(pid):
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(entry.path)
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            yield target[len("socket:["):-1]


def client_ports(pids, port):
    """{pid: ports of the clients that this process has on this port}"""
    clients = _client_port_of_inode(port)
    return {pid: [clients[inode] for inode in _socket_inodes(pid) if inode in clients]
            for pid in pids}
