"""Part c: `docker network connect` and `disconnect` of a running container, beside the engine's own bridge driver."""

import collections
import contextlib
import re
import statistics
import time

from bench.engine_api import EngineApi
from bench.samples import Row

DYING = "30309"   # group of links that viaductd has taken out of service
CALL = re.compile(r"\b(?:NetworkDriver|IpamDriver)\.(\w+)\b.*\bus=(\d+)\b")
BURST = 5         # pairs in a row


class Attachment:
    """The container and the network of either driver."""

    def __init__(self, world, driver):
        self.world = world
        self.networks = {"viaduct": "bench-viaduct", "bridge": "bench-bridge"}
        world.docker("network", "create", "-d", driver.name, "--ipam-driver", driver.name, self.networks["viaduct"])
        world.docker("network", "create", "-d", "bridge", self.networks["bridge"])
        self.container = world.engine.run("bench")
        self.api = EngineApi(world.engine.socket)

    def pair(self, kind):
        """(connect, disconnect) in nanoseconds."""
        return (self.api.connect(self.networks[kind], self.container),
                self.api.disconnect(self.networks[kind], self.container))

    def rest(self):
        """Until viaduct's links out of service are gone: their removal must not delay the rival's turn, nor the next."""
        self.world.wait_until(lambda: not self.world.ip_json("link", "show", "group", DYING), 30, "end of links out of service")


def in_turns(attachment, rounds):
    """kind → [(connect, disconnect), …]; who goes first changes every round."""
    took = collections.defaultdict(list)
    for number in range(rounds):
        for kind in ("viaduct", "bridge") if number % 2 == 0 else ("bridge", "viaduct"):
            attachment.rest()
            took[kind].append(attachment.pair(kind))
    return took


def bursts(attachment, count):
    """kind → nanoseconds a pair, where BURST pairs follow one another: work put off is paid for here."""
    took = collections.defaultdict(list)
    for number in range(count):
        for kind in ("viaduct", "bridge") if number % 2 == 0 else ("bridge", "viaduct"):
            attachment.rest()
            started = time.perf_counter_ns()
            for _ in range(BURST):
                attachment.pair(kind)
            took[kind].append((time.perf_counter_ns() - started) / BURST)
    return took


def calls_in(text, pairs):
    """Method → milliseconds a pair that viaductd itself spent, by its own log."""
    spent = collections.Counter()
    for line in text.splitlines():
        if found := CALL.search(line):
            spent[found[1]] += int(found[2])
    return {method: round(total / 1000 / pairs, 3) for method, total in spent.most_common()}


def measure(world, driver, _, sizes):
    driver.start()
    world.engine.start()
    world.engine.load_image()
    attachment = Attachment(world, driver)
    with contextlib.closing(attachment.api):
        in_turns(attachment, 3)   # warm
        before = len(driver.process.output())
        took = in_turns(attachment, sizes.attach_rounds)
        inside = calls_in(driver.process.output()[before:], sizes.attach_rounds)
        burst = bursts(attachment, sizes.bursts)
    world.engine.remove_everything()
    world.engine.stop()
    driver.stop()

    def column(kind, pick):
        return [pick(pair) for pair in took[kind]]
    # What no driver can do better: the engine's own part, and the kernel's work for it.
    without = (statistics.mean(column("viaduct", sum)) / 1e6 - sum(inside.values())) / (statistics.mean(column("bridge", sum)) / 1e6)
    return [
        Row("`docker network connect` + `disconnect`", column("viaduct", sum), "built-in bridge driver", column("bridge", sum),
            target=0.6, note={"milliseconds_in_viaductd": inside, "ratio_without_viaductd": without}),
        Row("of these, connect", column("viaduct", lambda pair: pair[0]), "built-in bridge driver", column("bridge", lambda pair: pair[0])),
        Row("of these, disconnect", column("viaduct", lambda pair: pair[1]), "built-in bridge driver",
            column("bridge", lambda pair: pair[1])),
        Row(f"a pair, {BURST} in a row without a pause", burst["viaduct"], "built-in bridge driver", burst["bridge"]),
    ]
