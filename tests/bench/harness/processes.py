# SPDX-License-Identifier: MIT
"""What the kernel knows of a server's processes: CPU time and private memory."""

import os
import pathlib
import time

NS_PER_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")

# The last three bits of a CPU clock's number (clock_getcpuclockid): the whole process, in
# scheduler time.
PROCESS_CLOCK = 2


def children(pid):
    """The living children of all its threads."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def tree(pid):
    """The process and all that descend from it."""
    pids = [pid]
    for one in pids:
        pids += children(one)
    return pids


def _own_ns(pid):
    """CPU time of one process, to the nanosecond: the sum of its threads' schedstat, ended
    threads included, and brought up to date for those that run at this moment."""
    try:
        return time.clock_gettime_ns((~pid << 3) | PROCESS_CLOCK)
    except OSError:
        return 0


def _ended_ns(pid):
    """CPU time of its ended and reaped descendants.  The kernel tells it in ticks of 10 ms, but
    rounds the sum, not each of them."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) * NS_PER_TICK


def cpu_ns(pid):
    """CPU time of the whole tree since it began.  A process that ends between two readings moves
    from the first kind to the second, and is counted once."""
    return sum(_own_ns(one) + _ended_ns(one) for one in tree(pid))


def voluntary_switches(pid):
    """How often the threads of the tree went to sleep, so far."""
    total = 0
    for one in tree(pid):
        for task in pathlib.Path(f"/proc/{one}/task").glob("*/status"):
            try:
                total += int(task.read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0])
            except (FileNotFoundError, ProcessLookupError):
                continue
    return total


def private_bytes(pid):
    """Memory that only this process has: what would come back if it ended."""
    total = 0
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        for line in lines:
            if line.startswith(("Private_Clean:", "Private_Dirty:")):
                total += int(line.split()[1]) * 1024
    return total


def settled_private_bytes(pids, seconds=3):
    """The same for several, once two readings in a row agree: a list."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        now = [private_bytes(pid) for pid in pids]
        if now == last or time.monotonic() > deadline:
            return now
        last = now
        time.sleep(0.05)
