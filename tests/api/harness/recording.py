"""Replays recorded engine traffic against viaductd, in viaductd's own terms.

The recording plugin chose other address spaces, subnets and addresses than viaductd does, and was given options that it invented. An
engine carries what its plugin answers into later calls; Replay does the same with viaductd's answers. A call of ROLLED_BACK that the
recording plugin failed on purpose is made to fail here by a fault in the request, so that the engine's roll-back calls follow a real
failure. Errors of the other calls (Leave, the deletes, the releases) engines ignore, and nobody asks again (T15): those calls are sent
as they were, and viaductd has to carry them out.
"""

import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path

from . import protocol
from .http import request_bytes

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

# Whether viaductd publishes ports. Until it does it says so by refusing, rather than by ports that nobody answers.
PUBLISHES_PORTS = False

# What engines undo when it fails.
ROLLED_BACK = ("IpamDriver.RequestPool", "IpamDriver.RequestAddress", "NetworkDriver.AllocateNetwork", "NetworkDriver.CreateNetwork",
               "NetworkDriver.CreateEndpoint", "NetworkDriver.Join", "NetworkDriver.ProgramExternalConnectivity")

# Options that exist in the recordings alone, and what stands for them; None leaves the option out.
_INVENTED = {
    "nopt": ("com.docker.network.driver.mtu", "1400"),
    "iopt": ("size", "24"),
    "io": ("size", "24"),
    "no": ("com.docker.network.driver.mtu", "1400"),
    "com.example.ep": None,
    "x": None,
    # The recording plugin added these in AllocateNetwork: viaductd's own additions take their place.
    "com.example.vni": None,
    "v": None,
}
_SPACES = {"LDAS": "LocalDefaultAddressSpace", "GDAS": "GlobalDefaultAddressSpace"}


@dataclass
class Recorded:
    t: float
    seq: int
    conn: int
    step: str
    method: str
    body: str
    reply_status: int | None
    reply: object
    reply_t: float | None
    reply_seq: int | None

    @property
    def arguments(self):
        return json.loads(self.body) if self.body else None

    @property
    def error(self):
        reply = self.reply if isinstance(self.reply, dict) else {}
        return reply.get("Err") or reply.get("Error")


def names():
    return sorted(path.stem for path in FIXTURES.glob("*.jsonl"))


def load(name):
    with open(FIXTURES / f"{name}.jsonl", encoding="utf-8") as lines:
        return [Recorded(**json.loads(line)) for line in lines]


