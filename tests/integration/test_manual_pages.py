# SPDX-License-Identifier: MIT
"""What the manual pages name exists, and what exists they name: options, commands, signals, metrics,
exit statuses.  The pages are compared with what the programs do and print elsewhere."""

import re
import shutil
import subprocess

import pytest

from daemon import PRONGCTL, PRONGD, server

PAGES = {
    "prongd.8": [PRONGD, "--describe=prongd.8"],
    "prongd.conf.5": [PRONGD, "--describe=prongd.conf.5"],
    "prongctl.1": [PRONGCTL, "--describe"],
}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def section(page, title):
    """The text below a heading, without the escapes of roff."""
    text = output(*PAGES[page])
    text = re.sub(r"\\f[BIRP]", "", text).replace("\\-", "-").replace("\\e", "\\")
    return re.search(rf'^\.SH "?{re.escape(title)}"?\n(.*?)(?=^\.SH |\Z)', text, re.M | re.S)[1]


def heads(text):
    """The first line of every paragraph that has one."""
    lines = re.findall(r"^\.TP\n(.*)$", text, re.M)
    return [re.sub(r"^\.\w+ ", "", line).replace('"', "") for line in lines]


def without_nested(text):
    return re.sub(r"^\.RS\n.*?^\.RE\n", "", text, flags=re.M | re.S)


def test_prongctl_1_has_every_command():
    helped = output(PRONGCTL, "--help").partition("Commands:\n")[2].partition("\n\n")[0]
    commands = [line.split()[0] for line in helped.splitlines()]
    found = [head.split()[0] for head in heads(without_nested(section("prongctl.1", "COMMANDS")))]
    assert len(commands) > 10 and found == commands


def options_in(text):
    return re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.M)


def test_prongctl_1_has_every_option_of_every_command():
    text = section("prongctl.1", "COMMANDS")
    rows = re.split(r"^\.TP\n(?=\S)", without_nested(text), flags=re.M)[1:]
    for name in [row.split()[0] for row in rows]:
        nested = re.search(rf"^\.TP\n{name}\b[^\n]*\n[^\n]*\n(?:\.RS\n(.*?)^\.RE\n)?", text,
                           re.M | re.S)[1] or ""
        assert [head.split()[0] for head in heads(nested)] == \
            options_in(output(PRONGCTL, name, "--help")), name


def test_prongctl_1_has_every_option_of_prongctl():
    own = section("prongctl.1", "OPTIONS").partition("\n.PP\n")[0]
    assert re.findall(r"--[\w-]+", " ".join(heads(own))) == options_in(output(PRONGCTL, "--help"))


def test_prongctl_1_has_every_exit_status():
    helped = output(PRONGCTL, "--help").partition("Exit status:\n")[2]
    assert heads(section("prongctl.1", "EXIT STATUS")) == re.findall(r"^  (\d)", helped, re.M)


def test_prongd_8_has_every_option_signal_and_exit_status():
    helped = output(PRONGD, "--help")
    options, _, rest = helped.partition("\nSignals")
    signals, _, statuses = rest.partition("\nExit status:\n")
    own = re.findall(r"--[\w-]+", " ".join(heads(section("prongd.8", "OPTIONS"))))
    assert set(own) == set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", options, re.M))
    assert [head.split()[0] for head in heads(section("prongd.8", "SIGNALS"))] == \
        re.findall(r"^  ([A-Z]\w+)", signals, re.M)
    assert heads(section("prongd.8", "EXIT STATUS")) == re.findall(r"^  (\d)", statuses, re.M)


def test_prongd_8_has_every_handler():
    handlers = re.findall(r"^handler (\S+):", output(PRONGD, "-V"), re.M)
    assert heads(section("prongd.8", "HANDLERS")) == handlers


def test_prongd_8_has_every_metric(prongd):
    daemon = prongd(server("echo", "echo"))
    text = output(PRONGCTL, "-c", daemon.config, "metrics")
    metrics = re.findall(r"^# TYPE (\S+)", text, re.M)
    page = section("prongd.8", "METRICS")
    assert len(metrics) > 20
    # Its label is told in words.
    assert ["prong_build_info", *heads(page)] == metrics
    assert "prong_build_info" in page


def options_of(page_section):
    """Those of one section, whose heads are `name = type`."""
    return [head.split(" =")[0] for head in heads(page_section)]


def dumped(text, title):
    """The options of a section of what prongd prints, also those that are only a comment."""
    part = re.search(rf"^\[{re.escape(title)}\]\n(.*?)(?=^\[|^# ---|\Z)", text, re.M | re.S)[1]
    return set(re.findall(r"^#?(\w+)\s*=", part, re.M))


@pytest.mark.parametrize("own, title", [("prongd", "THE SECTION [prongd]"),
                                        ("server echo", "A SECTION [server NAME]")])
def test_prongd_conf_5_has_every_option(own, title, tmp_path):
    file = tmp_path / "prongd.conf"
    file.write_text(sample := output(PRONGD, "--describe=sample"))
    found = set(options_of(section("prongd.conf.5", title)))
    assert found == dumped(sample, own)
    # What prongd sets, whatever the sample says, but for what the handler adds.
    file.write_text(sample.replace("handler = echo", "handler = hello"))
    assert dumped(output(PRONGD, "-c", file, "-T"), own) <= found


def test_prongd_conf_5_has_every_option_of_every_handler():
    text = section("prongd.conf.5", "HANDLERS")
    parts = re.split(r"^\.SS (\S+)\n", text, flags=re.M)[1:]
    found = {name: options_of(part) for name, part in zip(parts[::2], parts[1::2])}
    assert list(found) == re.findall(r"^handler (\S+):", output(PRONGD, "-V"), re.M)
    sample = output(PRONGD, "--describe=sample")
    for name, options in found.items():
        part = re.search(rf"^# --- Only with handler = {name} ---\n(.*?)(?=^# ---|\Z)", sample,
                         re.M | re.S)
        assert options == (re.findall(r"^#(\w+) = ", part[1], re.M) if part else []), name


@pytest.mark.parametrize("page", PAGES)
def test_a_reader_of_manuals_finds_nothing_wrong(page, tmp_path):
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed")
    (tmp_path / page).write_text(output(*PAGES[page]))
    found = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], cwd=tmp_path,
                           capture_output=True, text=True).stdout
    assert [line for line in found.splitlines() if "missing date" not in line] == []
