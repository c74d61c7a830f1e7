"""Calls that come twice, too late, in the wrong order or for things nobody knows."""

import re

import pytest
from harness.calls import GATEWAY, MAC_OPTION, Endpoint, Network, address_request, new_id, new_mac, pool_request

EMPTY = {"network": 0, "endpoint": 0, "pool": 0, "address": 0}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture
def client(running):
    return running.client()


@pytest.fixture
def network(client):
    """A network that the engine has named again since it made it, as its first endpoint does: the record tells."""
    made = Network(client, "10.50.0.0/24").create()
    client.call("NetworkDriver.CreateNetwork", made.creation())
    return made


def test_create_network_twice_is_one_network(running, client, network):
    before = running.kernel()
    client.call("NetworkDriver.CreateNetwork", network.creation())
    assert running.kernel() == before
    assert running.state.counts()["network"] == 1


def test_create_network_on_a_known_id_with_other_parameters_replaces_it(running, client, network):
    """An engine that crashed forgot the network and makes it anew under its Swarm id."""
    endpoint, _ = network.joined()
    other = Network(client, "10.51.0.0/24", id=network.id).create()
    assert running.addresses(f"vd-{network.id[:12]}") == [other.gateway]
    assert running.state.counts()["network"] == 1
    assert endpoint.id not in str(running.state.rows("endpoint"))


def test_create_network_on_a_known_id_takes_back_endpoints_whose_links_are_gone(running, client, network):
    """A crashed Swarm node's containers took their interfaces with them, and no Leave ever comes."""
    lost, answer = network.joined()
    kept, _ = network.joined()
    running.run("ip", "link", "del", answer["InterfaceName"]["SrcName"])
    client.call("NetworkDriver.CreateNetwork", network.creation())
    rows = str(running.state.rows("endpoint"))
    assert lost.id not in rows and kept.id in rows
    # A container may be given the lost one's address again, explicitly, with another MAC.
    network.endpoint(address=lost.address.partition("/")[0])


def test_delete_network_twice_and_unknown(running, client, network):
    network.remove()
    for _ in range(2):
        client.call("NetworkDriver.DeleteNetwork", {"NetworkID": network.id})
    client.call("NetworkDriver.DeleteNetwork", {"NetworkID": new_id()})
    assert running.state.counts() == EMPTY and running.own_links() == []


def test_delete_network_takes_its_endpoints_along(running, client, network):
    network.joined()
    network.endpoint()
    client.call("NetworkDriver.DeleteNetwork", {"NetworkID": network.id})
    assert running.own_links() == []
    assert running.state.counts()["endpoint"] == 0


def test_create_endpoint_twice_gives_the_first_answer(running, client, network):
    endpoint = Endpoint(network, mac="")
    endpoint.address = client.call("IpamDriver.RequestAddress", address_request(network.pool_id))["Address"]
    first = client.call("NetworkDriver.CreateEndpoint", endpoint.creation())
    assert set(first["Interface"]) == {"MacAddress"}
    assert client.call("NetworkDriver.CreateEndpoint", endpoint.creation()) == first
    assert running.state.counts()["endpoint"] == 1


def test_create_endpoint_never_answers_what_it_was_given(client, network):
    """Scenario 5. T9: the same value back is an error to every engine."""
    endpoint = network.endpoint()
    answer = client.call("NetworkDriver.CreateEndpoint", endpoint.creation())
    assert not answer.get("Interface")


def test_a_refused_endpoint_leaves_nothing(running, client, network):
    before = running.state.dump(), running.kernel()
    endpoint = Endpoint(network, address="10.99.0.5/24")
    assert "10.99.0.5" in client.fails("NetworkDriver.CreateEndpoint", endpoint.creation())
    lost = Endpoint(Network(client, id=new_id()), address="10.50.0.5/24")
    assert lost.network.id[:12] in client.fails("NetworkDriver.CreateEndpoint", lost.creation())
    assert (running.state.dump(), running.kernel()) == before


