# SPDX-License-Identifier: MIT
"""Faults in the middle of moves: only what lives in a killed worker is lost, and never one more.

Each round begins something that moves connections (a reload, an upgrade, another number of workers,
a recycled worker, a rebalance) and disturbs it at a random moment.  Then everybody who is left goes
on, and every byte of every connection is checked.
"""

import os
import resource
import time
from collections import Counter

from daemon import BUILD, Daemon, eventually
from descriptors import audit
from ports import reserve
from steady import SteadyLoad
from trial import PATIENCE, Trial, raise_limit, use_program

WORKERS = 4
STREAMS = 0.2  # of all connections; half of them read slowly
AUDIT_EVERY = 25  # rounds
DELAY_S = 0.08  # a fault comes at most so long after the beginning
PAUSE_S = 0.25  # nobody is stopped for longer
SETTINGS = {"shutdown_timeout": "1h", "handoff_timeout": "2s", "max_respawns": 1000}

# What moves connections, and how often.
OPERATIONS = {"reload": 5, "upgrade": 2, "scale": 2, "recycle": 2, "rebalance": 1}

# What disturbs it, how often, and what the handler does meanwhile in so many cases of a hundred.
FAULTS = {
    "nothing": (1, {}),
    "giver_dies": (4, {}),
    "taker_dies": (4, {}),
    "both_die": (3, {}),
    "all_takers_die": (2, {}),
    "master_dies": (1, {}),
    "giver_stops": (2, {}),
    "taker_stops": (3, {}),
    "master_stops": (1, {}),
    "taker_lacks_descriptors": (2, {}),
    "another_reload": (3, {}),
    "broken_reload": (1, {}),
    "save_fails": (1, {"save_fails": 5}),
    "restore_fails": (2, {"restore_fails": 5}),
    "record_spoiled": (2, {"record_spoiled": 5}),
    "handler_waits": (1, {"waits": 80}),
    "taker_dies_and_restore_fails": (1, {"restore_fails": 20}),
}


class Ports:
    """Stay ours while no daemon listens."""

    def __init__(self):
        self.sockets = [reserve("127.0.0.1"), reserve("::1")]
        self.ipv4, self.ipv6 = (one.getsockname()[1] for one in self.sockets)
        self.name = f"@prong-chaos-{os.getpid()}-{self.ipv4}"

    def addresses(self):
        return [("127.0.0.1", self.ipv4), ("::1", self.ipv6), self.name]

    def sections(self, **options):
        rows = "".join(f"{name} = {value}\n" for name, value in options.items())
        return (f"[server fickle]\nlisten = 127.0.0.1:{self.ipv4}, unix:{self.name}\n"
                f"handler = fickle\n{rows}"
                f"[server echo]\nlisten = [::1]:{self.ipv6}\nhandler = echo\n")

    def close(self):
        for one in self.sockets:
            one.close()


