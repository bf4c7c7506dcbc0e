# SPDX-License-Identifier: MIT
"""The Debian packages: built twice, of this version and as the next one, for the tests of them."""

import os
import re
import shutil
import subprocess

from installed import TREE, run

NAMES = ("libprong0", "libprong-dev", "prong-dev", "prong")


def version_of(tree):
    return re.search(r"project\(prong VERSION (\S+)", (tree / "CMakeLists.txt").read_text())[1]


def next_version():
    major, minor, patch = version_of(TREE).split(".")
    return f"{major}.{minor}.{int(patch) + 1}"


class Packages:
    """What the preset `debian` makes of a tree."""

    def __init__(self, tree, build):
        self.version = version_of(tree)
        launcher = [f"-DCMAKE_C_COMPILER_LAUNCHER={shutil.which('ccache')}"] * bool(
            shutil.which("ccache"))
        run("cmake", "--preset", "debian", "-S", tree, "-B", build, *launcher)
        self.output = run("cmake", "--build", build, "--target", "package", timeout=1200)
        self.directory = build / "packages"

    def file(self, name):
        return next(self.directory.glob(f"{name}_*.deb"))

    def files(self):
        """Without those for debuggers."""
        return [self.file(name) for name in NAMES]

    def field(self, name, field):
        return run("dpkg-deb", "--field", self.file(name), field).strip()

    def contents(self, name):
        """{path: mode}, without directories."""
        listed = run("dpkg-deb", "--contents", self.file(name))
        return {line.split()[5].removeprefix("."): line.split()[0]
                for line in listed.splitlines() if not line.startswith("d")}


def copy_as_next_version(directory):
    """The tree with another version, as if somebody had worked on it."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"], cwd=TREE, check=True, capture_output=True).stdout
    for name in filter(None, os.fsdecode(listed).split("\0")):
        if (TREE / name).is_file() and not name.startswith("tests/"):
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TREE / name, directory / name)
    file = directory / "CMakeLists.txt"
    file.write_text(file.read_text().replace(f"VERSION {version_of(TREE)}",
                                             f"VERSION {next_version()}", 1))
