# SPDX-License-Identifier: MIT
"""Who runs where.

The client has the last CPU that we may use, the servers have the others, as many as they have
workers: so a server is never measured while the load is in its cache, and all servers have the
same place.  On two CPUs all workers of a server share one.  That is no loss here: what is measured
is CPU time for an operation, not how much two CPUs can do.
"""

import os


def shares(workers):
    """(CPUs of the servers, CPUs of the client)"""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) == 1:
        return set(allowed), set(allowed)
    return set(allowed[:-1][:workers]), {allowed[-1]}