def test_a_second_endpoint_with_the_address_or_mac_of_another_is_refused(running, client, network):
    first, _ = network.joined()
    before = running.state.dump(), running.kernel()
    twin = Endpoint(network, address=first.address)
    assert first.id[:12] in client.fails("NetworkDriver.CreateEndpoint", twin.creation())
    other = client.call("IpamDriver.RequestAddress", address_request(network.pool_id))["Address"]
    twin = Endpoint(network, address=other, mac=first.mac)
    assert first.id[:12] in client.fails("NetworkDriver.CreateEndpoint", twin.creation())
    client.call("IpamDriver.ReleaseAddress", {"PoolID": network.pool_id, "Address": other.partition("/")[0]})
    assert (running.state.dump(), running.kernel()) == before


def test_an_endpoint_that_nobody_joined_makes_room(running, client, network):
    """The engine died between CreateEndpoint and Join, and starts its container again with its --ip."""
    lost = network.endpoint()
    running.engine().register()
    bare = lost.address.partition("/")[0]
    heir, _ = network.joined(address=bare)
    assert heir.address == lost.address
    running.wait_reaped()
    assert running.state.counts()["endpoint"] == 1 and len(running.own_links()) == 3


def test_an_address_given_back_takes_an_endpoint_along_that_nobody_joined(running, client, network):
    """viaductd died with the reply to CreateEndpoint; the engine rolls back what it knows of, the address."""
    before = running.state.dump(), running.kernel()
    lost = network.endpoint()
    running.restart()
    running.client().call("IpamDriver.ReleaseAddress", lost.releasing())
    running.wait_reaped()
    assert (running.state.dump(), running.kernel()) == before


def test_a_refused_network_leaves_nothing(running, client, network):
    before = running.state.dump(), running.kernel()
    overlapping = Network(client, "10.50.0.0/16")
    overlapping.gateway = "10.50.0.1/16"
    holder = network.id[:12]
    assert client.fails("NetworkDriver.CreateNetwork", overlapping.creation()) == (
        f"subnet 10.50.0.0/16 of network {overlapping.id[:12]} overlaps 10.50.0.0/24 of network {holder} (bridge "
        f"{running.state.rows('network')[0]['bridge']}), which is on this host; choose another --subnet, or remove network "
        f"{holder} (`docker network rm`, or `viaductctl network rm {holder}` if the engine no longer knows it)")
    wrong = Network(client, "10.52.0.0/24", generic={"mode": "teleport"})
    wrong.gateway = "10.52.0.1/24"
    assert "teleport" in client.fails("NetworkDriver.CreateNetwork", wrong.creation())
    assert (running.state.dump(), running.kernel()) == before


def test_join_twice_gives_the_same_answer_and_one_link(running, client, network):
    endpoint, first = network.joined()
    links = running.own_links()
    assert client.call("NetworkDriver.Join", endpoint.joining()) == first
    assert running.own_links() == links


def test_join_after_leave_makes_the_links_anew(running, client, network):
    endpoint, first = network.joined()
    client.call("NetworkDriver.Leave", endpoint.ids)
    assert first["InterfaceName"]["SrcName"] not in running.live_links()
    again = client.call("NetworkDriver.Join", endpoint.joining())
    assert again["InterfaceName"]["SrcName"] in running.links()


@pytest.mark.parametrize("world", [{"scope": "global"}], indirect=True)
def test_a_network_made_and_taken_back_at_once_leaves_nothing(running, client):
    """T40: an engine that finds after CreateNetwork that it cannot store a global network."""
    network = Network(client, "10.50.0.0/24", space="global").create()
    network.remove()
    assert running.state.counts() == EMPTY and running.own_links() == [] and running.nft_elements() == {}


