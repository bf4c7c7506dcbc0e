# SPDX-License-Identifier: MIT

import pytest

from daemon import Daemon


@pytest.fixture
def make_daemon():
    """Makes daemons that are not started yet; checks all of them at the end."""
    daemons = []

    def make(*arguments, **options):
        daemons.append(Daemon(*arguments, **options))
        return daemons[-1]

    yield make
    for daemon in daemons:
        daemon.finish()


@pytest.fixture
def prongd(make_daemon):
    """Makes daemons that serve."""
    return lambda *arguments, **options: make_daemon(*arguments, **options).start()
