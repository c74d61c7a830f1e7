"""Every method of the protocol is answered, and answered in the form that engines read."""

import json
import select
import socket
from ipaddress import ip_interface

import pytest
from harness import protocol
from harness.calls import GATEWAY, SERIAL, Network, address_request, examples, new_id, pool_request
from harness.http import error_sentence, request_bytes


def checked(client, method, arguments=None, **context):
    return protocol.check_success(method, arguments, client.raw(method, arguments), context)


def test_activation_names_both_halves(running):
    assert sorted(running.client().call("Plugin.Activate")["Implements"]) == ["IpamDriver", "NetworkDriver"]


@pytest.mark.parametrize("world", [{"scope": "local"}, {"scope": "global"}], indirect=True)
def test_capabilities_are_answered_at_once_and_alike_every_time(running):
    client = running.client()
    first = checked(client, "NetworkDriver.GetCapabilities", scope=running.scope)
    checked(client, "IpamDriver.GetCapabilities")
    Network(client).create()
    assert checked(client, "NetworkDriver.GetCapabilities", scope=running.scope) == first


def test_address_spaces_are_two_and_named_local_and_global(running):
    assert running.client().call("IpamDriver.GetDefaultAddressSpaces") == {
        "LocalDefaultAddressSpace": "local", "GlobalDefaultAddressSpace": "global"}


def test_every_method_of_the_protocol_answers_a_whole_life(running):
    client = running.client()
    network = Network(client, "10.50.0.0/24").create()
    endpoint = network.endpoint()
    arguments = examples(network, endpoint)
    assert set(arguments) == set(protocol.WITH_ARGUMENTS)
    order = ["NetworkDriver.GwAllocCheck", "NetworkDriver.CreateNetwork", "NetworkDriver.CreateEndpoint",
             "NetworkDriver.Join", "NetworkDriver.ProgramExternalConnectivity", "NetworkDriver.EndpointOperInfo",
             "NetworkDriver.RevokeExternalConnectivity", "NetworkDriver.Leave", "NetworkDriver.DeleteEndpoint",
             "NetworkDriver.DiscoverNew", "NetworkDriver.DiscoverDelete", "NetworkDriver.AllocateNetwork",
             "NetworkDriver.FreeNetwork", "IpamDriver.RequestPool", "IpamDriver.RequestAddress",
             "IpamDriver.ReleaseAddress", "IpamDriver.ReleasePool", "NetworkDriver.DeleteNetwork"]
    assert set(order) == set(arguments)
    for method in order:
        checked(client, method, arguments[method])


def test_no_method_waits_for_the_engine(world):
    """Scenario 17: the engine's own socket, in its usual place, accepts and never answers. Nobody connects to it."""
    run = world.folder / "run"
    run.mkdir()
    with socket.socket(socket.AF_UNIX) as engine_api:
        engine_api.bind(str(run / "docker.sock"))
        engine_api.listen(1)
        world.run("mount", "--bind", str(run), "/run")
        assert world.run("test", "-S", "/var/run/docker.sock").returncode == 0
        world.start()
        client = world.client()
        network = Network(client, "10.50.0.0/24").create()
        endpoint, _ = network.joined()
        for method, arguments in examples(network, endpoint).items():
            client.raw(method, arguments)
        assert world.daemon.terminate() == 0
        connected, _, _ = select.select([engine_api], [], [], 0)
        assert not connected, "viaductd dialled the engine"


@pytest.mark.parametrize("host", ["", "plugin.moby.localhost", "127.0.0.1:9000"])
def test_any_host_header_and_no_content_type_are_accepted(running, host):
    client = running.client(host=host)
    client.call("IpamDriver.RequestPool", pool_request("10.50.0.0/24"))


def test_unknown_paths_are_404_with_both_error_keys(running):
    for path in ("NetworkDriver.Nothing", "IpamDriver.", "VolumeDriver.Create", "", "Plugin.Activate/x",
                 "Plugin.Activate%20"):
        with running.client().connect() as conn:
            reply = conn.call(path, {})
        assert reply.status == 404, (path, reply)
        error_sentence(reply)


