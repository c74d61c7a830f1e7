"""Numbers of a measurement, and the table that they end in."""

import math
import statistics
from dataclasses import dataclass, field


def percentile(values, share):
    """Nearest rank: the least value that `share` (0 to 1) of all are not above."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def duration(nanoseconds):
    if nanoseconds < 1e6:
        return f"{nanoseconds / 1e3:.0f} µs"
    return f"{nanoseconds / 1e6:.{2 if nanoseconds < 1e7 else 1}f} ms"


def rate(per_second):
    return f"{per_second:,.0f}/s"


def bits(per_second):
    return f"{per_second / 1e9:.2f} Gbit/s"


@dataclass
class Row:
    """One line of the table: what viaduct took (or did a second), beside what its rival did in the same run."""

    what: str
    own: list
    rival_name: str
    rival: list
    target: float | None = None     # upper bound of the ratio that the project aims at
    at_least: float | None = None   # or a lower one, of a rate
    unit: str = "ns"                # or "per second" and "bit/s", where a higher ratio is better
    note: dict = field(default_factory=dict)

    @property
    def ratio(self):
        return statistics.median(self.own) / statistics.median(self.rival)

    def cells(self, judge):
        show = {"ns": duration, "per second": rate, "bit/s": bits}[self.unit]
        worst = (lambda values: show(percentile(values, 0.99))) if self.unit == "ns" else (lambda values: "")
        goal, met = "", True
        if self.target is not None:
            goal, met = f"≤ {self.target:.3g}", self.ratio <= self.target
        elif self.at_least is not None:
            goal, met = f"≥ {self.at_least:.3g}", self.ratio >= self.at_least
        if goal and judge:
            goal += " met" if met else " missed"
        return [self.what, show(statistics.median(self.own)), worst(self.own), self.rival_name,
                show(statistics.median(self.rival)), worst(self.rival), f"{self.ratio:.2f}", goal, str(len(self.own))]

    def as_object(self):
        def numbers(values):
            return {"median": statistics.median(values), "p99": percentile(values, 0.99), "count": len(values)}
        return {"what": self.what, "unit": self.unit, "viaduct": numbers(self.own), "rival": self.rival_name,
                "beside": numbers(self.rival), "ratio": self.ratio, "target": self.target, "at_least": self.at_least, **self.note}


HEAD = ["viaduct", "median", "p99", "beside it", "median", "p99", "ratio", "target", "n"]


def markdown(rows, judge):
    """`judge` tells whether the figures are good enough to say of a target that it is met or missed."""
    lines = [HEAD, ["---"] * len(HEAD), *(row.cells(judge) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
