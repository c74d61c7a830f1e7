"""Where viaduct and the engine's own bridge may differ, and why, in one sentence each for users.

A difference that is not here fails the test, and so does an entry of which nothing differs any more.
"""

from dataclasses import dataclass

# Groups of setups.py that viaduct does not offer yet: viaduct's half is not made, and the table says "not yet".
PENDING = frozenset(["published ports", "gateway mode nat", "gateway mode nat-unprotected", "gateway mode routed",
                     "gateway mode isolated"])


@dataclass(frozen=True)
class Difference:
    """`engines` None: all of them. `points` None: every point of the group that differs."""
    group: str
    points: tuple | None
    reason: str
    engines: tuple | None = None

    def covers(self, engine, group, point):
        return (group == self.group and (self.points is None or point in self.points)
                and (self.engines is None or engine in self.engines))


EXPECTED_DIFFERENCES = [
]
