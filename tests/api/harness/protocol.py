"""What an engine accepts as a reply, method by method; a reply that breaks a rule here breaks an engine.

T-numbers name the traps listed in tests/README.md.
"""

import ipaddress
import re

from .http import error_sentence

MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}$")

NETWORK_METHODS = (
    "GetCapabilities", "GwAllocCheck", "AllocateNetwork", "FreeNetwork", "CreateNetwork", "DeleteNetwork",
    "CreateEndpoint", "EndpointOperInfo", "DeleteEndpoint", "Join", "Leave", "ProgramExternalConnectivity",
    "RevokeExternalConnectivity", "DiscoverNew", "DiscoverDelete",
)
IPAM_METHODS = (
    "GetCapabilities", "GetDefaultAddressSpaces", "RequestPool", "ReleasePool", "RequestAddress", "ReleaseAddress",
)
METHODS = (
    "Plugin.Activate", *(f"NetworkDriver.{m}" for m in NETWORK_METHODS), *(f"IpamDriver.{m}" for m in IPAM_METHODS),
)
WITHOUT_ARGUMENTS = (
    "Plugin.Activate", "NetworkDriver.GetCapabilities", "IpamDriver.GetCapabilities",
    "IpamDriver.GetDefaultAddressSpaces",
)
WITH_ARGUMENTS = tuple(m for m in METHODS if m not in WITHOUT_ARGUMENTS)


def _keys(reply, required, optional=()):
    assert set(required) <= set(reply), f"missing {set(required) - set(reply)} in {reply}"
    assert set(reply) <= set(required) | set(optional), f"an unknown key in {reply}"


def bare_ip(text):
    assert "/" not in text, f"an address in CIDR form where engines want it bare: {text}"
    return ipaddress.ip_address(text)


def cidr(text):
    assert "/" in text, f"no CIDR: {text!r}"
    return ipaddress.ip_interface(text)


def _empty(_request, reply, _context):
    assert reply == {}, reply


def _activate(_request, reply, _context):
    assert sorted(reply["Implements"]) == ["IpamDriver", "NetworkDriver"], reply


def _network_capabilities(_request, reply, context):
    _keys(reply, ("Scope", "ConnectivityScope", "GwAllocChecker"))
    assert reply["Scope"] == context.get("scope", "local"), reply
    assert reply["ConnectivityScope"] in ("", "local", "global"), reply
    assert reply["GwAllocChecker"] is True, reply


def _ipam_capabilities(_request, reply, _context):
    assert reply == {"RequiresMACAddress": True, "RequiresRequestReplay": True}, reply


def _address_spaces(_request, reply, _context):
    _keys(reply, ("LocalDefaultAddressSpace", "GlobalDefaultAddressSpace"))
    assert all(isinstance(v, str) and v for v in reply.values()) and len(set(reply.values())) == 2, reply


def _request_pool(request, reply, _context):
    _keys(reply, ("PoolID", "Pool"), ("Data",))
    assert reply["PoolID"] and isinstance(reply["PoolID"], str), reply
    got = ipaddress.ip_network(reply["Pool"])
    asked = request.get("Pool")
    if asked and not ipaddress.ip_network(asked).network_address.is_unspecified:
        assert got == ipaddress.ip_network(asked), (request, reply)
    data = reply.get("Data") or {}
    assert set(data) <= {"com.docker.network.gateway"}, reply
    for value in data.values():
        assert cidr(value).network == got, reply


def _request_address(request, reply, _context):
    _keys(reply, ("Address",), ("Data",))
    got = cidr(reply["Address"])
    if request.get("Address"):
        assert got.ip == ipaddress.ip_address(request["Address"]), (request, reply)
    assert not reply.get("Data"), reply


