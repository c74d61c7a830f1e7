"""A LAN for networks of mode=vlan without a VLAN, and for the engine's macvlan."""

LAN, LAN6 = "10.77.0", "fd77:"
NIC = "nic0"
IN_LAN = ("ip", "netns", "exec", "lan")


class Lan:
    """A host `lan` in a namespace, with LAN.1 and LAN6:1, at the other end of the link NIC that networks stand on. close() is the end of it."""

    def __init__(self, world):
        self.world = world
        run = world.run
        run("ip", "netns", "add", "lan")
        self.plug()

    def plug(self):
        """The link comes (back), as a NIC does."""
        run = self.world.run
        run("ip", "link", "add", NIC, "type", "veth", "peer", "name", "wire0")
        run("ip", "link", "set", "wire0", "netns", "lan")
        self.ip("addr", "add", f"{LAN}.1/24", "dev", "wire0")
        self.ip("addr", "add", f"{LAN6}:1/64", "dev", "wire0", "nodad")
        self.ip("link", "set", "wire0", "up")

    def unplug(self):
        self.world.run("ip", "link", "del", NIC, check=False)

    def ip(self, *words):
        return self.world.run("ip", "-n", "lan", *words)

    def pings(self, address):
        return self.world.run(*IN_LAN, "ping", "-c", "1", "-W", "3", address, check=False).returncode == 0

    def close(self):
        self.unplug()
        self.world.run("ip", "netns", "del", "lan", check=False)
