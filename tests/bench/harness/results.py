# SPDX-License-Identifier: MIT
"""What a case measured, and what follows from it: medians and ratios to the floor."""

import dataclasses
import math
import statistics

from .peers import SecondFloor

# The standard error of a median is 1.25 standard deviations over the root of the number, and the
# quartiles are 1.35 standard deviations apart.
ERROR_OF_QUARTILES = 1.25 / 1.35


@dataclasses.dataclass(frozen=True)
class Ratio:
    """The ratios of one peer to the reference (the floor), one for each round, in short."""

    median: float
    quarter: float        # a quarter of the rounds is below,
    three_quarters: float  # a quarter above
    least: float
    most: float

    @property
    def spread(self):
        return self.three_quarters - self.quarter

    @classmethod
    def of(cls, ratios):
        cuts = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else \
            [ratios[0]] * 3
        return cls(statistics.median(ratios), cuts[0], cuts[2], min(ratios), max(ratios))


class LaneResult:
    """One lane: {peer name: [measurement for each round]}"""

    def __init__(self, case, lane, samples):
        self.case = case
        self.lane = lane
        self.samples = samples

    @property
    def title(self):
        return f"{self.lane.title}, {self.lane.family}"

    def median(self, peer, key):
        return statistics.median(sample[key] for sample in self.samples[peer])

    def worst(self, peer, key):
        return max(sample[key] for sample in self.samples[peer])

    def ratios(self, peer, reference=None):
        """One for each round; none when the case compares nothing, or without its reference in
        this run."""
        key, reference = self.case.compared, reference or self.case.reference
        if key is None or not {peer, reference} <= self.samples.keys():
            return []
        others = [sample[key] for sample in self.samples[reference]]
        own = [sample[key] for sample in self.samples[peer]]
        return [mine / other for mine, other in zip(own, others)]

    def ratio(self, peer, reference=None):
        """None without ratios."""
        ratios = self.ratios(peer, reference)
        return Ratio.of(ratios) if ratios else None

    def deviation(self):
        """What a ratio may be off without a cause, as the second copy of the floor shows it: how
        far its median is from 1, or the standard error that its spread gives a median of so many
        rounds, whichever is more.  0 when there is no second copy in this run."""
        ratio = self.ratio(SecondFloor.name)
        if ratio is None:
            return 0.0
        rounds = len(self.samples[SecondFloor.name])
        return max(abs(ratio.median - 1), ERROR_OF_QUARTILES * ratio.spread / math.sqrt(rounds))

    def as_json(self):
        return {
            "lane": self.lane.title, "family": self.lane.family, "deviation": self.deviation(),
            "peers": {name: self._peer_json(name) for name in self.samples},
        }

    def _peer_json(self, name):
        ratio = self.ratio(name)
        return {
            "median": {column.key: self.median(name, column.key) for column in self.case.columns_of(self.lane)},
            f"ratio_to_{self.case.reference.replace(' ', '_')}": dataclasses.asdict(ratio) if ratio else None,
            "rounds": self.samples[name],
        }