@pytest.mark.parametrize("order", [
    ("Leave", "Leave", "DeleteEndpoint"), ("DeleteEndpoint",), ("DeleteEndpoint", "Leave"),
    ("DeleteEndpoint", "DeleteEndpoint"), ("Leave", "DeleteEndpoint", "DeleteEndpoint", "Leave"),
    ("RevokeExternalConnectivity", "Leave", "DeleteEndpoint", "RevokeExternalConnectivity"),
], ids=" ".join)
@pytest.mark.parametrize("joined", [True, False], ids=["joined", "never joined"])
def test_every_order_of_taking_an_endpoint_back_ends_alike(running, client, network, order, joined):
    """Scenario 3. T17: which of these an engine sends depends on its version and on what failed."""
    before = running.state.dump(), running.kernel()
    endpoint = network.joined()[0] if joined else network.endpoint()
    for method in order:
        client.call(f"NetworkDriver.{method}", endpoint.ids)
    client.call("IpamDriver.ReleaseAddress", endpoint.releasing())
    assert (running.state.dump(), running.kernel()) == before


def test_the_address_may_be_released_before_the_endpoint(running, client, network):
    before = running.state.dump(), running.kernel()
    endpoint, _ = network.joined()
    client.call("IpamDriver.ReleaseAddress", endpoint.releasing())
    client.call("NetworkDriver.DeleteEndpoint", endpoint.ids)
    assert running.kernel() == before[1]
    # While the endpoint lived its address was not given away; its end frees it, for no engine releases twice.
    assert running.state.dump() == before[0]


def test_a_released_address_is_not_given_away_while_its_endpoint_lives(client, network):
    endpoint, _ = network.joined()
    client.call("IpamDriver.ReleaseAddress", endpoint.releasing())
    bare = endpoint.address.partition("/")[0]
    others = {network.endpoint().address for _ in range(3)}
    assert endpoint.address not in others
    message = client.fails("IpamDriver.RequestAddress", address_request(network.pool_id, bare, mac=new_mac()))
    assert bare in message, message


def test_unknown_things_are_taken_back_with_success(running, client):
    """Scenario 6. T16: what an engine deletes may be unknown here, and it would not ask again."""
    ids = {"NetworkID": new_id(), "EndpointID": new_id()}
    for method in ("Leave", "DeleteEndpoint", "RevokeExternalConnectivity"):
        client.call(f"NetworkDriver.{method}", ids)
    client.call("NetworkDriver.FreeNetwork", {"NetworkID": new_id()})
    client.call("IpamDriver.ReleasePool", {"PoolID": "local/10.99.0.0/24"})
    client.call("IpamDriver.ReleaseAddress", {"PoolID": "local/10.99.0.0/24", "Address": "10.99.0.2"})
    pool = client.call("IpamDriver.RequestPool", pool_request("10.50.0.0/24"))["PoolID"]
    client.call("IpamDriver.ReleaseAddress", {"PoolID": pool, "Address": "10.50.0.77"})
    client.call("IpamDriver.ReleaseAddress", {"PoolID": pool, "Address": "10.99.0.2"})
    client.call("IpamDriver.ReleasePool", {"PoolID": pool})
    assert running.state.counts() == EMPTY


def test_the_same_pool_twice_is_one_pool_and_goes_with_its_last_release(running, client):
    first = client.call("IpamDriver.RequestPool", pool_request("10.50.0.0/24"))
    assert client.call("IpamDriver.RequestPool", pool_request("10.50.0.0/24")) == first
    client.call("IpamDriver.ReleasePool", {"PoolID": first["PoolID"]})
    client.call("IpamDriver.RequestAddress", address_request(first["PoolID"]))
    client.call("IpamDriver.ReleasePool", {"PoolID": first["PoolID"]})
    assert running.state.counts() == EMPTY
    client.call("IpamDriver.ReleasePool", {"PoolID": first["PoolID"]})


