"""The calls of everyday operations, as an engine composes them."""

import ipaddress
import secrets
from dataclasses import dataclass, field

GATEWAY = {"RequestAddressType": "com.docker.network.gateway"}
MAC_OPTION = "com.docker.network.endpoint.macaddress"
SERIAL = {"com.docker.network.ipam.serial": "true"}


def new_id():
    return secrets.token_hex(32)


def new_mac():
    return "02:" + ":".join(f"{b:02x}" for b in secrets.token_bytes(5))


def pool_request(pool="", *, space="local", sub_pool="", options=None, v6=False):
    return {"AddressSpace": space, "Pool": pool, "SubPool": sub_pool, "Options": options or {}, "V6": v6}


def address_request(pool_id, address="", *, mac=None, options=None):
    wanted = dict(options or {})
    if mac:
        wanted[MAC_OPTION] = mac
    return {"PoolID": pool_id, "Address": address, "Options": wanted or None}


@dataclass
class Endpoint:
    network: "Network"
    id: str = field(default_factory=new_id)
    mac: str = field(default_factory=new_mac)
    address: str = ""

    @property
    def ids(self):
        return {"NetworkID": self.network.id, "EndpointID": self.id}

    def creation(self):
        return {**self.ids, "Interface": {"Address": self.address, "AddressIPv6": "", "MacAddress": self.mac},
                "Options": {"com.docker.network.endpoint.exposedports": [], "com.docker.network.portmap": []}}

    def joining(self):
        return {**self.ids, "SandboxKey": f"/var/run/docker/netns/{self.id[:12]}",
                "Options": {"com.docker.network.endpoint.exposedports": [], "com.docker.network.portmap": []}}

    def releasing(self):
        return {"PoolID": self.network.pool_id, "Address": self.address.partition("/")[0]}


@dataclass
class Network:
    """One network of one subnet; `caller` is a Client or an Engine."""

    caller: object
    subnet: str = ""
    generic: dict = field(default_factory=dict)
    internal: bool = False
    space: str = "local"
    ipam: dict = field(default_factory=dict)  # --ipam-opt
    id: str = field(default_factory=new_id)
    pool_id: str = ""
    gateway: str = ""

    def allocate(self):
        answer = self.caller.call("IpamDriver.RequestPool", pool_request(self.subnet, space=self.space, options=self.ipam))
        self.pool_id, self.subnet = answer["PoolID"], answer["Pool"]
        self.gateway = self.caller.call("IpamDriver.RequestAddress",
                                        address_request(self.pool_id, options=GATEWAY))["Address"]
        return self

    def creation(self):
        options = {"com.docker.network.enable_ipv4": True, "com.docker.network.enable_ipv6": False,
                   "com.docker.network.generic": self.generic}
        if self.internal:
            options["com.docker.network.internal"] = True
        return {"NetworkID": self.id, "Options": options, "IPv6Data": [],
                "IPv4Data": [{"AddressSpace": self.space, "Gateway": self.gateway, "Pool": self.subnet}]}

    def create(self):
        self.allocate()
        self.caller.call("NetworkDriver.CreateNetwork", self.creation())
        return self

    def endpoint(self, address="", **how):
        made = Endpoint(self, **how)
        made.address = self.caller.call("IpamDriver.RequestAddress",
                                        address_request(self.pool_id, address, mac=made.mac))["Address"]
        self.caller.call("NetworkDriver.CreateEndpoint", made.creation())
        return made

    def joined(self, **how):
        made = self.endpoint(**how)
        return made, self.caller.call("NetworkDriver.Join", made.joining())

    def remove_endpoint(self, endpoint):
        self.caller.call("NetworkDriver.Leave", endpoint.ids)
        self.caller.call("NetworkDriver.DeleteEndpoint", endpoint.ids)
        self.caller.call("IpamDriver.ReleaseAddress", endpoint.releasing())

    def remove(self):
        self.caller.call("IpamDriver.ReleaseAddress",
                         {"PoolID": self.pool_id, "Address": self.gateway.partition("/")[0]})
        self.caller.call("IpamDriver.ReleasePool", {"PoolID": self.pool_id})
        self.caller.call("NetworkDriver.DeleteNetwork", {"NetworkID": self.id})

    def has(self, address):
        return ipaddress.ip_interface(address).ip in ipaddress.ip_network(self.subnet)


def examples(network, endpoint):
    """Valid arguments for every method that takes some, about a network and an endpoint of it."""
    port_options = {"com.docker.network.endpoint.exposedports": [{"Proto": 6, "Port": 80}],
                    "com.docker.network.portmap": []}
    return {
        "NetworkDriver.GwAllocCheck": {"Options": network.creation()["Options"]},
        "NetworkDriver.AllocateNetwork": {
            "NetworkID": "wghod2qepiecg00n2fret9vtj", "Options": {"com.docker.network.driver.mtu": "1400"},
            "IPv4Data": [{"AddressSpace": "", "Gateway": "10.60.0.1/24", "Pool": "10.60.0.0/24"}], "IPv6Data": None},
        "NetworkDriver.FreeNetwork": {"NetworkID": "wghod2qepiecg00n2fret9vtj"},
        "NetworkDriver.CreateNetwork": network.creation(),
        "NetworkDriver.DeleteNetwork": {"NetworkID": network.id},
        "NetworkDriver.CreateEndpoint": endpoint.creation(),
        "NetworkDriver.EndpointOperInfo": endpoint.ids,
        "NetworkDriver.DeleteEndpoint": endpoint.ids,
        "NetworkDriver.Join": endpoint.joining(),
        "NetworkDriver.Leave": endpoint.ids,
        "NetworkDriver.ProgramExternalConnectivity": {**endpoint.ids, "Options": port_options},
        "NetworkDriver.RevokeExternalConnectivity": endpoint.ids,
        "NetworkDriver.DiscoverNew": {"DiscoveryType": 1, "DiscoveryData": {
            "Address": "192.168.77.1", "BindAddress": "192.168.77.1", "Self": True}},
        "NetworkDriver.DiscoverDelete": {"DiscoveryType": 1, "DiscoveryData": {
            "Address": "192.168.77.2", "BindAddress": "", "Self": False}},
        "IpamDriver.RequestPool": pool_request("10.70.0.0/24", sub_pool="10.70.0.128/25"),
        "IpamDriver.ReleasePool": {"PoolID": network.pool_id},
        "IpamDriver.RequestAddress": address_request(network.pool_id, mac=new_mac()),
        "IpamDriver.ReleaseAddress": endpoint.releasing(),
    }
