"""The wire beyond the NIC: a host `lan` in a namespace of its own that is on some VLANs, and sees every frame with its tag."""

import itertools
import re

from lab import wait_until

NIC, WIRE = "eth1", "wire1"


class Lan:
    """The NIC eth1 of the world, and the host at the other end of it. Its address on VLAN 10 is 192.168.10.1 and fd10::1, and so on;
    untagged it is 192.168.1.1. Context: without it both are gone."""

    def __init__(self, world):
        self.world = world
        self._numbers = itertools.count(1)
        self._tags = {}

    def __enter__(self):
        self.world.run("ip", "netns", "add", "lan")
        self.ip("link", "set", "lo", "up")
        self.plug()
        return self

    def __exit__(self, *_):
        self.unplug()
        self.world.run("ip", "netns", "del", "lan")

    def plug(self):
        """The NIC comes (back)."""
        self.world.run("ip", "link", "add", NIC, "address", "02:00:00:00:01:01", "type", "veth", "peer", "name", WIRE, "netns", "lan")
        self.world.run("ip", "link", "set", NIC, "up")
        self.ip("addr", "add", "192.168.1.1/24", "dev", WIRE)
        self.ip("link", "set", WIRE, "up")
        for vlan, protocol in self._tags.items():
            self._join(vlan, protocol)

    def unplug(self):
        self.world.run("ip", "link", "del", NIC, check=False)

    def join(self, vlan, protocol="802.1Q"):
        """The host is on the VLAN from now on, as the LAN's router."""
        self._tags[vlan] = protocol
        self._join(vlan, protocol)

    def forget_all(self):
        """On no VLAN any more when the NIC comes next."""
        self._tags.clear()

    def _join(self, vlan, protocol):
        name = f"lan.{vlan}"
        self.ip("link", "add", "link", WIRE, "name", name, "type", "vlan", "proto", protocol, "id", str(vlan))
        self.ip("addr", "add", f"192.168.{vlan}.1/24", "dev", name)
        self.ip("addr", "add", f"fd{vlan}::1/64", "dev", name, "nodad")
        self.ip("link", "set", name, "up")

    def ip(self, *words):
        return self.world.run("ip", "-n", "lan", *words)

    def pings(self, address, wait=3):
        return self.world.run("ip", "netns", "exec", "lan", "ping", "-c", "1", "-W", str(wait), address, check=False).returncode == 0

    def watch(self):
        """Context: tcpdump on the wire. Its lines() are those of the frames so far."""
        return Watch(self.world, ["ip", "netns", "exec", "lan"], WIRE, f"tcpdump-{next(self._numbers)}.log")


class Watch:
    """tcpdump on a link, link-level headers and all, from the moment it listens."""

    def __init__(self, world, prefix, link, log):
        self._command = [*prefix, "tcpdump", "-n", "-e", "-l", "-i", link]
        self._world, self._log = world, log
        self._process = None

    def __enter__(self):
        self._process = self._world.spawn(self._command, log=self._log)
        wait_until(lambda: "listening on" in self._process.output() or not self._process.running, 60, "tcpdump's start")
        assert self._process.running, self._process.output()
        return self

    def __exit__(self, *_):
        self._process.stop()

    def lines(self, *words):
        """The frames with all these words in tcpdump's line."""
        return [line for line in self._process.output().splitlines() if all(word in line for word in words)]

    def tags(self, *words):
        """The tags of the frames with these words, each as tcpdump's ethertype and number: ("0x8100", 10); None for those without."""
        def tag(line):
            found = re.search(r"ethertype 802\.1Q(?:-QinQ)? \((0x[0-9a-f]+)\).*?vlan (\d+)", line)
            return (found[1], int(found[2])) if found else None
        return {tag(line) for line in self.lines(*words)}

    def wait_for(self, *words):
        """Wait for a frame with these words; the tags of all that there are."""
        wait_until(lambda: self.lines(*words), 30, f"a frame with {' and '.join(words)} on the wire")
        return self.tags(*words)
