"""Where viaduct and the engine's own bridge may differ, and why, in one sentence each for users.

A difference that is not here fails the test, and so does an entry of which nothing differs any more.
"""

from dataclasses import dataclass

# Groups of setups.py that viaduct does not offer yet: viaduct's half is not made, and the table says "not yet".
PENDING = frozenset()

OLD = ("20.10", "26.1")


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


NO_IPV6_FILTER = "by default this engine neither filters nor masquerades IPv6; viaduct does both, as for IPv4"
INTERNAL_ROUTE = ("this engine gives containers of internal networks a default route and filters what takes it, IPv4 alone; viaduct "
                  "gives none")

EXPECTED_DIFFERENCES = [
    Difference("one network", ("client → outside, IPv6", "outside → server's own address, IPv6"), NO_IPV6_FILTER, engines=OLD),
    Difference("several networks", ("stranger → server, IPv6",), NO_IPV6_FILTER, engines=OLD),
    Difference("no talk among neighbours", ("client → server, IPv6",), NO_IPV6_FILTER, engines=OLD),
    Difference("internal network", ("client → the host's address", "client → outside", "client → outside, IPv6"), INTERNAL_ROUTE,
               engines=("20.10",)),
    Difference("no masquerading", ("client → outside", "client → outside, UDP", "client → outside, IPv6"),
               "from 28 on the bridge drops whatever comes from elsewhere to a container's own address, replies to its own "
               "questions among them; viaduct lets replies in", engines=("28.5",)),
    Difference("published ports", ("the host → ::1",),
               "the bridge has a process that relays ::1; with viaduct use the host's own address, or 127.0.0.1"),
    Difference("published ports", ("outside → -p 8080:80, IPv6", "outside → -p 8080:80/udp, IPv6", "outside → -p [HOST6]:8092:80",
                                   "the host → its own address, IPv6"),
               "this engine relays IPv6 through a process, which is what the server sees; viaduct translates, and it sees the client",
               engines=OLD),
    Difference("published ports", ("outside → server's own address, a published port",),
               "before 28 the bridge lets everybody with a route reach published ports at the container's own address; viaduct as 28 "
               "does not, but by trusted_host_interfaces", engines=OLD),
    Difference("published ports", ("outside → server's own IPv6 address, a published port",), NO_IPV6_FILTER, engines=OLD),
    Difference("published ports", tuple(f"{who} → the host's address, UDP" for who in
                                        ("server itself", "container of the same network",
                                         "container of another network of the driver", "container of docker0")),
               "this engine's relay answers from another address than the one that was asked; viaduct translates", engines=OLD),
    Difference("a LAN", ("a second network on the same link",), "before 28 macvlan has a link for one network alone; with viaduct "
               "networks share it on every engine", engines=OLD),
    *(Difference(f"gateway mode {mode}", None, "the bridge has gateway modes from engine 27 and 28 on; viaduct has them on every engine",
                 engines=OLD) for mode in ("nat", "nat-unprotected", "routed", "isolated")),
]
