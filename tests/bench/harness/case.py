# SPDX-License-Identifier: MIT
"""What a case is.  A new one is a new file in cases/ with one class of this kind."""

import dataclasses
import typing

from . import peers, table


@dataclasses.dataclass(frozen=True, eq=False)
class Lane:
    """One thing that is measured with every peer in every round: a row of tables."""

    title: str
    family: str
    host: str
    settings: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Column:
    """A figure of a measurement, and how the table shows its median."""

    key: str
    title: str
    show: typing.Callable[[float], str]


class Case:
    name = None
    help = None  # one sentence
    place = 0    # in the order of all cases
    rounds = 9             # unless the command line says otherwise
    columns = ()
    compared = None        # the key whose ratio to the reference is taken in each round
    reference = peers.Floor.name
    peers = peers.ALL
    fresh_servers = False  # new servers for each lane, not one start for a whole round

    def lanes(self, bench):
        raise NotImplementedError

    def columns_of(self, lane):
        return self.columns

    def server(self, peer_class, bench, lane):
        """A peer for this lane that is not started, where each lane has fresh servers."""
        return peer_class(bench)

    def measure(self, bench, peer, lane):
        """One turn: a dict with a number for each column's key, and more if there is more."""
        raise NotImplementedError

    def appendix(self, bench, peer_classes):
        """Short runs beside the rounds: a list of syscalls.Comparison, or of the like."""
        return []

    def tables(self, results, versions):
        return [table.of_lane(result, versions) for result in results]

    def verdicts(self, results):
        """The case's targets for the rounds: a list of verdict.Verdict."""
        return []


def both_families(bench, title, **settings):
    return [Lane(title, family, host, settings) for family, host in bench.families]
