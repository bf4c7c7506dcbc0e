# SPDX-License-Identifier: MIT
"""The command: what is asked for, in which order it happens, how it ends."""

import argparse
import pathlib
import resource
import signal
import sys
import tempfile

import cases

from . import build, network, report, rounds
from .bench import Bench
from .results import LaneResult
from .trouble import Missing, Trouble

DESCRIPTORS = 131_072

EXIT_OK, EXIT_TROUBLE, EXIT_USAGE, EXIT_MISSED = 0, 1, 2, 3


def parse(arguments, known):
    listing = "\n".join(f"  {case.name:<10} {case.help}" for case in known.values())
    parser = argparse.ArgumentParser(
        prog="tests/bench/run", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures prongd beside a floor and its peers, taking turns in one run.",
        epilog=f"cases:\n{listing}\n\n"
               "Ends with 0, 1 when something did not work, 3 with --strict when a target was "
               "missed.")
    parser.add_argument("cases", nargs="*", metavar="case", help="all of them when none is named")
    parser.add_argument("--rounds", type=int,
                        help="how often everybody has a turn (9; 3 in the longer cases)")
    parser.add_argument("--workers", type=int,
                        help="of each server (2; the cases about balance: 2, 4 and 8)")
    parser.add_argument("--lane", action="append", default=[], metavar="WORD", dest="words",
                        help="only lanes with this in their title, as lasting or IPv6; with "
                             "several, all of them")
    parser.add_argument("--peers", help="only these, separated by commas")
    parser.add_argument("--quick", action="store_true",
                        help="short turns and 2 rounds, to see whether it works: no figures to "
                             "rely on")
    parser.add_argument("--json", action="store_true",
                        help="JSON on standard output; the tables go to standard error")
    parser.add_argument("--build", type=pathlib.Path, metavar="DIR",
                        help="use the programs in DIR instead of building build/release")
    parser.add_argument("--strict", action="store_true",
                        help="end with status 3 when a target was missed")
    options = parser.parse_args(arguments)
    for name in options.cases:
        if name not in known:
            parser.error(f"no case is called {name}; there are {', '.join(known)}")
    if (options.workers is not None and options.workers < 1) or (options.rounds is not None and options.rounds < 1):
        parser.error("--rounds and --workers: at least 1")
    return options


def choose_peers(wanted, bench, cases_to_run):
    """(classes, {name: version}, notes on what this machine does not have)"""
    known = list(dict.fromkeys(one for case in cases_to_run for one in case.peers))
    names = wanted.split(",") if wanted else [one.name for one in known]
    unknown = set(names) - {one.name for one in known}
    if unknown:
        raise Trouble(f"no peer is called {', '.join(sorted(unknown))}; there are "
                      f"{', '.join(one.name for one in known)}")
    chosen, versions, notes = [], {}, []
    for one in known:
        if one.name not in names:
            continue
        try:
            versions[one.name] = one.version(bench)
            chosen.append(one)
        except Missing as missing:
            notes.append(f"{one.name}: {missing}")
    return chosen, versions, notes


def run_case(case, bench, peer_classes):
    peer_classes = [one for one in peer_classes if one in case.peers]
    if not peer_classes:
        return report.CaseReport(case, 0, [], [], ["none of its peers is in this run"])
    if not bench.lanes_of(case):
        return report.CaseReport(case, 0, [], [], ["none of its lanes is in this run"])
    samples = rounds.play(case, bench, peer_classes)
    notes = []
    try:
        bench.progress(f"{case.name}: beside the rounds")
        comparisons = case.appendix(bench, peer_classes)
    except Missing as missing:
        comparisons = []
        notes.append(str(missing))
    results = [LaneResult(case, lane, of_lane) for lane, of_lane in samples.items()]
    return report.CaseReport(case, bench.rounds_of(case), results, comparisons, notes)


def run(options, known, scratch):
    bench = Bench(options, options.build or build.release(), scratch)
    cases_to_run = [known[name] for name in options.cases or known]
    peer_classes, versions, notes = choose_peers(options.peers, bench, cases_to_run)
    bench.own_network = network.enter_own()
    text_to = sys.stderr if options.json else sys.stdout

    def say(text):
        bench.progress("")
        print(text, file=text_to, flush=True)

    say(report.head(bench, peer_classes, versions))
    for note in notes:
        say(f"not measured: {note}\n")
    reports = []
    for case in cases_to_run:
        reports.append(run_case(case, bench, peer_classes))
        say(reports[-1].text(versions))
        say(reports[-1].verdicts_text())
    if options.json:
        print(report.as_json(bench, versions, notes, reports))
    all_met = all(one.met for one_report in reports for one in one_report.verdicts)
    return EXIT_MISSED if options.strict and not all_met else EXIT_OK


def raise_descriptors():
    """A relay needs two for each connection; root may ask for more than its limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for limit in (max(hard, DESCRIPTORS), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return
        except (ValueError, OSError):
            continue


def _on_terminated(*_):
    raise KeyboardInterrupt


def main(arguments):
    known = cases.find_all()
    options = parse(arguments, known)
    signal.signal(signal.SIGTERM, _on_terminated)
    raise_descriptors()
    try:
        with tempfile.TemporaryDirectory(prefix="prong-bench-") as scratch:
            return run(options, known, scratch)
    except Trouble as trouble:
        print(f"bench: {trouble}", file=sys.stderr)
        return EXIT_TROUBLE
    except KeyboardInterrupt:
        return EXIT_TROUBLE
