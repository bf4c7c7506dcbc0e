# SPDX-License-Identifier: MIT
"""Each scenario of tests/chaos/run for a few seconds."""

import random
import sys
from pathlib import Path

import pytest

import daemon as harness

sys.path.insert(0, str(Path(__file__).parents[1] / "chaos"))

import listeners  # noqa: E402
import moves  # noqa: E402
import process  # noqa: E402
import relay  # noqa: E402
import reloads  # noqa: E402
import uses  # noqa: E402


SEED = 7  # the slow runs draw others


@pytest.fixture(autouse=True)
def program(monkeypatch):
    """A scenario may choose another one."""
    monkeypatch.setattr(harness, "PRONGD", harness.PRONGD)


def check(scenario, **numbers):
    problems, summary = scenario.run(random.Random(SEED), **numbers)
    assert not problems, "\n".join([summary, *problems])


def test_what_happens_to_processes_is_not_noticed():
    check(process, seconds=5, connections=200, rate=50)


def test_faults_in_the_middle_of_moves_cost_only_what_was_killed():
    check(moves, rounds=6, connections=100)


def test_reloads_and_kills_under_load_refuse_nobody():
    check(reloads, seconds=5, rate=200, reloads=8, kills=12)


def test_all_that_moves_connections_costs_none():
    check(uses, connections=200, reloads=3)


def test_relayed_pairs_lose_nothing_whatever_happens():
    check(relay, seconds=6, pairs=25, rate=40, growth_kib=0)


def test_strangers_at_the_listeners_harm_nobody():
    check(listeners, seconds=4, lag_ms=0, growth_kib=0)  # neither is for a busy machine to say