class Replay:
    """One replay. `held_…`, `networks` and `endpoints` are what viaductd promised and no later call took back.

    The recording plugin did not ask for MAC addresses (RequiresMACAddress) and viaductd does: `with_macs` puts them where an engine
    would have, into the requests for an endpoint's addresses and into its creation.
    """

    def __init__(self, world, name, *, with_macs=False):
        self.world = world
        self.name = name
        self.calls = load(name)
        self.host = "" if name.endswith("20.10") else "plugin.moby.localhost"
        self.engine = world.engine()
        self.instance = 0    # engine instances so far
        self.failed = set()  # seq of the calls that were answered with an error
        self.abandoned = set()  # endpoints that the engine gave up because an address was refused
        self.conns = {}
        self.spaces = {}
        self.pools = {}      # (recorded space, recorded prefix) -> prefix here
        self.pool_ids = {}   # recorded PoolID -> PoolID here
        self.addresses = {}  # (recorded space, recorded address) -> address here, with its length
        self.allocated = {}  # NetworkID -> options that AllocateNetwork answered here
        self.networks = {}   # NetworkID -> CreateNetwork's arguments as sent
        self.endpoints = {}  # EndpointID -> CreateEndpoint's arguments as sent
        self.joined = {}     # EndpointID -> SrcName of the answer
        self.held_pools = set()
        self.held_addresses = {}  # (PoolID, address) -> engine instance that asked for it last
        self.macs = self.engine_macs() if with_macs else {}  # seq of a call -> MAC to put in
        self.deleted_later = {c.arguments["EndpointID"] for c in self.calls if c.method.endswith("DeleteEndpoint")}
        self.released_later = {c.arguments["Address"] for c in self.calls if c.method.endswith("ReleaseAddress")}

    def engine_macs(self):
        """An engine makes (or is given) the MAC before it asks for the addresses of both families, and repeats it at creation."""
        macs, requests = {}, {}
        for call in self.calls:
            if call.method == "IpamDriver.RequestAddress" and not call.error:
                if call.arguments["PoolID"].startswith("LDAS"):
                    requests[call.reply["Address"]] = call.seq
            elif call.method == "NetworkDriver.CreateEndpoint":
                interface = call.arguments["Interface"]
                mac = interface["MacAddress"] or "02:" + ":".join(
                    call.arguments["EndpointID"][n:n + 2] for n in range(0, 10, 2))
                macs[call.seq] = mac
                macs.update({requests[interface[key]]: mac for key in ("Address", "AddressIPv6") if interface[key]})
        return macs

    # -- driving

    def run(self, between=None):
        """Sends every call in the order of its request and reads its answer; `between(index)` runs after each."""
        for index, call in enumerate(self.calls):
            self.finish(call, self.begin(call))
            if between is not None:
                between(index)

    def run_overlapping(self):
        """Sends and reads in the order of the recorded events: calls overlap wherever they did."""
        events = sorted([(c.seq, "begin", c) for c in self.calls] + [(c.reply_seq, "finish", c) for c in self.calls],
                        key=lambda event: event[0])
        sent = {}
        for _, kind, call in events:
            if kind == "begin":
                sent[call.seq] = self.begin(call)
            else:
                self.finish(call, sent.pop(call.seq))

    def begin(self, call):
        """Sends one call; returns what finish() needs to judge the answer."""
        if call.method == "Plugin.Activate":
            if self.instance:  # a new engine instance: another process, the old one is gone
                self.conns.clear()
                self.engine.die()
                self.engine = self.world.engine()
            self.instance += 1
        if self.is_abandoned(call):
            return None
        must_fail = self.must_fail(call)
        arguments = self.translate(call)
        if call.seq in self.macs:
            put_mac(arguments, self.macs[call.seq])
        taken = False
        if not must_fail and self.is_taken(call, arguments):
            must_fail = True
            taken = True
        elif must_fail and arguments is not None:
            arguments = spoil(call.method, arguments)
        body = b"" if arguments is None else json.dumps(arguments, separators=(",", ":")).encode() + b"\n"
        conn = self.conns.get(call.conn)
        if conn is None:
            conn = self.conns[call.conn] = self.engine.connect()
        conn.send(request_bytes(call.method, body, host=self.host))
        return arguments, must_fail, taken

    def finish(self, call, sent):
        if sent is None:
            return
        arguments, must_fail, taken = sent
        reply = self.conns[call.conn].read_reply()
        if reply.announces_close or call.reply_status is None:
            self.conns.pop(call.conn).close()
        try:
            if must_fail:
                protocol.check_failure(call.method, reply)
                self.failed.add(call.seq)
                if taken:
                    self.abandon_endpoint_of(call)
            else:
                answer = protocol.check_success(call.method, arguments, reply, self.context(call.method, arguments))
                self.learn(call, arguments, answer)
        except AssertionError as error:
            raise AssertionError(f"{self.name} seq {call.seq} ({call.step}) {call.method} {arguments}: {error}") from error

    def forget_connections(self):
        """After the daemon was killed: an engine dials again."""
        for conn in self.conns.values():
            conn.close()
        self.conns.clear()

    # -- what must happen

    def must_fail(self, call):
        if call.method in protocol.WITH_ARGUMENTS and call.body == "":
            return True  # a retry whose body was drained (T3)
        if call.method in ROLLED_BACK and call.error:
            return True
        if call.method == "NetworkDriver.AllocateNetwork" and self.of_several_subnets(call):
            return True  # T28; what the recorded engine did next comes all the same
        if call.method == "NetworkDriver.ProgramExternalConnectivity" and not PUBLISHES_PORTS:
            return bool(call.arguments["Options"].get("com.docker.network.portmap"))
        if call.method == "NetworkDriver.CreateEndpoint":
            # Some engines forget an endpoint whose creation failed without a DeleteEndpoint (only ReleaseAddress).
            address = call.arguments["Interface"]["Address"].partition("/")[0]
            return (call.arguments["EndpointID"] not in self.deleted_later
                    and bool((call.reply or {}).get("Interface")) and address in self.released_later)
        return False

    @staticmethod
    def of_several_subnets(call):
        return len(call.arguments["IPv4Data"] or []) + len(call.arguments["IPv6Data"] or []) > 1

    def is_taken(self, call, arguments):
        """An explicit request for what a live endpoint of the same engine has. With two pools in Swarm a node invents the address
        of the other family, which the leader may have given to another container; the recording plugin gave it twice (T28)."""
        if call.method != "IpamDriver.RequestAddress" or not arguments.get("Address"):
            return False
        if self.held_addresses.get((arguments["PoolID"], arguments["Address"])) != self.instance:
            return False
        return any(sent["Interface"][key].partition("/")[0] == arguments["Address"]
                   for sent in self.endpoints.values() for key in ("Address", "AddressIPv6"))

    def abandon_endpoint_of(self, refused):
        """The endpoint is never made, and what was given for its other family is released."""
        made = next(call for call in self.calls if call.seq > refused.seq and call.method == "NetworkDriver.CreateEndpoint"
                    and refused.reply["Address"] in call.arguments["Interface"].values())
        self.abandoned.add(made.arguments["EndpointID"])
        others = set(made.arguments["Interface"].values()) - {refused.reply["Address"]}
        given = [call for call in self.calls if call.seq < refused.seq and call.method == "IpamDriver.RequestAddress"
                 and call.arguments["PoolID"].startswith("LDAS") and not call.error and call.reply["Address"] in others]
        for call in given[-1:]:
            released = {"PoolID": self.pool_ids[call.arguments["PoolID"]],
                        "Address": self.cidr("LDAS", call.reply["Address"].partition("/")[0])}
            self.engine.call("IpamDriver.ReleaseAddress", released)
            self.held_addresses.pop((released["PoolID"], released["Address"]))

    def is_abandoned(self, call):
        return bool(self.abandoned) and (call.arguments or {}).get("EndpointID") in self.abandoned

    def context(self, method, arguments):
        if method == "NetworkDriver.GetCapabilities":
            return {"scope": self.world.scope}
        if method != "NetworkDriver.Join":
            return {}
        network = self.networks[arguments["NetworkID"]]
        interface = self.endpoints[arguments["EndpointID"]]["Interface"]
        return {"internal": bool(network["Options"].get("com.docker.network.internal")),
                "subnets": [ipaddress.ip_interface(interface[k]).network for k in ("Address", "AddressIPv6")
                            if interface.get(k)]}

    # -- translation

    def translate(self, call):
        arguments = call.arguments
        if arguments is None:
            return None
        if "Options" in arguments:
            arguments["Options"] = self.options(arguments["Options"], arguments.get("NetworkID"))
        if call.method.startswith("IpamDriver."):
            return self.ipam_arguments(arguments)
        for data in (arguments.get("IPv4Data") or []) + (arguments.get("IPv6Data") or []):
            # The leader's allocator leaves the space empty; its addresses are of the global one.
            space = data["AddressSpace"] or "GDAS"
            data["AddressSpace"] = self.spaces[data["AddressSpace"]] if data["AddressSpace"] else ""
            data["Pool"] = self.pool(space, data["Pool"])
            if data.get("Gateway"):
                data["Gateway"] = self.cidr(space, data["Gateway"])
            for name, address in (data.get("AuxAddresses") or {}).items():
                data["AuxAddresses"][name] = self.cidr(space, address)
        for key in ("Address", "AddressIPv6"):
            if arguments.get("Interface", {}).get(key):
                arguments["Interface"][key] = self.cidr("LDAS", arguments["Interface"][key])
        return arguments

    def ipam_arguments(self, arguments):
        if "AddressSpace" in arguments:
            space = arguments["AddressSpace"]
            arguments["AddressSpace"] = self.spaces[space]
            if arguments["Pool"]:
                arguments["Pool"] = self.pool(space, arguments["Pool"])
            return arguments
        recorded_id = arguments["PoolID"]
        arguments["PoolID"] = self.pool_ids[recorded_id]
        if arguments.get("Address"):
            address = self.cidr(recorded_id.partition("/")[0], arguments["Address"])
            arguments["Address"] = address.partition("/")[0]
        return arguments

    def options(self, options, network_id):
        if not isinstance(options, dict):
            return options
        made = {}
        for key, value in options.items():
            if key == "com.docker.network.generic":
                made[key] = self.options(value, network_id)
                if any(name in value for name in ("com.example.vni", "v")):
                    made[key].update(self.allocated.get(network_id, {}))
            elif key not in _INVENTED:
                made[key] = value
            elif _INVENTED[key] is not None:
                made[_INVENTED[key][0]] = _INVENTED[key][1]
        return made

    def pool(self, space, prefix):
        """A node asks in its local space for what the leader was given in the global one."""
        other = "GDAS" if space == "LDAS" else "LDAS"
        return self.pools.get((space, prefix)) or self.pools.get((other, prefix)) or prefix

    def cidr(self, space, address):
        bare, _, length = address.partition("/")
        other = "GDAS" if space == "LDAS" else "LDAS"
        found = self.addresses.get((space, bare)) or self.addresses.get((other, bare)) or address
        return found if length else found.partition("/")[0]

    # -- what the answers say

    def learn(self, call, sent, answer):
        method = call.method
        if method == "IpamDriver.GetDefaultAddressSpaces":
            self.spaces = {ours: answer[key] for ours, key in _SPACES.items()}
        elif method == "IpamDriver.RequestPool":
            recorded = call.reply
            space = call.arguments["AddressSpace"]
            self.pools[space, recorded["Pool"]] = answer["Pool"]
            self.pool_ids[recorded["PoolID"]] = answer["PoolID"]
            self.held_pools.add(answer["PoolID"])
        elif method == "IpamDriver.RequestAddress":
            space = call.arguments["PoolID"].partition("/")[0]
            self.addresses[space, call.reply["Address"].partition("/")[0]] = answer["Address"]
            held = (sent["PoolID"], answer["Address"].partition("/")[0])
            assert call.arguments["Address"] or held not in self.held_addresses, f"{held} was handed out twice"
            self.held_addresses[held] = self.instance
        elif method == "IpamDriver.ReleaseAddress":
            self.held_addresses.pop((sent["PoolID"], sent["Address"]), None)
        elif method == "IpamDriver.ReleasePool":
            self.held_pools.discard(sent["PoolID"])
            self.held_addresses = {held: n for held, n in self.held_addresses.items() if held[0] != sent["PoolID"]}
        else:
            self.learn_network(method, sent, answer)

    def learn_network(self, method, sent, answer):
        kind = method.partition(".")[2]
        if kind == "AllocateNetwork":
            self.allocated[sent["NetworkID"]] = answer["Options"]
        elif kind == "FreeNetwork":
            self.allocated.pop(sent["NetworkID"], None)
        elif kind == "CreateNetwork":
            self.networks[sent["NetworkID"]] = sent
        elif kind == "DeleteNetwork":
            self.networks.pop(sent["NetworkID"], None)
        elif kind == "CreateEndpoint":
            self.endpoints[sent["EndpointID"]] = sent
        elif kind == "DeleteEndpoint":
            self.endpoints.pop(sent["EndpointID"], None)
            self.joined.pop(sent["EndpointID"], None)
        elif kind == "Join":
            name = answer["InterfaceName"]["SrcName"]
            assert name in self.world.links(), f"SrcName {name} is no link of the engine's namespace"
            self.joined[sent["EndpointID"]] = name
        elif kind == "Leave":
            self.joined.pop(sent["EndpointID"], None)


def put_mac(arguments, mac):
    if "Interface" in arguments:
        arguments["Interface"]["MacAddress"] = mac
    else:
        arguments["Options"] = {**(arguments["Options"] or {}), "com.docker.network.endpoint.macaddress": mac}


def spoil(method, arguments):
    """The same call with a fault that viaductd has to refuse."""
    if method == "IpamDriver.RequestPool":
        return {**arguments, "Pool": "10.0.0.1/99"}
    if method == "IpamDriver.RequestAddress":
        return {**arguments, "Address": "not-an-address"}
    if method == "NetworkDriver.CreateEndpoint":
        return {**arguments, "Interface": {**arguments["Interface"], "MacAddress": "zz"}}
    return {**arguments, "NetworkID": ""}