def test_other_verbs_are_refused_with_both_error_keys(running):
    for verb in ("GET", "PUT", "DELETE"):
        with running.client().connect() as conn:
            conn.send(request_bytes("NetworkDriver.GetCapabilities", b"", verb=verb))
            reply = conn.read_reply()
        assert reply.status in (404, 405), (verb, reply)
        error_sentence(reply)


def test_allocate_network_answers_the_union_of_the_options(running):
    client = running.client()
    options = {"com.docker.network.driver.mtu": "1400"}
    request = {"NetworkID": "wghod2qepiecg00n2fret9vtj", "Options": options, "IPv6Data": None,
               "IPv4Data": [{"AddressSpace": "", "Gateway": "10.60.0.1/24", "Pool": "10.60.0.0/24"}]}
    first = checked(client, "NetworkDriver.AllocateNetwork", request)["Options"]
    again = checked(client, "NetworkDriver.AllocateNetwork", {**request, "Options": first})["Options"]
    assert again == first
    checked(client, "NetworkDriver.FreeNetwork", {"NetworkID": request["NetworkID"]})
    checked(client, "NetworkDriver.FreeNetwork", {"NetworkID": request["NetworkID"]})


def test_a_swarm_network_of_several_subnets_is_refused_on_the_leader(running):
    """Trap T28: each task would get one at random, and its node invent the address of the other."""
    client = running.client()
    for other in ("fd00:66::/64", "10.61.0.0/24"):
        error = client.fails("NetworkDriver.AllocateNetwork", {
            "NetworkID": "wghod2qepiecg00n2fret9vtj", "Options": {}, "IPv6Data": None,
            "IPv4Data": [{"AddressSpace": "", "Pool": pool} for pool in ("10.60.0.0/24", other)]})
        assert other in error and "make it with one --subnet" in error, error


def test_allocate_network_accepts_missing_and_null_options(running):
    client = running.client()
    data = [{"AddressSpace": "", "Gateway": "10.60.0.1/24", "Pool": "10.60.0.0/24"}]
    for options in ({"Options": None}, {"Options": {}}, {}):
        checked(client, "NetworkDriver.AllocateNetwork",
                {"NetworkID": "wghod2qepiecg00n2fret9vtj", **options, "IPv4Data": data, "IPv6Data": None})


@pytest.mark.parametrize("world", [{"scope": "global"}], indirect=True)
def test_swarm_ids_that_are_not_hex_make_networks(running):
    client = running.client()
    network = Network(client, "10.60.0.0/24", id="wghod2qepiecg00n2fret9vtj").create()
    endpoint, _ = network.joined()
    network.remove_endpoint(endpoint)
    network.remove()
    assert running.own_links() == []


def test_optional_members_may_be_null_empty_or_missing(running):
    client = running.client()
    pool = {"AddressSpace": "local", "Pool": "10.50.0.0/24", "SubPool": "", "V6": False}
    for options in ({"Options": None}, {"Options": {}}, {}):
        made = checked(client, "IpamDriver.RequestPool", {**pool, **options})
        for more in ({"Options": None}, {"Options": {}}, {}):
            got = checked(client, "IpamDriver.RequestAddress", {"PoolID": made["PoolID"], "Address": "", **more})
            checked(client, "IpamDriver.ReleaseAddress",
                    {"PoolID": made["PoolID"], "Address": got["Address"].partition("/")[0]})
    for index, auxiliary in enumerate(({"AuxAddresses": {}}, {"AuxAddresses": None}, {})):
        network_id = new_id()
        data = {"AddressSpace": "local", "Pool": f"10.51.{index}.0/24", **auxiliary}
        for ipv6 in (None, []):
            checked(client, "NetworkDriver.CreateNetwork",
                    {"NetworkID": network_id, "IPv4Data": [data], "IPv6Data": ipv6,
                     "Options": {"com.docker.network.generic": {}}})
        checked(client, "NetworkDriver.DeleteNetwork", {"NetworkID": network_id})


def test_swarm_pollution_of_pool_options_is_no_unknown_option(running):
    client = running.client()
    for v6, pool in ((False, "10.66.0.0/24"), (False, "fd00:66::/64")):
        made = checked(client, "IpamDriver.RequestPool",
                       pool_request(pool, space="global", options={**GATEWAY, **SERIAL}, v6=v6))
        checked(client, "IpamDriver.RequestAddress", address_request(made["PoolID"], options={**GATEWAY, **SERIAL}))


