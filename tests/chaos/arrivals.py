# SPDX-License-Identifier: MIT
"""Connections that come and go (churn.py), and which of them were lost without an excuse."""

import json
import subprocess
import sys
from pathlib import Path

CHURN = Path(__file__).with_name("churn.py")
STAYING = 5  # in a hundred


def unexcused(lost, excused):
    """`lost`: each with its port and its times; `excused`: (when, name) of each connection that was
    in a killed worker.  One that `is_closed` has no name there any more."""
    when = {}
    for moment, name in excused:
        when.setdefault(name, []).append(moment)
    any_time = [moment for moment, _ in excused]
    return [one for one in lost
            if not any(one["from"] <= moment <= one["to"]
                       for moment in (any_time if one.get("is_closed") else
                                      when.get(f"4:{one['port']}", [])))]


class Arrivals:
    """So many a second until the end of the block; `report` then tells what became of them."""

    def __init__(self, address, rate):
        host, port = address
        self.process = subprocess.Popen(
            [sys.executable, CHURN, host, str(port), str(rate), str(STAYING)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.report = None

    def __enter__(self):
        assert self.process.stdout.readline() == "begun\n"
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.report = json.loads(self.process.stdout.readline())
        self.process.wait()

    def problems(self, excused):
        """As sentences."""
        found = [f"lost: {lost}" for lost in unexcused(self.report["lost"], excused)[:20]]
        found += [f"wrong: {wrong}" for wrong in self.report["wrong"][:20]]
        if self.report["refused"]:
            found.append(f"{self.report['refused']} connections were refused")
        return found

    def summary(self):
        report = self.report
        return (f"{report['opened']} connections came, {report['per_second']:.0f} a second, "
                f"{report['refused']} were refused, {len(report['lost'])} were lost; the slowest "
                f"connect took {report['slowest_connect_s']:.2f} s")