def _create_endpoint(request, reply, _context):
    """T9: a field that was given must not come back, not even unchanged. T10: a MAC is text here."""
    _keys(reply, (), ("Interface",))
    given = {k: v for k, v in (request.get("Interface") or {}).items() if v}
    interface = reply.get("Interface") or {}
    _keys(interface, (), ("Address", "AddressIPv6", "MacAddress"))
    for key, value in interface.items():
        assert value, f"an empty {key} is no supply of one: {reply}"
        assert key not in given, f"{key} was given and comes back: {reply}"
        if key == "MacAddress":
            assert MAC.match(value), reply
        else:
            cidr(value)


def _join(_request, reply, context):
    """T11, T12, T13, T39. `context`: subnets of the endpoint, `internal`."""
    _keys(reply, ("InterfaceName",), ("Gateway", "GatewayIPv6", "StaticRoutes", "DisableGatewayService"))
    name = reply["InterfaceName"]
    _keys(name, ("SrcName", "DstPrefix"))
    assert name["SrcName"] and len(name["SrcName"]) <= 15 and name["DstPrefix"], reply
    gateways = [reply[key] for key in ("Gateway", "GatewayIPv6") if reply.get(key)]
    for gateway in gateways:
        address = bare_ip(gateway)
        if "subnets" in context:
            assert address.is_link_local or any(address in net for net in context["subnets"]), (reply, context)
    for route in reply.get("StaticRoutes") or ():
        _keys(route, ("Destination", "RouteType"), ("NextHop",))
        assert route["Destination"], f"an empty Destination ends the engine's handler: {reply}"
        ipaddress.ip_network(route["Destination"])
        assert route["RouteType"] in (0, 1), reply
        if route["RouteType"] == 0:
            bare_ip(route["NextHop"])
    if context.get("internal"):
        assert not gateways, f"an internal network with a gateway: {reply}"
    elif not gateways:
        assert reply.get("DisableGatewayService") is True, f"the engine would add docker_gwbridge: {reply}"


def _operational_info(_request, reply, _context):
    _keys(reply, ("Value",))
    assert isinstance(reply["Value"], dict), reply


def _gateway_check(_request, reply, _context):
    _keys(reply, ("SkipIPv4", "SkipIPv6"))
    assert all(isinstance(v, bool) for v in reply.values()), reply


def _allocate_network(request, reply, _context):
    """T26: the reply replaces the user's options, so it has to hold them."""
    _keys(reply, ("Options",))
    for key, value in (request.get("Options") or {}).items():
        assert reply["Options"].get(key) == value, (request, reply)
    assert all(isinstance(v, str) for v in reply["Options"].values()), reply


_RULES = {
    "Plugin.Activate": _activate,
    "NetworkDriver.GetCapabilities": _network_capabilities,
    "NetworkDriver.GwAllocCheck": _gateway_check,
    "NetworkDriver.AllocateNetwork": _allocate_network,
    "NetworkDriver.CreateEndpoint": _create_endpoint,
    "NetworkDriver.EndpointOperInfo": _operational_info,
    "NetworkDriver.Join": _join,
    "IpamDriver.GetCapabilities": _ipam_capabilities,
    "IpamDriver.GetDefaultAddressSpaces": _address_spaces,
    "IpamDriver.RequestPool": _request_pool,
    "IpamDriver.RequestAddress": _request_address,
}


def check_success(method, request, reply, context=None):
    """The decoded reply of a call that must succeed, after every rule for the method. `request` is decoded too."""
    assert reply.status == 200, f"{method}: status {reply.status}: {reply.body!r}"
    assert reply.body, f"{method}: an empty body, which engines read as EOF (T4)"
    decoded = reply.json()
    assert isinstance(decoded, dict), f"{method}: not an object: {decoded!r}"
    assert not decoded.get("Err") and not decoded.get("Error"), f"{method} {request}: {decoded}"
    assert "Err" not in decoded and "Error" not in decoded, f"{method}: an empty error field: {decoded}"
    _RULES.get(method, _empty)(request or {}, decoded, context or {})
    return decoded


def check_failure(method, reply):
    """The message of a call that must fail."""
    assert reply.status == 200, f"{method}: status {reply.status}: {reply.body!r}"
    return error_sentence(reply)