def test_an_unknown_option_is_refused_and_the_nearest_known_one_named(running):
    client = running.client()
    network = Network(client, "10.50.0.0/24", generic={"com.docker.network.driver.mtuu": "1400"}).allocate()
    assert "com.docker.network.driver.mtu" in client.fails("NetworkDriver.CreateNetwork", network.creation())
    assert running.own_links() == []
    assert '"size"' in client.fails("IpamDriver.RequestPool", pool_request("10.51.0.0/24", options={"sizes": "24"}))


def test_escaped_characters_in_bodies_are_decoded(running):
    """Go writes < > & as \\u003c \\u003e \\u0026; the name of an endpoint may hold any of them."""
    client = running.client()
    pool = client.call("IpamDriver.RequestPool", pool_request("10.50.0.0/24"))["PoolID"]
    body = json.dumps(address_request(pool, options={"com.docker.network.endpoint.name": "a<b>&c"}))
    body = body.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode() + b"\n"
    client.call("IpamDriver.RequestAddress", body)
    assert any("a<b>&c" in row["value"] for row in running.state.rows("address"))


def test_join_gives_an_existing_link_a_prefix_and_a_gateway_on_it(running):
    client = running.client()
    network = Network(client, "10.50.0.0/24").create()
    endpoint, answer = network.joined()
    link = running.links()[answer["InterfaceName"]["SrcName"]]
    assert link["linkinfo"]["info_kind"] == "veth"
    assert answer["Gateway"] == network.gateway.partition("/")[0]
    assert network.gateway in running.addresses(f"vd-{network.id[:12]}")
    host = [other for other in running.links().values() if other.get("master") == f"vd-{network.id[:12]}"]
    assert len(host) == 1 and "UP" in host[0]["flags"], host
    network.remove_endpoint(endpoint)


def test_join_on_an_internal_network_gives_no_gateway(running):
    client = running.client()
    network = Network(client, "10.50.0.0/24", internal=True).create()
    endpoint = network.endpoint()
    checked(client, "NetworkDriver.Join", endpoint.joining(), internal=True)


def test_published_ports_are_the_plugins_business(running):
    """T12: with a gateway in Join's answer ports are the plugin's business; on an internal network nothing is published."""
    client = running.client()
    bindings = [{"Proto": 6, "IP": "", "Port": 80, "HostIP": "", "HostPort": 8080, "HostPortEnd": 8080}]
    for internal in (False, True):
        network = Network(client, f"10.5{int(internal)}.0.0/24", internal=internal).create()
        endpoint, _ = network.joined()
        program = {**endpoint.ids, "Options": {"com.docker.network.portmap": bindings}}
        for _ in range(2):
            checked(client, "NetworkDriver.ProgramExternalConnectivity", program)
            table = running.run("nft", "list", "map", "inet", "viaduct", "any4").stdout
            assert ("tcp . 8080" in table) == (not internal)
        other, _ = network.joined()
        if not internal:
            message = client.fails("NetworkDriver.ProgramExternalConnectivity", {**other.ids, "Options": program["Options"]})
            assert "0.0.0.0:8080/tcp is in use by endpoint " + endpoint.ids["EndpointID"][:12] in message
        network.remove_endpoint(endpoint)
        assert "8080" not in running.run("nft", "list", "map", "inet", "viaduct", "any4").stdout
        network.remove_endpoint(other)
        network.remove()
    assert running.own_links() == []


@pytest.mark.parametrize("label", [{}, {"com.docker.network.internal": True}], ids=["outside", "internal"])
@pytest.mark.parametrize("generic", [{}, {"com.docker.network.bridge.enable_ip_masquerade": "false"}, {"icc": "false"}],
                         ids=str)
