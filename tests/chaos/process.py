# SPDX-License-Identifier: MIT
"""What happens to processes: workers that are killed, processes that stand still, reloads good and
broken, clocks that jump, logs that take nothing.  Nobody is refused, and nothing is lost but with
its worker.
"""

import time

import faked_clock
from arrivals import Arrivals
from daemon import Daemon, eventually, server
from descriptors import audit
from steady import SteadyLoad
from surroundings import Surroundings
from trial import PATIENCE, Trial, raise_limit

WORKERS = 4
GOOD = server("echo", "echo", backlog=4096)
BROKEN = [  # what follows good sections
    "backlgo = 1\n",
    "timeout = soon\n",
    "ipv6_only = yes\n",
    server("late", "echo", listen="unix:/no/such/directory/socket"),
    "[server late\n",
]
HANG_S = 10
SETTINGS = {"worker_timeout": f"{HANG_S}s", "max_respawns": 1000}
PAUSE_S = 0.7  # nobody who shall live stands still for longer
GAP_S = 0.4  # between two acts, at most
JUMPS_S = [-86400 * 400, -3600, -5, 5, 3600, 86400 * 400]

# What happens, and how often.
ACTS = {"kill_one": 6, "kill_some": 2, "stop_one": 4, "stop_all": 1, "stop_master": 2,
        "reload": 4, "broken_reload": 4, "reload_while_starting": 3, "kill_while_starting": 2,
        "clock_jumps": 3, "log_blocks": 3}
RARE_ACTS = {"one_hangs": 0.5}  # in a run that is long enough


class Process(Trial):
    sections, settings = GOOD, SETTINGS

    def __init__(self, daemon, chance, surroundings=None):
        super().__init__(daemon, chance)
        self.surroundings = surroundings
        self.log_target = None

    def configure(self, more=""):
        self.daemon.write_config(self.sections + more, log_target=self.log_target,
                                 **self.settings)

    # --- workers ---

    def some_worker(self):
        """A list of one, or of none."""
        ready = [row["pid"] for row in self.status()["workers"] if row["state"] == "ready"]
        return [self.chance.choice(ready)] if ready else []

    def kill_one(self):
        known = self.counts["kills"]
        while self.counts["kills"] == known:  # one may be gone before it is stopped
            self.kill(*eventually(self.some_worker, "a worker is ready"))

    def kill_some(self):
        workers = sorted(self.workers())
        self.kill(*self.chance.sample(workers, min(len(workers), self.chance.randrange(2, 5))))

    def stop_one(self):
        self.pause(self.chance.random() * PAUSE_S, *self.some_worker())

    def stop_all(self):
        self.pause(self.chance.random() * PAUSE_S, self.master, *self.workers())

    def stop_master(self):
        self.pause(self.chance.random() * PAUSE_S, self.master)

    def one_hangs(self):
        """The master ends it."""
        for pid in self.some_worker():
            self.kill_slowly(pid, HANG_S)

    # --- reloads ---

    def judge_reload(self, answer):
        self.counts["refused reloads"] += answer.returncode != 0
        if answer.returncode != 0 and "\nprongctl: " not in "\n" + answer.stderr:
            self.fail(f"a reload is refused without a reason: {answer}")

    def reload(self):
        self.configure()
        answer = self.ctl("reload", "--no-wait")
        self.counts["reloads"] += 1
        if answer.returncode != 0:
            self.fail(f"a good configuration is refused: {answer}")

    def broken_reload(self):
        self.configure(self.chance.choice(BROKEN))
        answer = self.ctl("reload", "--no-wait")
        self.judge_reload(answer)
        if answer.returncode == 0:
            self.fail("a broken configuration is accepted")
        self.configure()

    def reload_while_starting(self):
        self.configure()
        running = []
        for _ in range(self.chance.randrange(2, 5)):
            running.append(self.begin_ctl("reload", "--no-wait"))
            time.sleep(self.chance.random() / 20)
        for one in running:
            self.judge_reload(self.finish_ctl(one))

    def kill_while_starting(self):
        self.configure()
        old = self.workers()
        running = self.begin_ctl("reload", "--no-wait")
        time.sleep(self.chance.random() / 5)
        new = sorted(self.workers() - old)
        self.kill(*self.chance.sample(new, min(len(new), 1)))
        self.judge_reload(self.finish_ctl(running))

    # --- surroundings ---

    def clock_jumps(self):
        self.surroundings.clock.set(self.chance.choice(JUMPS_S))
        self.counts["clock jumps"] += 1

    def log_blocks(self):
        self.log_target = self.chance.choice(self.surroundings.log_targets())
        self.reload()

    # --- all of it ---

    def schedule(self, acts, load):
        """What was lost is opened again: nobody may be refused."""
        for act in acts:
            getattr(self, act)()
            self.counts["acts"] += 1
            if load is not None and self.may_go:
                self.reopen(load)

    def draw(self, seconds):
        """Acts, until the time is over."""
        acts = {**ACTS, **(RARE_ACTS if seconds >= 3 * HANG_S else {})}
        if not self.surroundings.has_clock:
            del acts["clock_jumps"]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            yield self.chance.choices(list(acts), list(acts.values()))[0]
            time.sleep(self.chance.random() * GAP_S)

    def end(self):
        """All is as in the beginning."""
        if self.surroundings is not None:
            self.surroundings.clock.set(0)
        self.log_target = None
        self.configure()
        answer = self.ctl("reload")
        if answer.returncode != 0:
            self.fail(f"the last reload: {answer}")
        self.settle()
        self.daemon.descriptors.clear()
        try:
            audit(self.daemon, ignored=faked_clock.FILES)
        except AssertionError as failure:
            self.fail(str(failure))

    def summary(self):
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return f"{counts}; the slowest answer of the master took {self.slowest_answer:.2f} s"


def run(chance, seconds, connections, rate, progress=lambda text: None):
    """What went wrong, and a summary."""
    raise_limit()
    daemon = Daemon(GOOD, WORKERS, **SETTINGS)
    surroundings = Surroundings(daemon.directory)
    trial = Process(daemon, chance, surroundings)
    if not surroundings.has_clock:
        progress("without clock jumps: faketime is not installed")
    try:
        daemon.start()
        with SteadyLoad(daemon.addresses("echo"), connections=connections,
                        streams=connections // 10, slow=connections // 100, interval=1,
                        patience=PATIENCE) as load, \
                Arrivals(daemon.address("echo"), rate) as arrivals:
            load.command("go")
            trial.schedule(trial.draw(seconds), load)
            trial.end()
            trial.check_steady(load.command("check"))
        daemon.descriptors.clear()
    finally:
        trial.clean_up()
        surroundings.close()
    return (trial.problems + arrivals.problems(trial.excused),
            f"{trial.summary()}\n{arrivals.summary()}")
