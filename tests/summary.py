# SPDX-License-Identifier: MIT
"""Counts the test functions in ctest's JUnit reports and prints the closing line.

A ctest entry is one program: its cmocka or pytest output says how many functions passed.  One
that says nothing, or that dies before it can, counts as one.

    summary.py REPORT [AGAIN]

AGAIN is the report on what failed the first time and ran once more, if anything did.
"""

import os
import re
import sys
import xml.etree.ElementTree as xml
from collections import Counter

CMOCKA = re.compile(r"^\[  (PASSED|FAILED|SKIPPED) *\] (?:[^:\n]*: )?(\d+) test\(s\)", re.M)
PYTEST = re.compile(r"^=* ?((?:\d+ [a-z]+,? ?)+) in [\d.]+s", re.M)
PYTEST_COUNT = re.compile(r"(\d+) (passed|failed|error|skipped)")
PYTEST_REASON = re.compile(r"^SKIPPED \[\d+\] (.*)$", re.M)
CMOCKA_SKIPPED = re.compile(r"listed below:\n((?:\[  SKIPPED \] \w+\n)+)")


def functions(output):
    """What the program itself counted: passed, failed and skipped functions."""
    count = Counter()
    for word, number in CMOCKA.findall(output):
        count[word.lower()] += int(number)
    for line in PYTEST.findall(output):
        for number, word in PYTEST_COUNT.findall(line):
            count["failed" if word == "error" else word] += int(number)
    return count


def reasons(output):
    """Why functions were skipped; cmocka knows only which."""
    names = " ".join(CMOCKA_SKIPPED.findall(output))
    return PYTEST_REASON.findall(output) + re.findall(r"\] (\w+)", names)


def entry(case):
    """The counts of one ctest entry."""
    count = functions(case.findtext("system-out") or "")
    if case.get("status") == "run":
        return count or Counter(passed=1)
    if case.get("status") == "disabled":
        return Counter(skipped=1)
    return count | Counter(failed=1)  # at least one: it may have died before it counted


def cases(report):
    """The entries of a report by name."""
    found = xml.parse(report).getroot().findall("testcase")
    return {case.get("name"): case for case in found}


def unsteady(again):
    """Which of those that ran once more passed then."""
    return [name for name, case in again.items() if not entry(case)["failed"]]


def main(report, again=None):
    total = Counter()
    try:
        ran = cases(report)
        second = cases(again) if again and os.path.exists(again) else {}
    except (OSError, xml.ParseError) as problem:
        print(f"prong: ctest left no report: {problem}", file=sys.stderr)
        ran, second = {}, {}

    for name, case in (ran | second).items():
        count = entry(case)
        total += count
        for reason in reasons(case.findtext("system-out") or ""):
            print(f"skipped: {name}: {reason}")
        if count["failed"]:
            print(f"failed: {name}")
    for name in unsteady(second):
        print(f"unsteady: {name} failed beside the others and passed alone")

    if total["passed"] == 0 and total["failed"] == 0:
        print("prong: no test ran", file=sys.stderr)
        total["failed"] = 1
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{total['passed']} passed, {total['failed']} failed{skipped}")
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