def test_gateway_check_asks_for_a_gateway_exactly_where_one_is_used(running, label, generic):
    """T20: the bridge of every network carries its gateways, an internal one's too, so none may be skipped."""
    client = running.client()
    options = {"com.docker.network.enable_ipv4": True, "com.docker.network.enable_ipv6": True,
               "com.docker.network.generic": generic, **label}
    assert checked(client, "NetworkDriver.GwAllocCheck", {"Options": options}) == {"SkipIPv4": False, "SkipIPv6": False}
    network = new_id()
    gateways = ["10.50.0.1/24", "fd00:50::1/64"]
    data = [{"AddressSpace": "local", "Gateway": gateway, "Pool": str(ip_interface(gateway).network)} for gateway in gateways]
    checked(client, "NetworkDriver.CreateNetwork",
            {"NetworkID": network, "Options": options, "IPv4Data": data[:1], "IPv6Data": data[1:]})
    assert running.addresses(f"vd-{network[:12]}") == gateways


@pytest.mark.parametrize("options", [None, {}, {"com.docker.network.generic": None}, {"com.docker.network.enable_ipv4": False}],
                         ids=str)
def test_gateway_check_knows_no_ipam_and_skips_nothing(running, options):
    """The check comes before any call to an IPAM driver and does not name it. The null one answers a request for a gateway with
    nothing, and such a network is made without one."""
    client = running.client()
    answer = checked(client, "NetworkDriver.GwAllocCheck", {"Options": options})
    assert answer == {"SkipIPv4": False, "SkipIPv6": False}
    network = new_id()
    checked(client, "NetworkDriver.CreateNetwork", {"NetworkID": network, "Options": options, "IPv6Data": [],
                                                    "IPv4Data": [{"AddressSpace": "null", "Pool": "0.0.0.0/0"}]})
    assert running.addresses(f"vd-{network[:12]}") == []


def test_gateway_check_refuses_what_create_network_would(running):
    """Before any address is taken: nothing has to be given back."""
    client = running.client()
    for generic in ({"com.docker.network.bridge.default_bridge": "true"}, {"mtu": "none"}, {"no-such-option": "1"}):
        message = client.fails("NetworkDriver.GwAllocCheck", {"Options": {"com.docker.network.generic": generic}})
        assert next(iter(generic)) in message


def test_a_mac_in_the_options_is_base64_and_in_the_interface_text(running):
    client = running.client()
    network = Network(client, "10.50.0.0/24").create()
    endpoint = network.endpoint(mac="02:42:ac:11:00:99")
    creation = endpoint.creation()
    creation["Options"]["com.docker.network.endpoint.macaddress"] = "AkKsEQCZ"
    checked(client, "NetworkDriver.CreateEndpoint", creation)


def test_a_node_without_gateway_or_subnet_data_gets_a_network(running):
    """The null IPAM driver and IPv6-only networks send such data."""
    client = running.client()
    for data in ([{"AddressSpace": "null", "Pool": "0.0.0.0/0"}], []):
        network_id = new_id()
        ipv6 = [] if data else [{"AddressSpace": "local", "Gateway": "fd00:50::1/64", "Pool": "fd00:50::/64"}]
        checked(client, "NetworkDriver.CreateNetwork",
                {"NetworkID": network_id, "Options": {"com.docker.network.generic": {}}, "IPv4Data": data,
                 "IPv6Data": ipv6})
        checked(client, "NetworkDriver.DeleteNetwork", {"NetworkID": network_id})
    assert running.own_links() == []


def test_mtus_below_what_ipv6_needs_are_served(world):
    """Below 1280 a link has no IPv6; the uplink's MTU may be as small as one that is asked for."""
    world.run("ip", "link", "add", "up0", "mtu", "1000", "type", "veth", "peer", "name", "out0")
    for link in ("up0", "out0"):
        world.run("ip", "link", "set", link, "up")
    world.run("ip", "addr", "add", "192.0.2.1/24", "dev", "up0")
    world.run("ip", "route", "add", "default", "via", "192.0.2.2")
    world.start()
    for number, options in enumerate([{}, {"mtu": "68"}, {"mtu": "1279"}, {"mtu": "1280"}]):
        network = Network(world.client(), f"10.50.{number}.0/24", generic=options).create()
        _, answer = network.joined()
        links = world.links()
        for name in (f"vd-{network.id[:12]}", answer["InterfaceName"]["SrcName"]):
            assert links[name]["mtu"] == int(options.get("mtu", 1000)), name
