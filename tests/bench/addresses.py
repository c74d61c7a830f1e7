"""Part a: addresses, durable, beside a call that does nothing and a bare flush of the same disk."""

from bench.samples import Row
from bench.timer import Timer, step

SUBNET = "10.77.0.0/16"
MAC = "com.docker.network.endpoint.macaddress"
POOL = step("-", "IpamDriver.RequestPool", {"AddressSpace": "local", "Pool": SUBNET, "SubPool": "", "Options": {}, "V6": False})
NO_POOL = step("-", "IpamDriver.ReleasePool", {"PoolID": "$POOL"})
NOTHING = step("no-op", "NetworkDriver.GetCapabilities")
FLUSH = step("flush", "!flush")
REQUEST = step("request", "IpamDriver.RequestAddress", {"PoolID": "$POOL", "Address": "", "Options": {MAC: "$MAC"}})
RELEASE = step("release", "IpamDriver.ReleaseAddress", {"PoolID": "$POOL", "Address": "$ADDRESS"})


def script(*steps):
    return [("setup", [POOL]), ("round", steps), ("end", [NO_POOL])]


def one_by_one(timer, rounds):
    """One caller; each round has some of everything, so that all see the same machine.

    The floor is a call that does nothing and the flush that follows it, the order in which a durable answer comes about: a
    flush is cheaper straight after another one, which is no case of a call's.
    """
    steps = script(NOTHING, FLUSH, REQUEST, NOTHING, FLUSH, RELEASE)
    timer.run(steps, rounds=max(10, rounds // 10))   # warm
    took = timer.run(steps, rounds=rounds)
    floors = [call + flush for call, flush in zip(took["no-op"], took["flush"], strict=True)]
    return [
        Row("RequestAddress", took["request"], "no-op call + fdatasync", floors, target=1.3),
        Row("ReleaseAddress", took["release"], "no-op call + fdatasync", floors, target=1.3),
        Row("no-op call (GetCapabilities)", took["no-op"], "fdatasync of 4 KiB", took["flush"]),
    ]


def side_by_side(timer, callers, slices, seconds):
    """Calls a second of many callers at once, in slices of time that take turns with the rivals'."""
    rates = {"calls": [], "no-op": [], "flush": []}
    for _ in range(slices):
        for name, steps in (("calls", (REQUEST, RELEASE)), ("no-op", (NOTHING,)), ("flush", (FLUSH,))):
            took = timer.run(script(*steps), seconds=seconds, callers=callers)
            count = sum(len(values) for label, values in took.items() if label != "elapsed")
            rates[name].append(count / took["elapsed"][0] * 1e9)
    who = f"{callers} caller{'s' if callers > 1 else ''}"
    return [
        Row(f"RequestAddress/ReleaseAddress, {who}", rates["calls"], "no-op calls", rates["no-op"], unit="per second"),
        Row(f"RequestAddress/ReleaseAddress, {who}", rates["calls"], f"fdatasync, {callers} at once", rates["flush"],
            unit="per second"),
    ]


def measure(world, driver, socket, sizes):
    driver.start()
    timer = Timer(world, socket)
    rows = one_by_one(timer, sizes.address_rounds)
    for callers in (1, 64):
        rows += side_by_side(timer, callers, sizes.slices, sizes.slice_seconds)
    driver.stop()
    return rows
