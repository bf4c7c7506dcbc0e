# SPDX-License-Identifier: MIT
"""Targets, and whether they were met.  A target that was missed is a finding, not a failure of
the bench: see --strict."""

import dataclasses

from .peers import Prongd


@dataclasses.dataclass(frozen=True)
class Verdict:
    what: str
    figure: str
    limit: str
    met: bool

    def text(self):
        return f"{'ok    ' if self.met else 'MISSED'}  {self.what}: {self.figure} ({self.limit})"


def at_most_of_floor(result, factor, what):
    """The median ratio may be `factor`, beyond the deviation that the floor's second copy shows
    in the same run."""
    ratio = result.ratio(Prongd.name)
    if ratio is None:
        return []
    deviation = result.deviation()
    return [Verdict(f"{what}, {result.title}", f"{ratio.median:.3f} of the floor",
                    f"at most {factor:.2f} beyond the deviation that the second copy shows, "
                    f"{deviation:.3f}", ratio.median <= factor + deviation)]


def at_most_of_prongd(result, peer, factor, what):
    """What an option costs: the same daemon with it and without."""
    ratio = result.ratio(peer, Prongd.name)
    if ratio is None:
        return []
    deviation = result.deviation()
    return [Verdict(f"{what}, {result.title}", f"{ratio.median:.3f} of prongd without",
                    f"at most {factor:.2f} beyond the deviation that the second copy shows, "
                    f"{deviation:.3f}", ratio.median <= factor + deviation)]


def at_most(what, value, limit, show):
    return Verdict(what, show(value), f"at most {show(limit)}", value <= limit)
