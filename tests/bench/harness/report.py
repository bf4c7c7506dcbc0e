# SPDX-License-Identifier: MIT
"""What a run says in the end: tables and verdicts, or JSON."""

import json
import os
import platform

from . import network

HOW = """\
CPU is that of the server's whole process tree.  "of the floor": the median of the ratios to the
floor in the same round, with its quartiles and its range.  What "floor again" shows is the noise.
"""


class CaseReport:
    def __init__(self, case, rounds, results, comparisons, notes):
        self.case = case
        self.rounds = rounds
        self.results = results
        self.comparisons = comparisons
        self.notes = notes
        self.verdicts = case.verdicts(results) + [one for comparison in comparisons
                                                  for one in comparison.verdicts()]

    def text(self, versions):
        parts = [f"{self.case.name}, {self.rounds} rounds"]
        parts += [one.text() for one in self.case.tables(self.results, versions)]
        parts += [comparison.table().text() for comparison in self.comparisons]
        parts += [f"{self.case.name}: not measured: {note}\n" for note in self.notes]
        return "\n".join(parts)

    def verdicts_text(self):
        """Told with each case, so that a run that is ended early leaves its findings."""
        return "\n".join([*(one.text() for one in self.verdicts), ""])

    def as_json(self):
        return {"name": self.case.name, "rounds": self.rounds,
                "lanes": [result.as_json() for result in self.results],
                "comparisons": [comparison.as_json() for comparison in self.comparisons],
                "not_measured": self.notes}


def machine(bench):
    return {"kernel": platform.release(), "cpus": os.cpu_count(),
            "server_cpus": sorted(bench.server_cpus), "client_cpus": sorted(bench.client_cpus),
            "workers": bench.workers, "quick": bench.quick,
            "own_network": bench.own_network,
            "congestion_control": network.congestion_control(),
            "families": [name for name, _ in bench.families]}


def head(bench, peer_classes, versions):
    facts = machine(bench)
    where = "a network namespace of its own" if bench.own_network else \
        "the machine's network, where TIME_WAIT disturbs the client in the case connect"
    lines = [f"{bench.workers} workers; servers on CPU "
             f"{facts['server_cpus']}, client on CPU {facts['client_cpus']} of {facts['cpus']}; "
             f"Linux {facts['kernel']}; {where}; congestion control "
             f"{facts['congestion_control']}."]
    lines += [f"  {one.name} {versions[one.name]}".rstrip() + f": {one.about}"
              for one in peer_classes]
    if bench.quick:
        lines.append("--quick: the turns are too short for figures to rely on.")
    return "\n".join([*lines, HOW])


def as_json(bench, versions, notes, reports):
    return json.dumps({
        "machine": machine(bench), "versions": versions, "not_measured": notes,
        "cases": [report.as_json() for report in reports],
        "verdicts": [vars(one) for report in reports for one in report.verdicts],
    }, indent=1, ensure_ascii=False)
