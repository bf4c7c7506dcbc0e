# SPDX-License-Identifier: MIT
"""A project outside the tree builds against an installed libprong, in C and in C++."""

from pathlib import Path

import pytest

from installed import TREE, run

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module", params=["shared", "static"])
def stage(request, tmp_path_factory):
    """A prefix into which the library was installed, and how it was linked."""
    build = tmp_path_factory.mktemp("build")
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "-S", TREE, "-B", build, "-G", "Ninja",
        "-DPRONG_DAEMON=OFF", "-DPRONG_TESTS=OFF",
        f"-DBUILD_SHARED_LIBS={'ON' if request.param == 'shared' else 'OFF'}",
        f"-DCMAKE_INSTALL_PREFIX={prefix}")
    run("cmake", "--build", build)
    run("cmake", "--install", build)
    return prefix, request.param


def library_folder(prefix):
    return next(prefix.glob("lib*/**/libprong.*")).parent


def test_find_package_serves_a_c_and_a_cpp_program(stage, tmp_path):
    prefix, _ = stage
    run("cmake", "-S", HERE, "-B", tmp_path, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path)
    for program in ("outside-c", "outside-cpp"):
        assert "listening on 127.0.0.1:" in run(tmp_path / program)


@pytest.mark.parametrize("compiler, source", [("cc", "main.c"), ("c++", "main.cpp")])
def test_pkg_config_serves_a_c_and_a_cpp_program(stage, tmp_path, compiler, source):
    prefix, linkage = stage
    folder = library_folder(prefix)
    static = ["--static"] if linkage == "static" else []
    flags = run("pkg-config", "--cflags", "--libs", *static, "prong",
                PKG_CONFIG_PATH=str(folder / "pkgconfig")).split()
    run(compiler, HERE / source, "-o", tmp_path / "program", *flags, "-lev")
    assert "listening on 127.0.0.1:" in run(tmp_path / "program", LD_LIBRARY_PATH=str(folder))


def test_what_is_installed_names_no_path_of_the_machine_that_built_it(stage):
    prefix, _ = stage
    for file in prefix.glob("lib*/**/*.cmake"):
        assert str(TREE) not in file.read_text()
        assert "libev.so" not in file.read_text()


def test_every_public_header_is_installed(stage):
    prefix, _ = stage
    ours = {header.name for header in (TREE / "lib/include/prong").glob("*.h")}
    assert {header.name for header in (prefix / "include/prong").glob("*.h")} == ours
