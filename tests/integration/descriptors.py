# SPDX-License-Identifier: MIT
"""Which descriptors a process of prongd has, and which it should have."""

import os
from collections import Counter

from daemon import eventually

# What a link of /proc/PID/fd is, by its beginning.
KINDS = {
    "socket:": "socket",
    "anon_inode:[eventpoll]": "epoll",
    "anon_inode:[eventfd]": "eventfd",
    "/memfd:prong-scoreboard": "scoreboard",
    "/dev/null": "spare",
}


def kinds(pid, ignored=None):
    """How many of each kind, without the standard streams; what is of none has its own name."""
    found = Counter()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        if int(fd) <= 2:
            continue
        link = os.readlink(f"/proc/{pid}/fd/{fd}")
        if ignored is not None and link.startswith(ignored):
            continue
        kind = next((kind for start, kind in KINDS.items() if link.startswith(start)), link)
        found[kind] += 1
    return found


def of_master(listeners, workers):
    """Listening handles and the control socket; for each worker a channel and a nudge."""
    return Counter(socket=listeners + 1 + workers, epoll=1, eventfd=1 + workers, scoreboard=1)


def of_worker(listeners, workers, connections):
    """Its handles, its channel, its connections; everybody's nudges, and two of its loop; one to
    spare for when there are no more."""
    return Counter(socket=listeners + 1 + connections, epoll=1, eventfd=2 + workers, scoreboard=1,
                   spare=1)


def expected(daemon, status):
    workers, listeners = len(status["workers"]), sum(len(s["addresses"]) for s in status["servers"])
    processes = {status["master"]["pid"]: of_master(listeners, workers)}
    for worker in status["workers"]:
        processes[worker["pid"]] = of_worker(listeners, workers, worker["connections"])
    return processes


def is_right(found, wanted, optional):
    """More of a kind only where `optional` has it."""
    return not wanted - found and not found - wanted - Counter(optional)


def audit(daemon, ignored=None, optional=()):
    """Fails unless every process comes to have exactly what it should; `ignored`: how the names of
    files begin that a tool of the test opens in it; `optional`: kinds that it may have, too."""
    seen = {}

    def is_exact():
        status = daemon.status()
        seen["wanted"] = expected(daemon, status)
        try:
            seen["found"] = {pid: kinds(pid, ignored) for pid in seen["wanted"]}
        except FileNotFoundError:
            return False  # a process or a descriptor has gone meanwhile
        return all(is_right(seen["found"][pid], wanted, optional)
                   for pid, wanted in seen["wanted"].items())

    try:
        eventually(is_exact, "every process has exactly the descriptors that it should")
    except AssertionError as failure:
        raise AssertionError(f"{failure}\n{seen}") from None
