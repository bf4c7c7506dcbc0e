# SPDX-License-Identifier: MIT

import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest

from daemon import IS_ROOT, PRONGCTL, PRONGD, Daemon, server
from upstreams import Named


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """tmp_path is in a directory of this run's own: in the one that all runs of a user share, each
    that begins takes everybody else's rights away, those of other users' programs of a test, too."""
    if config.option.basetemp is None:
        config.option.basetemp = tempfile.mkdtemp(prefix="prong-tests-")
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))


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


@pytest.fixture
def named():
    """Makes upstreams with names of one letter."""
    made = []

    def make(name, **options):
        made.append(Named(name, **options))
        return made[-1]

    yield make
    for upstream in made:
        upstream.close()


@pytest.fixture
def proxy(prongd):
    def make(*upstreams, workers=2, **options):
        items = ", ".join(upstreams)
        daemon = prongd(server("relay", "proxy", upstream=items, **options), workers=workers)
        for pid in daemon.worker_pids():
            daemon.descriptors[pid] += 2  # the set of paused sockets stays; a lookup may be on its way
        return daemon

    return make
