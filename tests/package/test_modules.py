# SPDX-License-Identifier: MIT
"""Modules that are built outside the tree, against an installed prongd, serve."""

import subprocess
import sys
from pathlib import Path

import pytest

from installed import build_against, install, run

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import daemon as harness  # noqa: E402
from client import connect, receive  # noqa: E402


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    for folder in (prefix, *prefix.parents):
        if folder.stat().st_uid == prefix.stat().st_uid and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    install(tmp_path_factory.mktemp("build"), prefix)
    return prefix


def test_new_module_makes_a_project_that_builds_and_passes_its_test(prefix, tmp_path):
    made = subprocess.run([prefix / "bin/prongctl", "new-module", "counting"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    assert "ctest --test-dir build" in made.stdout
    project = tmp_path / "counting"
    assert sorted(path.name for path in project.iterdir()) == [
        "CMakeLists.txt", "counting.c", "test.py"]
    assert not any("@NAME@" in path.read_text() for path in project.iterdir())
    build_against(prefix, project, project / "build")
    assert "100% tests passed" in run("ctest", "--test-dir", project / "build",
                                      "--output-on-failure")
    assert (next(prefix.glob("lib*/**/prong/modules")) / "counting.so").is_file()


@pytest.mark.parametrize("name, status, problem", [
    ("Counting", 2, "cannot be a module's name"),
    ("test", 2, "cannot be a module's name"),
    ("../up", 2, "cannot be a module's name"),
    ("taken", 1, "prongctl: taken: File exists"),
])
def test_new_module_refuses_what_it_cannot_make(prefix, tmp_path, name, status, problem):
    (tmp_path / "taken").mkdir()
    made = subprocess.run([prefix / "bin/prongctl", "new-module", name], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    assert made.returncode == status
    assert problem in made.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.fixture
def prongd(prefix, monkeypatch):
    monkeypatch.setattr(harness, "PRONGD", prefix / "sbin/prongd")
    monkeypatch.setattr(harness, "PRONGCTL", prefix / "bin/prongctl")
    daemons = []

    def make(*arguments, **options):
        daemons.append(harness.Daemon(*arguments, **options).start())
        return daemons[-1]

    yield make
    for daemon in daemons:
        daemon.finish()


def test_a_project_in_c_and_cpp_finds_the_package_and_its_modules_are_found_by_name(
        prefix, prongd, tmp_path):
    build_against(prefix, HERE / "module", tmp_path)
    daemon = prongd(harness.server("upper", "upper") + harness.server("lower", "lower"))
    for name, answer in [("upper", b"HELLO"), ("lower", b"hello")]:
        with connect(daemon.address(name)) as client:
            client.sendall(b"Hello")
            assert receive(client, 5) == answer


def test_pkg_config_tells_the_headers_and_the_directory(prefix, prongd, tmp_path):
    packages = next(prefix.glob("lib*/**/prongd.pc")).parent
    ask = ["pkg-config", "prongd"]
    flags = run(*ask, "--cflags", PKG_CONFIG_PATH=str(packages)).split()
    directory = run(*ask, "--variable=moduledir", PKG_CONFIG_PATH=str(packages)).strip()
    assert directory.startswith(str(prefix))
    run("cc", "-shared", "-fPIC", *flags, HERE / "module/upper.c", "-o", tmp_path / "upper.so")
    tmp_path.chmod(0o755)
    daemon = prongd(harness.server("upper", tmp_path / "upper.so"))
    with connect(daemon.address("upper")) as client:
        client.sendall(b"Hello")
        assert receive(client, 5) == b"HELLO"