def test_an_overlapping_pool_is_refused_and_its_holder_named(running, client):
    client.call("IpamDriver.RequestPool", pool_request("10.50.0.0/24"))
    before = running.state.dump()
    for pool in ("10.50.0.0/16", "10.50.0.128/25", "10.0.0.0/8"):
        assert re.fullmatch(rf"pool {pool} overlaps local/10\.50\.0\.0/24, which is held since {TIME}; choose another --subnet, "
                            "or remove the network that uses it",
                            client.fails("IpamDriver.RequestPool", pool_request(pool))), pool
    assert running.state.dump() == before
    client.call("IpamDriver.RequestPool", pool_request("10.50.0.0/16", space="global"))


def test_an_overlapping_pool_is_refused_and_the_network_on_its_holder_named(client):
    network = Network(client, "10.50.0.0/24").create()
    overlapping = client.fails("IpamDriver.RequestPool", pool_request("10.50.0.0/16"))
    assert re.fullmatch(rf"pool 10\.50\.0\.0/16 overlaps local/10\.50\.0\.0/24, which is held since {TIME} for network "
                        rf"{network.id[:12]}; choose another --subnet, or remove that network", overlapping), overlapping


def test_an_overlapping_range_is_refused_and_its_holder_named(client):
    client.call("IpamDriver.RequestPool", pool_request("10.50.0.0/24", sub_pool="10.50.0.0/25"))
    refused = client.fails("IpamDriver.RequestPool", pool_request("10.50.0.0/24", sub_pool="10.50.0.64/26"))
    assert re.fullmatch(rf"pool 10\.50\.0\.0/24 with sub-pool 10\.50\.0\.64/26 overlaps local/10\.50\.0\.0/24/10\.50\.0\.0/25, "
                        rf"which is held since {TIME}; choose another --ip-range, or remove the network that uses it",
                        refused), refused


def test_sub_pools_bound_automatic_addresses_only(client):
    """T23: gateway and auxiliary addresses may lie anywhere in the pool; a refusal would end the network's creation."""
    pool = client.call("IpamDriver.RequestPool", pool_request("10.50.0.0/24", sub_pool="10.50.0.128/25"))
    assert pool["Pool"] == "10.50.0.0/24"
    ask = pool["PoolID"]
    client.call("IpamDriver.RequestAddress", address_request(ask, "10.50.0.1", options=GATEWAY))
    client.call("IpamDriver.RequestAddress", address_request(ask, "10.50.0.7"))
    given = [client.call("IpamDriver.RequestAddress", address_request(ask))["Address"] for _ in range(5)]
    assert len(set(given)) == 5
    assert all(int(address.partition("/")[0].rpartition(".")[2]) >= 128 for address in given), given
    assert all(address.endswith("/24") for address in given)


def test_one_mac_asking_again_gets_its_address_again(running, client, network):
    """Scenario 1. A repeat after a lost reply; the MAC is the only key that an engine gives."""
    mac = new_mac()
    first = client.call("IpamDriver.RequestAddress", address_request(network.pool_id, mac=mac))["Address"]
    assert client.call("IpamDriver.RequestAddress", address_request(network.pool_id, mac=mac))["Address"] == first
    bare = first.partition("/")[0]
    assert client.call("IpamDriver.RequestAddress", address_request(network.pool_id, bare, mac=mac))["Address"] == first
    other = client.call("IpamDriver.RequestAddress", address_request(network.pool_id, mac=new_mac()))["Address"]
    assert other != first
    client.call("IpamDriver.ReleaseAddress", {"PoolID": network.pool_id, "Address": bare})
    assert bare not in {row["key"].rpartition("/")[2] for row in running.state.rows("address")}


def test_one_mac_gets_an_address_of_each_family(client):
    mac = new_mac()
    for subnet, v6 in (("10.50.0.0/24", False), ("fd00:50::/64", True)):
        pool = client.call("IpamDriver.RequestPool", pool_request(subnet, v6=v6))["PoolID"]
        got = client.call("IpamDriver.RequestAddress", address_request(pool, options={MAC_OPTION: mac}))["Address"]
        assert got.endswith(subnet.rpartition("/")[2])


