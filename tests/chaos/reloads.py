# SPDX-License-Identifier: MIT
"""So many reloads, every other one of a broken configuration, and so many killed workers, under many
new connections a second: nobody is refused, and nothing is lost but with its worker."""

import time

from arrivals import Arrivals
from daemon import Daemon
from process import GOOD, SETTINGS, WORKERS, Process
from trial import raise_limit


def spread(acts, seconds):
    """Evenly over the time."""
    begin = time.monotonic()
    for number, act in enumerate(acts):
        time.sleep(max(0, begin + seconds * number / len(acts) - time.monotonic()))
        yield act


def run(chance, seconds, rate, reloads, kills, progress=lambda text: None):
    """What went wrong, and a summary."""
    raise_limit()
    daemon = Daemon(GOOD, WORKERS, **SETTINGS)
    trial = Process(daemon, chance)
    acts = (["reload", "broken_reload"] * reloads)[:reloads] + ["kill_one"] * kills
    chance.shuffle(acts)
    try:
        daemon.start()
        with Arrivals(daemon.address("echo"), rate) as arrivals:
            trial.schedule(spread(acts, seconds), None)
            trial.end()
    finally:
        trial.clean_up()
    return (trial.problems + arrivals.problems(trial.excused),
            f"{trial.summary()}\n{arrivals.summary()}")
