# SPDX-License-Identifier: MIT

import pytest

from packages import Packages, copy_as_next_version
from installed import TREE


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    return Packages(TREE, tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="session")
def next_packages(tmp_path_factory):
    tree = tmp_path_factory.mktemp("tree")
    copy_as_next_version(tree)
    return Packages(tree, tmp_path_factory.mktemp("build"))
