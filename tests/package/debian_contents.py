# SPDX-License-Identifier: MIT
"""What the Debian packages hold and need, and what lintian says of them."""

import re

import pytest

from installed import TREE, run
from packages import NAMES

LIBRARY = "/usr/lib/" + run("dpkg-architecture", "--query", "DEB_HOST_MULTIARCH").strip()

EXPECTED = {
    "libprong0": {f"{LIBRARY}/libprong.so.0"},
    "libprong-dev": {
        f"{LIBRARY}/libprong.so", f"{LIBRARY}/pkgconfig/prong.pc",
        f"{LIBRARY}/cmake/prong/prong-config.cmake",
        "/usr/share/man/man3/prong.3.gz", "/usr/share/man/man3/prong_socket_write.3.gz",
        *(f"/usr/include/prong/{header.name}"
          for header in (TREE / "lib/include/prong").glob("*.h")),
    },
    "prong-dev": {
        f"{LIBRARY}/pkgconfig/prongd.pc", f"{LIBRARY}/cmake/prongd/prongd-config.cmake",
        "/usr/share/prong/module/NAME.c",
        *(f"/usr/include/prongd/{header.name}"
          for header in (TREE / "daemon/include/prongd").glob("*.h")),
    },
    "prong": {
        "/usr/sbin/prongd", "/usr/bin/prongctl", "/etc/prong/prongd.conf", "/etc/logrotate.d/prong",
        "/usr/lib/systemd/system/prongd.service", "/usr/lib/systemd/system/prongd@.service",
        "/usr/lib/systemd/system/prongd.socket", "/usr/lib/sysusers.d/prong.conf",
        "/usr/lib/tmpfiles.d/prong.conf", "/usr/share/man/man8/prongd.8.gz",
        "/usr/share/man/man5/prongd.conf.5.gz", "/usr/share/man/man1/prongctl.1.gz",
        "/usr/share/bash-completion/completions/prongctl",
        "/usr/share/zsh/vendor-completions/_prongctl",
    },
}


@pytest.mark.parametrize("name", NAMES)
def test_a_package_has_what_belongs_to_it_and_its_papers(packages, name):
    papers = {f"/usr/share/doc/{name}/{file}"
              for file in ("copyright", "changelog.gz", "changelog.Debian.gz")}
    assert not (EXPECTED[name] | papers) - set(packages.contents(name))


def test_no_file_is_in_two_packages(packages):
    seen = [file for name in NAMES for file in packages.contents(name)]
    assert len(seen) == len(set(seen))


def test_packages_of_one_build_belong_together(packages):
    exactly = f"(= {packages.field('prong', 'Version')})"
    assert f"libprong0 {exactly}" in packages.field("prong", "Depends")
    assert f"libprong0 {exactly}" in packages.field("libprong-dev", "Depends")
    assert f"libprong-dev {exactly}" in packages.field("prong-dev", "Depends")


def test_the_libraries_that_are_linked_are_needed(packages):
    needed = packages.field("prong", "Depends")
    for library in ("libc6", "libev4", "libinih1", "libjansson4", "libmicrohttpd12",
                    "libsystemd0"):
        assert re.search(rf"\b{library} \(>= ", needed), library
    assert "libc-ares2 (>=" in packages.field("libprong0", "Depends")


def test_others_learn_which_package_has_the_library(packages, tmp_path):
    run("dpkg-deb", "--control", packages.file("libprong0"), tmp_path)
    version = packages.field("libprong0", "Version")
    assert (tmp_path / "shlibs").read_text().split() == \
        ["libprong", "0", "libprong0", "(>=", f"{version})"]
    assert (tmp_path / "triggers").read_text() == "activate-noawait ldconfig\n"


def test_every_file_below_etc_is_the_operators(packages, tmp_path):
    run("dpkg-deb", "--control", packages.file("prong"), tmp_path)
    files = {file for file in packages.contents("prong") if file.startswith("/etc/")}
    assert set((tmp_path / "conffiles").read_text().split()) == files


def test_programs_are_without_what_a_debugger_needs_which_is_beside_them(packages, tmp_path):
    run("dpkg-deb", "--extract", packages.file("prong"), tmp_path)
    assert "stripped" in (kind := run("file", tmp_path / "usr/sbin/prongd"))
    assert "not stripped" not in kind
    assert {file.name.split("_")[0] for file in packages.directory.glob("*.ddeb")} == \
        {"libprong0-dbgsym", "prong-dbgsym"}


def test_lintian_finds_nothing_but_the_stated_exceptions(packages):
    said = run("lintian", "--allow-root", "--display-info", "--pedantic", "--fail-on", "none",
               *packages.files(), timeout=300)
    assert [line for line in said.splitlines() if not line.startswith("N:")] == []
