"""Part e: a thousand endpoints of one network up and down at once, beside the bare kernel doing as many pairs."""

from bench.addresses import MAC, NO_POOL
from bench.links import IDS, PORTS, SETUP
from bench.samples import Row
from bench.timer import Timer, step

CALLERS = 8

# Addresses are given before: what is timed are the calls of the network half.
ROUND = [step("-", "IpamDriver.RequestAddress", {"PoolID": "$POOL", "Address": "", "Options": {MAC: "$MAC"}})]
UP = [
    step("-", "NetworkDriver.CreateEndpoint", {
        **IDS, "Interface": {"Address": "$CIDR", "AddressIPv6": "", "MacAddress": "$MAC"}, "Options": PORTS}),
    step("-", "NetworkDriver.Join", {**IDS, "SandboxKey": "/var/run/docker/netns/$ENDPOINT", "Options": PORTS}),
]
DOWN = [step("-", "NetworkDriver.Leave", IDS), step("-", "NetworkDriver.DeleteEndpoint", IDS)]
END = [step("-", "NetworkDriver.DeleteNetwork", {"NetworkID": "$NETWORK"}), NO_POOL]


def measure(world, driver, socket, sizes):
    """Taking turns. "Down" ends when the last link is gone, which is after the last answer."""
    driver.start()
    timer = Timer(world, socket)
    own_up, own_down, bare_up, bare_down = [], [], [], []
    count = sizes.many_endpoints
    for _ in range(sizes.many_turns):
        bare = timer.run([("setup", [step("-", "!bridge")]), ("round", [step("-", "!veth")]),
                          ("end", [step("down", "!unveths"), step("-", "!unbridge")])], rounds=count)
        bare_up += bare["elapsed"]
        bare_down += bare["down"]
        own = timer.run([("setup", SETUP[:-1]), ("round", ROUND), ("undo", UP), ("undo", DOWN),
                         ("end", [step("gone", "!gone"), *END])], rounds=count // CALLERS, callers=CALLERS, timeout=300)
        own_up.append(own["undone"][0])
        own_down.append(own["undone"][1] + own["gone"][0])
    driver.stop()
    return [
        Row(f"{count} endpoints up, {CALLERS} callers", own_up, f"{count} bare pairs, one caller", bare_up),
        Row(f"{count} endpoints down, until the last link is gone", own_down, f"{count} bare pairs removed together", bare_down),
    ]
