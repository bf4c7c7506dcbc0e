# SPDX-License-Identifier: MIT
"""Tables for a terminal."""

import dataclasses


@dataclasses.dataclass
class Table:
    title: str
    head: list
    rows: list  # of lists of text

    def text(self):
        lines = [self.head, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.head))]
        return "\n".join([self.title, *(self._line(line, widths) for line in lines), ""])

    @staticmethod
    def _line(cells, widths):
        first = f"  {cells[0]:<{widths[0]}}"
        return "  ".join([first, *(f"{cell:>{width}}" for cell, width in
                                   zip(cells[1:], widths[1:]))]).rstrip()


def of_lane(result, versions):
    """The peers of one lane, medians over the rounds, and their ratios to the floor."""
    columns = result.case.columns_of(result.lane)
    head = ["", *(column.title for column in columns)]
    head += [f"of the {result.case.reference}", "quartiles", "range"] if result.case.compared else []
    rows = []
    for name in result.samples:
        figures = [column.show(result.median(name, column.key)) for column in columns]
        ratio = _ratio(result.ratio(name)) if result.case.compared else []
        rows.append([f"{name} {versions[name]}".strip(), *figures, *ratio])
    return Table(result.title, head, rows)


def _ratio(ratio):
    if ratio is None:
        return ["-", "-", "-"]
    return [f"{ratio.median:.3f}", f"{ratio.quarter:.3f}..{ratio.three_quarters:.3f}",
            f"{ratio.least:.2f}..{ratio.most:.2f}"]
