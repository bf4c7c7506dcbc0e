# SPDX-License-Identifier: MIT
"""An installed prongd: its programs, headers and packages in a prefix of the test's own."""

import os
import subprocess
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]


def run(*command, timeout=300, **environment):
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}"
    return done.stdout


def install(build, prefix):
    run("cmake", "-S", TREE, "-B", build, "-G", "Ninja", "-DPRONG_TESTS=OFF",
        "-DPRONG_SYSTEMD=OFF", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
        f"-DCMAKE_INSTALL_PREFIX={prefix}", "-DCMAKE_INSTALL_SYSCONFDIR=etc")
    run("cmake", "--build", build)
    run("cmake", "--install", build)


def build_against(prefix, source, build):
    """A project outside the tree; its modules are installed into the prefix, too."""
    run("cmake", "-S", source, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DCMAKE_INSTALL_PREFIX={prefix}")
    run("cmake", "--build", build)
    run("cmake", "--install", build)
