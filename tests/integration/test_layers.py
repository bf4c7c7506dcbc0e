# SPDX-License-Identifier: MIT
"""The layer rule: an #include that points upwards does not compile."""

import json
import shlex
import subprocess

import pytest

from daemon import BUILD, TREE

UPWARDS = [
    ("lib/src", "log.h"),
    ("lib/src", "worker.h"),
    ("daemon/base", "config.h"),
    ("daemon/base", "master.h"),
    ("daemon/base", "worker.h"),
    ("daemon/config", "master.h"),
    ("daemon/config", "worker.h"),
    ("daemon/handlers", "worker.h"),
    ("daemon/handlers", "log.h"),
    ("daemon/handlers/exec", "config.h"),
    ("daemon/handlers/exec", "service.h"),
    ("daemon/keeper", "config.h"),
    ("daemon/keeper", "worker.h"),
    ("daemon/worker", "master.h"),
    ("daemon/worker", "keeper.h"),
    ("daemon/master", "keeper.h"),
    ("daemon/master", "worker.h"),
    ("daemon/ctl", "config.h"),
]
DOWNWARDS = [
    ("daemon/base", "prong/socket.h"),
    ("daemon/config", "log.h"),
    ("daemon/handlers/exec", "words.h"),
    ("daemon/keeper", "ipc.h"),
    ("daemon/worker", "host.h"),
    ("daemon/worker", "prongd/handler.h"),
    ("daemon/worker", "scoreboard.h"),
    ("daemon/master", "config.h"),
]


def compiles(layer, header):
    """Compiles one #include exactly as the build compiles a file of that layer."""
    folder = TREE / layer
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    command = next(
        entry for entry in commands if entry["file"].rpartition("/")[0] == str(folder)
    )
    words = shlex.split(command["command"])
    words = words[: words.index("-o")] + ["-x", "c", "-fsyntax-only", "-"]
    return subprocess.run(
        words, input=f'#include "{header}"\n', cwd=command["directory"], text=True,
        capture_output=True, timeout=60,
    )


@pytest.mark.parametrize("layer, header", UPWARDS)
def test_an_upward_include_fails(layer, header):
    answer = compiles(layer, header)
    assert answer.returncode != 0
    assert "No such file" in answer.stderr


@pytest.mark.parametrize("layer, header", DOWNWARDS)
def test_a_downward_include_works(layer, header):
    answer = compiles(layer, header)
    assert answer.returncode == 0, answer.stderr
