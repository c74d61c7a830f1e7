"""Part b: endpoints beside the bare kernel work, in the same network namespace."""

from bench.addresses import FLUSH, MAC, NO_POOL, NOTHING
from bench.samples import Row
from bench.timer import Timer, step

SUBNET = "10.78.0.0/16"
DYING = "30309"   # group of links that viaductd has taken out of service
IDS = {"NetworkID": "$NETWORK", "EndpointID": "$ENDPOINT"}
PORTS = {"com.docker.network.endpoint.exposedports": [], "com.docker.network.portmap": []}

SETUP = [
    step("-", "IpamDriver.RequestPool", {"AddressSpace": "local", "Pool": SUBNET, "SubPool": "", "Options": {}, "V6": False}),
    step("-", "IpamDriver.RequestAddress",
         {"PoolID": "$POOL", "Address": "", "Options": {"RequestAddressType": "com.docker.network.gateway"}}),
    step("-", "NetworkDriver.CreateNetwork", {
        "NetworkID": "$NETWORK", "Options": {"com.docker.network.enable_ipv6": False, "com.docker.network.generic": {}},
        "IPv4Data": [{"AddressSpace": "local", "Gateway": "$GATEWAY", "Pool": "$SUBNET"}], "IPv6Data": []}),
    step("-", "!bridge"),
]
FLOOR = [
    step("-", "IpamDriver.RequestAddress", {"PoolID": "$POOL", "Address": "", "Options": {MAC: "$MAC"}}),
    NOTHING,
    FLUSH,
]
ATTACH = [
    step("create", "NetworkDriver.CreateEndpoint", {
        **IDS, "Interface": {"Address": "$CIDR", "AddressIPv6": "", "MacAddress": "$MAC"}, "Options": PORTS}),
    step("join", "NetworkDriver.Join", {**IDS, "SandboxKey": "/var/run/docker/netns/$ENDPOINT", "Options": PORTS}),
]
BARE = [step("veth", "!veth"), step("up", "!raise")]
# Whoever comes second finds the kernel's part warm.
ROUNDS = [FLOOR + ATTACH + BARE, FLOOR + BARE + ATTACH]
BARE_UNDO = [step("unveth", "!unveth")]
UNDO = [
    step("leave", "NetworkDriver.Leave", IDS),
    step("delete", "NetworkDriver.DeleteEndpoint", IDS),
    step("-", "IpamDriver.ReleaseAddress", {"PoolID": "$POOL", "Address": "$ADDRESS"}),
]
# The gateway goes with its pool.
END = [step("-", "!unbridge"), step("-", "NetworkDriver.DeleteNetwork", {"NetworkID": "$NETWORK"}), NO_POOL]


def sums(*lists):
    return [sum(values) for values in zip(*lists, strict=True)]


def measure(world, driver, socket, sizes):
    """In batches, so that a bridge never has more ports than a busy host's. Between them viaduct's reaper comes to rest."""
    driver.start()
    timer = Timer(world, socket)
    took = {}
    for batch in range(sizes.link_batches + 1):
        # The bare links go first: their removal and viaduct's reaper would delay each other.
        found = timer.run([("setup", SETUP), ("round", ROUNDS[batch % 2]), ("undo", BARE_UNDO), ("undo", UNDO), ("end", END)],
                          rounds=sizes.link_rounds)
        world.wait_until(lambda: not world.ip_json("link", "show", "group", DYING), 30, "end of viaduct's links out of service")
        if batch == 0:
            continue   # warm
        for label, values in found.items():
            took.setdefault(label, []).extend(values)
    driver.stop()
    attach = sums(took["create"], took["join"])
    # The least that a pair takes until it carries anything: it is made as a port, and set up.
    bare = sums(took["veth"], took["up"])
    floor = sums(bare, took["no-op"], took["no-op"], took["flush"], took["flush"])
    return [
        Row("CreateEndpoint + Join", attach, "bare pair, port of a bridge and up, + 2 no-op calls + 2 fdatasync", floor, target=1.3),
        Row("of these, CreateEndpoint", took["create"], "bare pair, port of a bridge and up", bare),
        Row("of these, Join", took["join"], "no-op call + fdatasync", sums(took["no-op"], took["flush"])),
        Row("Leave + DeleteEndpoint", sums(took["leave"], took["delete"]), "a bare pair removed", took["unveth"]),
    ]