class Moves(Trial):
    def __init__(self, daemon, chance, ports):
        super().__init__(daemon, chance)
        self.ports = ports
        self.wanted = WORKERS  # as many as were asked for last
        self.table = Counter()
        self.load = None
        self.also_running = []  # commands of this round
        self.limited = []  # workers that lack descriptors
        self.is_over = False

    def configure(self, **options):
        self.daemon.workers = self.wanted
        self.daemon.write_config(self.ports.sections(**options), **SETTINGS)

    # --- what moves connections: the command that runs ---

    def reload(self):
        return self.begin_ctl("reload", "--no-wait")

    def upgrade(self):
        return self.begin_ctl("upgrade")

    def scale(self):
        self.wanted = self.chance.choice([n for n in range(1, 7) if n != self.wanted])
        return self.begin_ctl("workers", self.wanted)

    def recycle(self):
        return self.begin_ctl("recycle", self.chance.randrange(self.wanted))

    def rebalance(self):
        return self.begin_ctl("rebalance")

    # --- who is disturbed ---

    def delay(self):
        time.sleep(self.chance.random() * DELAY_S)

    def pick(self, pids):
        """A list of one, or of none."""
        return [self.chance.choice(sorted(pids))] if pids else []

    def a_giver(self, old):
        self.delay()
        return self.pick(self.workers() & old)

    def a_taker(self, old):
        """One that came with this round; any, when none comes."""
        deadline = time.monotonic() + 0.5
        while not self.workers() - old and time.monotonic() < deadline:
            time.sleep(0.002)
        self.delay()
        return self.pick(self.workers() - old or self.workers())

    # --- what disturbs it ---

    def nothing(self, old):
        pass

    save_fails = restore_fails = record_spoiled = handler_waits = nothing

    def giver_dies(self, old):
        self.kill(*self.a_giver(old))

    def taker_dies(self, old):
        self.kill(*self.a_taker(old))

    taker_dies_and_restore_fails = taker_dies

    def both_die(self, old):
        taker = self.a_taker(old)
        self.kill(*taker, *self.pick(self.workers() & old))

    def all_takers_die(self, old):
        self.a_taker(old)
        self.kill(*(self.workers() - old))

    def master_dies(self, old):
        self.delay()
        workers = self.kill_master()
        self.daemon.wait()
        eventually(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in workers),
                   "the workers end with their master")
        self.configure()
        self.daemon.start()

    def giver_stops(self, old):
        self.pause(self.chance.random() * PAUSE_S, *self.a_giver(old))

    def taker_stops(self, old):
        """What its givers send fills the socket pairs."""
        self.pause(self.chance.random() * PAUSE_S, *self.a_taker(old))

    def master_stops(self, old):
        self.delay()
        self.pause(self.chance.random() * PAUSE_S, self.master)

    def taker_lacks_descriptors(self, old):
        for pid in self.a_taker(old):
            try:
                count = len(os.listdir(f"/proc/{pid}/fd"))
                _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
                resource.prlimit(pid, resource.RLIMIT_NOFILE,
                                 (count + self.chance.randrange(8), hard))
            except OSError:
                continue  # it is gone
            self.limited.append(pid)

    def another_reload(self, old):
        self.delay()
        for _ in range(self.chance.randrange(1, 4)):
            self.also_running.append(self.begin_ctl("reload", "--no-wait"))

    def broken_reload(self, old):
        self.delay()
        good = self.daemon.config.read_text()
        self.daemon.config.write_text(good + "nonsense = 1\n")
        answer = self.ctl("reload", "--no-wait")
        self.daemon.config.write_text(good)
        if answer.returncode == 0 or not answer.stderr:
            self.fail(f"a broken configuration was not refused: {answer}")

    # --- a round ---

    def draw(self, table, weights):
        return self.chance.choices(list(table), list(weights))[0]

    def run_round(self):
        operation = self.draw(OPERATIONS, OPERATIONS.values())
        fault = self.draw(FAULTS, (weight for weight, _ in FAULTS.values()))
        known = len(self.problems)
        self.prepare(FAULTS[fault][1])
        try:
            self.disturb(operation, fault)
        except AssertionError as failure:
            self.fail(f"it cannot go on: {failure or type(failure)}")
            self.is_over = True
        self.table[operation, fault] += 1
        self.problems[known:] = [f"{operation}, {fault}: {text}" for text in self.problems[known:]]

    def disturb(self, operation, fault):
        old = self.workers()
        running = getattr(self, operation)()
        getattr(self, fault)(old)
        for command in [running, *self.also_running]:
            self.finish(command)
        self.judge()

    def prepare(self, options):
        """Of the running workers, and of those that come."""
        self.also_running = []
        self.configure(**options)
        if options:
            self.ctl("reload", "--no-wait")

    def finish(self, running):
        """An upgrade waits for the end of the old workers, and so for connections that stay."""
        deadline = time.monotonic() + PATIENCE
        while running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
            if self.is_quiet():
                self.end_leftovers()
        answer = self.finish_ctl(running)
        self.counts["refused"] += answer.returncode != 0
        if answer.returncode != 0 and not answer.stderr:
            self.fail(f"{answer.args[3:]} fails without a reason")

    def judge(self):
        self.configure()
        eventually(self.is_quiet, "nothing moves any more", PATIENCE)
        self.end_leftovers()
        self.settle()
        gone = self.check_steady(self.load.command("check"))
        if self.limited:  # to newcomers they are of no use
            self.kill(*self.workers().intersection(self.limited))
            self.limited.clear()
            self.settle()
            gone = True
        if gone:
            self.reopen(self.load)

    def look(self):
        return [(row["pid"], row["state"], row["connections"]) for row in self.status()["workers"]]

    def is_quiet(self):
        """In a second nobody came, went, or had fewer connections."""
        before = self.look()
        if not any(state == "draining" for _, state, _ in before):
            return "starting" not in str(before)
        time.sleep(1)
        return before == self.look()

    def end_leftovers(self):
        """What cannot move stays in its old worker for as long as it likes: that it is served there
        is looked at, and then it is ended."""
        leftovers = [(pid, count) for pid, state, count in self.look()
                     if state == "draining" and count > 0]
        if not leftovers:
            return
        self.check_steady(self.load.command("check"))
        self.counts["stayed"] += sum(count for _, count in leftovers)
        self.kill(*(pid for pid, _ in leftovers))

    # --- all of it ---

    def run(self, rounds, connections, progress):
        streams = int(connections * STREAMS)
        with SteadyLoad(self.ports.addresses(), connections=connections, streams=streams,
                        slow=streams // 2, interval=0.05, patience=PATIENCE) as self.load:
            self.load.opened.assert_flawless()
            self.load.command("go")
            for number in range(1, rounds + 1):
                known = len(self.problems)
                self.run_round()
                for problem in self.problems[known:]:
                    progress(f"round {number}, {time.strftime('%T', time.gmtime())}: {problem}")
                if self.is_over:
                    break
                if number % AUDIT_EVERY == 0 or number == rounds:
                    self.audit()
                    progress(f"{number} rounds, {self.counts['kills']} kills, "
                             f"{len(self.problems)} problems")

    def audit(self):
        self.daemon.descriptors.clear()
        try:
            audit(self.daemon)
        except AssertionError as failure:
            self.fail(str(failure))


def show_table(table):
    """Rounds of each operation with each fault."""
    width = max(map(len, FAULTS))
    rows = [" " * width + "".join(f"{name:>11}" for name in OPERATIONS)]
    for fault in FAULTS:
        numbers = "".join(f"{table[name, fault] or '-':>11}" for name in OPERATIONS)
        rows.append(f"{fault.replace('_', ' '):<{width}}{numbers}")
    return "\n".join(rows)


def run(chance, rounds, connections, progress=lambda text: None):
    """What went wrong, and a summary."""
    raise_limit()
    use_program(BUILD / "tests/chaos/faulty/prongd-faulty")
    ports = Ports()
    daemon = Daemon(ports.sections(), WORKERS, **SETTINGS)
    trial = Moves(daemon, chance, ports)
    try:
        daemon.start()
        trial.run(rounds, connections, progress)
        daemon.descriptors.clear()
    finally:
        trial.clean_up()
        ports.close()
    counts = ", ".join(f"{count} {name}" for name, count in trial.counts.items())
    return trial.problems, f"{show_table(trial.table)}\n{counts}"
