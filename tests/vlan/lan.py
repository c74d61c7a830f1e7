"""The wire beyond the NIC: a host `lan` in a namespace of its own that is on some VLANs, and sees every frame with its tag."""

import itertools
import re

from lab import wait_until

NIC, WIRE = "eth1", "wire1"
IN_LAN = ("nsenter", "--net=/run/netns/lan", "--")
VLANS = (10, 20)


class Lan:
    """The NIC eth1 of the world, and the host at the other end of it: 192.168.10.1 and fd10::1 on VLAN 10, likewise on 20, and
    192.168.1.1 without a tag. restore() undoes what a test has done to either."""

    def __init__(self, world):
        self.world = world
        self._numbers = itertools.count(1)
        world.run("ip", "netns", "add", "lan")
        # An address is on one link of the host's, and not, as Linux has it, on all of them.
        world.run(*IN_LAN, "sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1")
        self.batch("link set lo up")
        self.plug()
        self._plugged = self._picture()

    def plug(self):
        """The NIC comes (back)."""
        self.world.run("ip", "link", "add", NIC, "up", "address", "02:00:00:00:01:01", "type", "veth", "peer", "name", WIRE, "netns", "lan")
        self.batch("addr add 192.168.1.1/24 dev wire1", "link set wire1 up", *(line for vlan in VLANS for line in self._join(vlan)))

    def unplug(self):
        self.world.run("ip", "link", "del", NIC, check=False)

    def restore(self):
        """As after plug(), once nothing of a test's is left on the NIC; whose MAC is whose is forgotten."""
        self.batch("neigh flush all")
        if self._picture() != self._plugged:
            self.unplug()
            self.plug()
            self._plugged = self._picture()

    def _picture(self):
        """Both ends, with all that can be set by hand; numbers and what comes and goes by itself left out."""
        def plain(link):
            addresses = [(info["local"], info["prefixlen"]) for info in link["addr_info"] if info["scope"] == "global"]
            return (link["ifname"], link.get("master"), link["mtu"], link["address"], "UP" in link["flags"], link.get("ifalias"), addresses)
        near = [plain(link) for link in self.world.ip_json("addr") if NIC in (link["ifname"], link.get("link"))]
        return near, [plain(link) for link in self.world.ip_json("-n", "lan", "addr")]

    def join(self, vlan, protocol="802.1Q"):
        """The host is on another VLAN too."""
        self.batch(*self._join(vlan, protocol))

    @staticmethod
    def _join(vlan, protocol="802.1Q"):
        return (f"link add link {WIRE} name lan.{vlan} type vlan proto {protocol} id {vlan}", f"link set lan.{vlan} up",
                f"addr add 192.168.{vlan}.1/24 dev lan.{vlan}", f"addr add fd{vlan}::1/64 dev lan.{vlan} nodad")

    def batch(self, *lines):
        """These commands of ip(8) on the host; what they print."""
        return self.world.run("ip", "-n", "lan", "-batch", "-", stdin="\n".join(lines) + "\n")

    def pings(self, address, wait=3):
        return self.world.run(*IN_LAN, "ping", "-n", "-c", "1", "-W", str(wait), address, check=False).returncode == 0

    def watch(self):
        """Context: tcpdump on the wire. Its lines() are those of the frames so far."""
        return Watch(self.world, IN_LAN, WIRE, f"tcpdump-{next(self._numbers)}.log")


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
        self._process.kill()

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
