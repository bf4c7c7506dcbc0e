# SPDX-License-Identifier: MIT
"""tests/chaos/reloads.py for a few seconds."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "chaos"))

import reloads  # noqa: E402


def test_nobody_is_refused_and_nothing_is_lost_but_with_its_worker(prongd):
    daemon = prongd(reloads.GOOD, workers=4)
    problems, summary = reloads.run(daemon, seconds=6, rate=300, reloads=10, kills=20)
    assert not problems, "\n".join([summary, *problems])
