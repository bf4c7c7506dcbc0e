# SPDX-License-Identifier: MIT

import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest

from daemon import IS_ROOT, PRONGCTL, PRONGD, Daemon


@pytest.fixture
def make_daemon():
    """Makes daemons that are not started yet; checks all of them at the end."""
    daemons = []

    def make(*arguments, **options):
        daemons.append(Daemon(*arguments, **options))
        return daemons[-1]

    yield make
    with contextlib.ExitStack() as stack:  # all of them, also after a failure
        for daemon in daemons:
            stack.callback(daemon.finish)


@pytest.fixture
def prongd(make_daemon):
    """Makes daemons that serve."""
    return lambda *arguments, **options: make_daemon(*arguments, **options).start()


@pytest.fixture
def unprivileged(monkeypatch):
    """What to pass to launch() or start() so that the daemon is not root's."""
    if not IS_ROOT:
        yield {}
        return
    # The tree may be where only root can go.
    directory = Path(tempfile.mkdtemp(prefix="prong-"))
    directory.chmod(0o755)
    monkeypatch.setattr("daemon.PRONGD", shutil.copy(PRONGD, directory))
    monkeypatch.setattr("daemon.PRONGCTL", shutil.copy(PRONGCTL, directory))
    yield {"user": "nobody", "group": "nogroup", "extra_groups": []}
    shutil.rmtree(directory)
