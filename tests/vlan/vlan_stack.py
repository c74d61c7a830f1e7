"""A stack (e2e/stack.py) for networks of mode=vlan: containers that stay and are connected now here, now there, and the LAN."""

import json
from concurrent.futures import ThreadPoolExecutor

from lab import wait_until
from lab.api import Api, Refused
from lab.image import IMAGE, busybox_archive
from lan import NIC, Lan, Watch
from stack import Stack

CONTAINERS = ("ten", "tenth", "twenty")
BASE = "base"


class VlanStack(Stack):
    """Started with the containers "ten", "tenth" and "twenty" on the network "base" of mode=bridge. The start of a container is what takes
    longest in a virtual machine: tests connect these to their networks."""

    def start(self):
        self.driver.before_engine()
        # Without docker0, whose rules take the engine long; what it does to forwarding stays.
        self.engine.start(bridge="none")
        self.world.run("iptables", "-P", "FORWARD", "DROP")
        self.api = Api(self.engine.socket)
        self.api.call("POST", f"/images/create?fromSrc=-&repo={IMAGE}", busybox_archive())
        self.create(BASE, subnet=f"{self.subnet()}.0/24", options={})
        with ThreadPoolExecutor() as pool:
            self._pids = dict(zip(CONTAINERS, pool.map(self._container, CONTAINERS)))
        self.lan = Lan(self.world)
        # Of modules that come when somebody asks for them.
        self.rest_links = {*self.world.link_names(), "docker0", "ifb0", "ifb1", "dummy0", "bond0"}
        self._rest_rows = self.counted()
        return self

    def _container(self, name):
        """`docker run -d` on the base; the id of its process."""
        made = self.api.call("POST", f"/containers/create?name={name}", {
            "Image": IMAGE, "Cmd": ["sleep", "36000"], "StopSignal": "SIGKILL",
            "HostConfig": {"NetworkMode": BASE}})
        self.api.call("POST", f"/containers/{made['Id']}/start")
        return self.api.call("GET", f"/containers/{made['Id']}/json")["State"]["Pid"]

    # Networks and endpoints, by the engine's API.

    def create(self, name, subnet, gateway=None, aux=None, options=None, subnet6=None, internal=False, driver=None, ip_range=None):
        """`docker network create` with these options; both halves from viaduct unless `driver` names another. Refused as the engine
        says it."""
        config = [{"Subnet": subnet, **({"Gateway": gateway} if gateway else {}), **({"IPRange": ip_range} if ip_range else {}),
                   **({"AuxiliaryAddresses": aux} if aux else {})}]
        if subnet6:
            config.append({"Subnet": subnet6})
        self.api.call("POST", "/networks/create", {
            "Name": name, "CheckDuplicate": True, "Driver": driver or self.driver.name, "Internal": internal,
            "EnableIPv6": bool(subnet6), "Options": options or {},
            "IPAM": {"Driver": "default" if driver else self.driver.name, "Config": config}})
        self._made.add(name)

    def vlan(self, name, vlan, aware=False, **more):
        """A network of VLAN `vlan` of eth1 with the LAN's own addresses; `more` as for create(), options added."""
        options = {"mode": "vlan", "parent": NIC, "vlan": str(vlan), **({"vlan_aware": "true"} if aware else {}),
                   **more.pop("options", {})}
        more = {"subnet": f"192.168.{vlan}.0/24", "gateway": f"192.168.{vlan}.1", **more}
        # What is None in the test's words is no option at all.
        self.create(name, options={key: value for key, value in options.items() if value is not None}, **more)

    def refused(self, call, *args, **more):
        """The message with which a call fails; it must."""
        try:
            call(*args, **more)
        except Refused as refusal:
            return str(refusal)
        raise AssertionError(f"{args} {more} was not refused")

    def connect(self, container, network, address=None, **options):
        """`docker network connect`; the endpoint as the engine shows it."""
        self.api.call("POST", f"/networks/{network}/connect", {"Container": container, "EndpointConfig": {
            **({"IPAMConfig": {"IPv4Address": address}} if address else {}), "DriverOpts": options}})
        return self.endpoint(container, network)

    def disconnect(self, container, network):
        self.api.call("POST", f"/networks/{network}/disconnect", {"Container": container, "Force": False})

    def remove(self, network):
        self.api.call("DELETE", f"/networks/{network}")
        self._made.discard(network)

    def endpoint(self, container, network):
        return self.api.call("GET", f"/containers/{container}/json")["NetworkSettings"]["Networks"][network]

    # In a container's network namespace, with the machine's own tools.

    def inside(self, container, *argv, check=True):
        return self.world.run("nsenter", "--target", str(self._pids[container]), "--net", *argv, check=check)

    def pings(self, container, address, count=1, wait=3):
        return self.inside(container, "ping", "-n", "-c", str(count), "-W", str(wait), address, check=False).returncode == 0

    def link_with(self, container, address):
        """The name of the container's link that has the address."""
        for link in json.loads(self.inside(container, "ip", "-j", "addr")):
            if address in [info["local"] for info in link["addr_info"]]:
                return link["ifname"]
        raise AssertionError(f"{container} has no {address}")

    def watch(self, container, link):
        return Watch(self.world, ["nsenter", "--target", str(self._pids[container]), "--net"], link, f"tcpdump-{container}.log")

    # What the kernel shows.

    def link(self, name):
        """`ip -j -d link` of one link; None if there is none."""
        found = [link for link in self.world.ip_json("-d", "link") if link["ifname"] == name]
        return found[0] if found else None

    def vlans(self, port):
        """`bridge -j vlan` of a port: {VLAN: flags}."""
        return {vlan["vlan"]: vlan.get("flags", []) for entry in self.world.bridge_json("vlan", "show", "dev", port)
                for vlan in entry["vlans"]}

    def port_of(self, container, network):
        """The host's end of a container's pair."""
        return "ve" + self.endpoint(container, network)["EndpointID"][:13]

    def host_pings(self, address, wait=3):
        return self.world.run("ping", "-c", "1", "-W", str(wait), address, check=False).returncode == 0

    def counted(self):
        """Rows of the driver's database."""
        columns = ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in ("network", "endpoint", "pool"))
        return self.query(f"SELECT {columns}")[0]

    def wait_gone(self, *names):
        """Until these links are gone: links are reaped in groups."""
        wait_until(lambda: not set(names) & set(self.world.link_names()), 30, f"end of {', '.join(names)}")

    def tag(self, name):
        """Give the tests' image another name."""
        self.api.call("POST", f"/images/{IMAGE}/tag?repo={name}")

    # The end of a test.

    def clear(self):
        """Remove containers that a test has started, disconnect the others from all but the base, and remove the other networks."""
        for container in self.api.call("GET", "/containers/json?all=true"):
            if container["Names"][0] not in {f"/{name}" for name in CONTAINERS}:
                self.api.call("DELETE", f"/containers/{container['Id']}?force=true")
        for name, network in ((network["Name"], network) for network in self.api.call("GET", "/networks")):
            if name in (BASE, "host", "none"):
                continue
            for container in self.api.call("GET", f"/networks/{network['Id']}")["Containers"].values():
                self.disconnect(container["Name"], name)
            self.remove(name)

    def assert_nothing_left(self):
        """After clear(), links and records are those from before the first test."""
        self.clear()
        try:
            wait_until(lambda: not self.leftovers(), 30, "end of leftovers")
        except TimeoutError:
            assert self.leftovers() == {}

    def leftovers(self):
        found = {"links": sorted(set(self.world.link_names()) - self.rest_links)}
        if self.counted() != self._rest_rows:
            found["rows"] = {table: self.rows(table) for table in ("network", "endpoint", "pool")}
        return {what: left for what, left in found.items() if left}
