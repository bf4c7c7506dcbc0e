# SPDX-License-Identifier: MIT
"""What TAB does behind prongctl: asked of prongctl itself, and in real shells at a terminal."""

import re
import shutil
import subprocess
import time

import pytest

from daemon import PRONGCTL, TREE, server
from terminal import Terminal

COMPLETION = TREE / "daemon/completion"

# Complete by the real program; what is entered in the end shows its words instead of doing it.
FUNCTION = (f'prongctl() {{ if [ "$1" = --complete ]; then {PRONGCTL} "$@"; '
            "else printf '<%s>' \"$@\"; echo .; fi; }")


def complete(*words):
    """{word: help}"""
    done = subprocess.run([PRONGCTL, "--complete", *words], capture_output=True, text=True,
                          check=True)
    return dict((line + "\t").split("\t")[:2] for line in done.stdout.splitlines())


@pytest.fixture
def chat(prongd):
    return prongd(server("chat", "echo") + server("news", "echo"), workers=3)


# --- prongctl itself ---


def test_commands_come_with_their_help():
    found = complete("rel")
    assert found == {"reload": found["reload"]}
    assert found["reload"].startswith("Reloads the configuration")


def test_every_command_is_offered_where_nothing_was_typed():
    helped = subprocess.run([PRONGCTL, "--help"], capture_output=True, text=True).stdout
    section = helped.partition("Commands:\n")[2].partition("\n\n")[0]
    assert list(complete("")) == [line.split()[0] for line in section.splitlines()]


def test_options_of_the_command_are_offered_behind_it_alone():
    assert "--no-wait" in complete("reload", "--")
    assert "--no-wait" not in complete("status", "--")
    assert "--config=" in complete("--c")


@pytest.mark.parametrize("words", [["-c", ""], ["--config", ""], ["--config="],
                                   ["status", "-s", "/run/"]])
def test_files_are_left_to_the_shell(words):
    assert list(complete(*words)) == [":files"]


def test_words_of_an_argument_are_offered():
    assert list(complete("log-level", "")) == ["error", "warning", "notice", "info", "debug"]
    assert list(complete("workers", "m")) == ["more"]


def test_behind_the_last_argument_there_is_nothing():
    assert complete("log-level", "info", "") == {}
    assert complete("bogus", "") == {}
    assert complete() == complete("")


def test_the_slots_are_those_of_the_prongd_that_runs(chat):
    assert list(complete("-c", str(chat.config), "recycle", "")) == ["0", "1", "2"]
    assert list(complete(f"--config={chat.config}", "recycle", "2")) == ["2"]


def test_nobody_hears_that_no_prongd_runs(tmp_path):
    started = time.monotonic()
    assert complete("-s", str(tmp_path / "none"), "recycle", "") == {}
    assert time.monotonic() - started < 30


# --- bash ---


@pytest.fixture
def bash():
    with Terminal("bash", "--norc", "--noprofile", "-i", PS1="ready> ") as bash:
        bash.wait_for("ready> ")
        bash.type(f"{FUNCTION}; . {COMPLETION}/prongctl.bash; bind 'set bell-style none'; "
                  "echo prepa''red\n")
        bash.wait_for("prepared\r\n")
        yield bash


def enter(shell, text):
    """Types it, and returns the words that the command then gets."""
    shell.type(text + "\n")
    return re.findall("<([^>]*)>", shell.wait_for(r"<[^\r\n]*>\."))


def test_bash_completes_commands_options_and_values(bash):
    assert enter(bash, "prongctl reb\t") == ["rebalance"]
    assert enter(bash, "prongctl reload --no\t") == ["reload", "--no-wait"]
    assert enter(bash, "prongctl log-level d\t") == ["log-level", "debug"]


def test_bash_completes_values_behind_an_equals_sign(bash, tmp_path):
    (tmp_path / "my.conf").touch()
    assert enter(bash, f"prongctl --conf\t{tmp_path}/my\t") == [f"--config={tmp_path}/my.conf"]
    assert enter(bash, f"prongctl -c {tmp_path}/my\tstat\t") == \
        ["-c", f"{tmp_path}/my.conf", "status"]


def test_bash_completes_what_runs(bash, prongd):
    one = prongd(server("chat", "echo"), workers=1)
    assert enter(bash, f"prongctl -c {one.config} recy\t\t") == ["-c", str(one.config), "recycle", "0"]


# --- zsh ---


@pytest.fixture
def zsh(tmp_path):
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    with Terminal("zsh", "-f", "-i", ZDOTDIR=str(tmp_path)) as zsh:
        zsh.type(f"{FUNCTION}; fpath=({COMPLETION} $fpath); autoload -Uz compinit; compinit -u -D; "
                 "unsetopt beep; echo prepa''red\n")
        zsh.wait_for("prepared\r\n")
        yield zsh


def test_zsh_completes_commands_options_and_values(zsh, tmp_path):
    (tmp_path / "my.conf").touch()
    assert enter(zsh, "prongctl reb\t") == ["rebalance"]
    assert enter(zsh, "prongctl reload --no\t") == ["reload", "--no-wait"]
    assert enter(zsh, "prongctl log-level d\t") == ["log-level", "debug"]
    assert enter(zsh, f"prongctl --conf\t{tmp_path}/my\t") == [f"--config={tmp_path}/my.conf"]


def test_zsh_completes_what_runs(zsh, prongd):
    one = prongd(server("chat", "echo"), workers=1)
    assert enter(zsh, f"prongctl -c {one.config} recy\t\t") == ["-c", str(one.config), "recycle", "0"]


def test_zsh_finds_no_mistake_in_it():
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    subprocess.run(["zsh", "-n", COMPLETION / "_prongctl"], check=True)
