# SPDX-License-Identifier: MIT
"""Modules for the tests, compiled as a user of the installed headers would."""

import subprocess

from daemon import TREE

SOURCES = TREE / "tests/integration/modules"
HEADERS = [f"-I{TREE}/daemon/include", f"-I{TREE}/lib/include"]


def compile_module(source, target, **macros):
    """The file is replaced as a whole, as an installation does it.  A source with a dot stands in
    the folder; anything else is the text itself."""
    text = (SOURCES / source).read_text() if source.endswith(".c") else source
    fresh = target.with_suffix(".new")
    done = subprocess.run(
        ["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-pthread",
         *HEADERS, *[f"-D{name}={value}" for name, value in macros.items()],
         "-x", "c", "-", "-o", fresh],
        input=text, capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 0, done.stderr
    fresh.rename(target)
    return target


# In the order of trouble.c.
PLACES = ("LOAD CONFIGURE START STOP CONNECTION DATA END TIMEOUT CLOSE SAVE RESTORE LEAVE "
          "CAN_MOVE BROADCAST MESSAGE LOST").split()


def compile_trouble(target, where="NOWHERE", how="CRASH"):
    """A module that goes wrong in a callback, or in none."""
    number = PLACES.index(where) if where in PLACES else -1
    return compile_module("trouble.c", target, WHERE=number, HOW=how)


def compile_example(target, *sources, **macros):
    """An example of daemon/examples, as its own project builds it."""
    folder = TREE / "daemon/examples"
    fresh = target.with_suffix(".new")
    done = subprocess.run(
        ["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", *HEADERS,
         *[f"-D{name}={value}" for name, value in macros.items()],
         *[folder / source for source in sources], "-o", fresh],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    fresh.rename(target)
    return target