def test_automatic_pools_differ_for_as_long_as_they_are_held(running, client):
    """T21: an engine that dislikes a pool keeps it and asks again, for ever if the answer stays the same."""
    asked = [client.call("IpamDriver.RequestPool", pool_request())["PoolID"] for _ in range(40)]
    assert len(set(asked)) == 40
    for pool in asked:
        client.call("IpamDriver.ReleasePool", {"PoolID": pool})
    assert running.state.counts() == EMPTY


@pytest.mark.parametrize("world", [{"pools": "10.64.0.0/22:24"}], indirect=True)
def test_automatic_pools_end_with_an_error_that_says_so(running, client):
    """T21: four pools, then a refusal; never one of them twice."""
    given = {client.call("IpamDriver.RequestPool", pool_request())["Pool"] for _ in range(4)}
    assert given == {f"10.64.{n}.0/24" for n in range(4)}
    assert client.fails("IpamDriver.RequestPool", pool_request()) == (
        "no automatic IPv4 pool is left in 10.64.0.0/22:24; give a --subnet, remove networks, or configure more with --pools")


def test_automatic_pools_avoid_what_the_host_uses(running, client):
    """T21: a pool over a route of the host would be refused by the engine, again and again."""
    running.run("ip", "link", "add", "up0", "type", "bridge")
    running.run("ip", "addr", "add", "172.16.1.1/20", "dev", "up0")
    running.run("ip", "link", "set", "up0", "up")
    given = [client.call("IpamDriver.RequestPool", pool_request())["Pool"] for _ in range(3)]
    assert not [pool for pool in given if int(pool.split(".")[2]) < 16 and pool.startswith("172.16.")], given


def test_a_size_in_place_of_a_pool_is_answered_with_one_of_that_size(client):
    """29 and newer pass `--subnet 0.0.0.0/27` through."""
    for asked, length, v6 in (("0.0.0.0/27", "/27", False), ("::/80", "/80", True)):
        first = client.call("IpamDriver.RequestPool", pool_request(asked, v6=v6))["Pool"]
        second = client.call("IpamDriver.RequestPool", pool_request(asked, v6=v6))["Pool"]
        assert first.endswith(length) and second.endswith(length) and first != second


def test_an_exhausted_pool_says_how_full_it_is(client):
    network = Network(client, "10.50.0.0/29").create()
    given = {network.endpoint().address for _ in range(5)}
    assert len(given) == 5 and network.gateway not in given
    assert client.fails("IpamDriver.RequestAddress", address_request(network.pool_id, mac=new_mac())) == (
        "pool local/10.50.0.0/29 has no free address: 6 of 6 are held (1 gateway, 0 auxiliary, 5 endpoint, 0 swarm); remove "
        "containers, or make the network anew with a larger --subnet or --ip-range (viaductctl address ls shows who holds them)")
    assert not {"10.50.0.0/29", "10.50.0.7/29"} & given


def test_an_automatic_gateway_is_no_excluded_address(client):
    network = Network(client, "10.50.0.0/24", ipam={"exclude": "10.50.0.1-10.50.0.9"}).create()
    assert network.gateway == "10.50.0.10/24"
    assert network.endpoint().address == "10.50.0.11/24"
    asked = client.call("IpamDriver.RequestAddress", address_request(network.pool_id, "10.50.0.5", options=GATEWAY))
    assert asked["Address"] == "10.50.0.5/24"


def test_a_subnet_of_two_spaces_makes_one_network_on_this_host(client):
    """Pools of different spaces may be equal, bridges may not; a network without endpoints is no leftover for that."""
    first = Network(client, "10.50.0.0/24", ipam={"space": "a"}).create()
    second = Network(client, "10.50.0.0/24", ipam={"space": "b"}).allocate()
    refused = client.fails("NetworkDriver.CreateNetwork", second.creation())
    assert first.id[:12] in refused, refused
    endpoint, answer = first.joined()
    assert first.has(endpoint.address) and answer["Gateway"] == first.gateway.partition("/")[0]
