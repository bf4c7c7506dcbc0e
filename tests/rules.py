#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of rules in tests/README.md: made from rules.txt and the tests, or checked.

A rule needs a test or a reason; a test that cites a rule needs the rule; the table must be what
--write would make of both today.
"""
import argparse
import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

HERE = Path(__file__).resolve().parent
RULES = HERE / "rules.txt"
README = HERE / "README.md"
COUNT = 150
BEGIN = "<!-- rules: made by tests/rules.py --write -->\n"
END = "<!-- end of rules -->\n"


class Rule:
    def __init__(self, number, title):
        self.number = number
        self.title = title
        self.cited = []  # names of tests
        self.tests = []  # (file, name)
        self.because = ""


def read_rules(problems):
    """rules.txt as {number: Rule}, and {0: section} markers kept in order."""
    rules, sections, rule, section = {}, {}, None, None
    for line_number, line in enumerate(RULES.read_text().splitlines(), 1):
        where = f"{RULES.name}:{line_number}"
        if match := re.fullmatch(r"# --- (.*) ---", line):
            section = match[1]
        elif not line.strip() or line.startswith("#"):
            continue
        elif match := re.fullmatch(r"R(\d+) (.+)", line):
            rule = Rule(int(match[1]), match[2])
            if rule.number in rules:
                problems.append(f"{where}: R{rule.number} is there twice")
            rules[rule.number] = rule
            if section:
                sections[rule.number], section = section, None
        elif match := re.fullmatch(r" +by: (\w+)", line):
            rule.cited.append(match[1])
        elif match := re.fullmatch(r" +because: (.+)", line):
            rule.because = match[1]
        else:
            problems.append(f"{where}: neither a rule nor what belongs to one")
    return rules, sections


def read_tests(problems):
    """Every test function there is: {name: file}."""
    tests = {}
    programs = (HERE / "CMakeLists.txt").read_text()
    for path in sorted(HERE.glob("unit/test_*.c")):
        text = path.read_text()
        if f"unit_test({path.stem.removeprefix('test_')} " not in programs:
            problems.append(f"{path.name} is not built: CMakeLists.txt has no unit_test() of it")
        for name in re.findall(r"^static void (\w+)\(void \*\*state\)", text, re.M):
            tests[name] = path.name
            if len(re.findall(rf"\b{name}\b", text)) < 2:
                problems.append(f"{path.name}: {name} is not in the list of tests")
    for path in sorted(HERE.glob("integration/test_*.py")):
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.M):
            tests[name] = path.name
    return tests


def collect():
    problems = []
    rules, sections = read_rules(problems)
    tests = read_tests(problems)
    for rule in rules.values():
        rule.tests = [(tests[name], name) for name in rule.cited if name in tests]
        problems += [f"R{rule.number}: there is no test {name}"
                     for name in rule.cited if name not in tests]
    for name, file in tests.items():
        if not (match := re.match(r"r(\d{3})_", name)):
            continue
        if int(match[1]) in rules:
            rules[int(match[1])].tests.append((file, name))
        else:
            problems.append(f"{file}: {name} pins a rule that is not there")
    for number in range(1, COUNT + 1):
        if number not in rules:
            problems.append(f"{RULES.name}: R{number} is missing")
        elif not rules[number].tests and not rules[number].because:
            problems.append(f"R{number} has neither a test nor a reason")
    return rules, sections, problems


def cell(rule):
    """What pins a rule: tests by file, and the reason."""
    files = {}
    for file, name in dict.fromkeys(rule.tests):
        files.setdefault(file, []).append(re.sub(r"^(r\d{3}|test)_", "", name))
    parts = [f"`{file}`: {', '.join(name.replace('_', ' ') for name in names)}"
             for file, names in files.items()]
    if rule.because:
        parts.append(f"*{rule.because}*")
    return "<br>".join(parts)


def table(rules, sections):
    lines = []
    for number in sorted(rules):
        rule = rules[number]
        if number in sections:
            lines += ["", f"### {sections[number]}", "", "| rule | what holds | pinned by |",
                      "| --- | --- | --- |"]
        lines.append(f"| R{number} | {rule.title} | {cell(rule)} |")
    return "\n".join(lines).lstrip("\n") + "\n"


def read_ran(reports):
    """Names of the cmocka tests that ran and did not fail, and names of pytest files that passed."""
    names, files = set(), set()
    for report in filter(Path.exists, map(Path, reports)):
        for case in xml.parse(report).getroot().findall("testcase"):
            output = case.findtext("system-out") or ""
            names |= set(re.findall(r"^\[ +(?:OK|SKIPPED) \] (\w+)", output, re.M))
            if case.get("status") == "run":
                files.add(case.get("name").rpartition(".")[2])
    return names, files


def missing_from(reports, rules):
    """Of the tests that pin a rule, those that did not run."""
    names, files = read_ran(reports)
    for rule in rules.values():
        for file, name in rule.tests:
            stem = file.rpartition(".")[0].removeprefix("test_")
            if not (stem in files if file.endswith(".py") else name in names):
                yield f"R{rule.number}: {name} of {file} did not run, or failed"


def split_readme():
    text = README.read_text()
    before, rest = text.split(BEGIN)
    old, after = rest.split(END)
    return before, old, after


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="put the table into tests/README.md")
    mode.add_argument("--check", action="store_true", help="fail on holes and on an old table")
    mode.add_argument("--ran", nargs="+", metavar="REPORT",
                      help="fail unless all that the table names passed, by ctest's reports")
    options = parser.parse_args()

    rules, sections, problems = collect()
    before, old, after = split_readme()
    new = table(rules, sections)
    if options.write:
        README.write_text(before + BEGIN + new + END + after)
    elif options.check and old != new:
        problems.append(f"{README.name} is not up to date: run tests/rules.py --write")
    elif options.ran:
        problems += missing_from(options.ran, rules)
    print(*problems, sep="\n", end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
