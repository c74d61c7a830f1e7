"""Replay or conflict: the same explicit request is one or the other, depending on which life of the engine it belongs to."""

import pytest
from harness import wait
from harness.calls import GATEWAY, SERIAL, Network, address_request, new_mac, pool_request
from harness.http import Client


@pytest.fixture
def engine(running):
    return running.engine().register()


def successor(world, engine):
    engine.die()
    return world.engine().register()


def bare(cidr):
    return cidr.partition("/")[0]


def test_a_used_address_is_refused_to_another_mac_and_its_holder_named(engine):
    network = Network(engine, "10.50.0.0/24").create()
    endpoint = network.endpoint()
    ask = address_request(network.pool_id, bare(endpoint.address), mac=new_mac())
    message = engine.fails("IpamDriver.RequestAddress", ask)
    assert bare(endpoint.address) in message and (endpoint.mac in message or endpoint.id[:12] in message), message


def test_the_same_mac_gets_the_same_answer(engine):
    network = Network(engine, "10.50.0.0/24").create()
    endpoint = network.endpoint()
    ask = address_request(network.pool_id, bare(endpoint.address), mac=endpoint.mac)
    assert engine.call("IpamDriver.RequestAddress", ask)["Address"] == endpoint.address


def test_the_gateway_is_refused_to_an_endpoint(engine):
    network = Network(engine, "10.50.0.0/24").create()
    message = engine.fails("IpamDriver.RequestAddress",
                           address_request(network.pool_id, bare(network.gateway), mac=new_mac()))
    assert bare(network.gateway) in message and "gateway" in message, message


def replay(engine, network, endpoints):
    """What an engine with RequiresRequestReplay sends at its start, with no release before."""
    pool = engine.call("IpamDriver.RequestPool", pool_request(network.subnet))
    assert pool["PoolID"] == network.pool_id
    ask = address_request(network.pool_id, bare(network.gateway), options=GATEWAY)
    assert engine.call("IpamDriver.RequestAddress", ask)["Address"] == network.gateway
    for endpoint in endpoints:
        ask = address_request(network.pool_id, bare(endpoint.address), mac=endpoint.mac)
        assert engine.call("IpamDriver.RequestAddress", ask)["Address"] == endpoint.address


def test_a_new_engine_claims_again_what_the_old_one_was_given(running, engine):
    """Scenario 19: kill -9 of the engine, and a replay without any release before it: no "already in use"."""
    network = Network(engine, "10.50.0.0/24").create()
    endpoints = [network.endpoint() for _ in range(3)]
    second = successor(running, engine)
    replay(second, network, endpoints)
    network.caller = second
    assert network.endpoint().address not in {endpoint.address for endpoint in endpoints}
    for endpoint in endpoints:
        network.remove_endpoint(endpoint)


def test_a_new_engine_may_claim_with_another_mac_or_none(running, engine):
    """Engines before this one's MAC was stored replay without it; the address is theirs all the same."""
    network = Network(engine, "10.50.0.0/24").allocate()
    held = [engine.call("IpamDriver.RequestAddress", address_request(network.pool_id, mac=new_mac()))["Address"]
            for _ in range(2)]
    second = successor(running, engine)
    second.call("IpamDriver.RequestPool", pool_request(network.subnet))
    second.call("IpamDriver.RequestAddress", address_request(network.pool_id, bare(held[0]), mac=new_mac()))
    second.call("IpamDriver.RequestAddress", address_request(network.pool_id, bare(held[1])))
    second.fails("IpamDriver.RequestAddress", address_request(network.pool_id, bare(held[0]), mac=new_mac()))


def test_a_replayed_pool_is_released_once(running, engine):
    """Replays are never matched by releases: a count that grew with them would keep the pool for ever."""
    network = Network(engine, "10.50.0.0/24").create()
    for _ in range(3):
        engine = successor(running, engine)
        replay(engine, network, [])
    network.caller = engine
    network.remove()
    assert running.state.counts() == {"network": 0, "endpoint": 0, "pool": 0, "address": 0}


def test_what_an_old_engine_held_is_not_given_away_unasked(running, engine):
    network = Network(engine, "10.50.0.0/24").create()
    held = {network.endpoint().address for _ in range(4)}
    second = successor(running, engine)
    second.call("IpamDriver.RequestPool", pool_request(network.subnet))
    fresh = {second.call("IpamDriver.RequestAddress", address_request(network.pool_id, mac=new_mac()))["Address"]
             for _ in range(4)}
    assert not held & fresh and network.gateway not in fresh


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_a_restart_of_viaductd_alone_begins_no_epoch(running, engine, how):
    network = Network(engine, "10.50.0.0/24").create()
    endpoint = network.endpoint()
    engine.client.close()
    running.restart(how)
    ask = address_request(network.pool_id, bare(endpoint.address), mac=new_mac())
    engine.fails("IpamDriver.RequestAddress", ask)
    engine.client.close()
    engine.register()  # a managed plugin is asked for its capabilities again when it restarts
    engine.fails("IpamDriver.RequestAddress", ask)
    assert endpoint.address == engine.call(
        "IpamDriver.RequestAddress", {**ask, "Options": address_request("", mac=endpoint.mac)["Options"]})["Address"]


def test_an_epoch_survives_a_restart_of_viaductd(running, engine):
    """Scenario 19: the engine crashes, viaductd crashes, both come back; the replay is still a replay."""
    network = Network(engine, "10.50.0.0/24").create()
    endpoints = [network.endpoint() for _ in range(2)]
    engine.die()
    running.restart("kill")
    second = running.engine().register()
    replay(second, network, endpoints)
    second.client.close()
    running.restart("kill")
    second.fails("IpamDriver.RequestAddress", address_request(network.pool_id, bare(endpoints[0].address), mac=new_mac()))


def test_somebody_beside_a_living_engine_begins_no_epoch(running, engine):
    """An operator's curl, or a second engine on the machine that only enumerates plugins."""
    network = Network(engine, "10.50.0.0/24").create()
    endpoint = network.endpoint()
    other = running.engine().register()
    ask = address_request(network.pool_id, bare(endpoint.address), mac=new_mac())
    other.fails("IpamDriver.RequestAddress", ask)
    engine.fails("IpamDriver.RequestAddress", ask)


@pytest.mark.parametrize("world", [{"scope": "global"}], indirect=True)
def test_a_second_name_has_the_other_scope_and_begins_no_epoch(world):
    """One process, one state: a Swarm's networks and those of this host alone. An engine registers a name when it first uses it."""
    other = world.folder / "local.sock"
    world.start(listen=f"unix://{world.socket},local=unix://{other}")
    engine = world.engine().register()
    second = Client(other)
    assert engine.call("NetworkDriver.GetCapabilities", None)["Scope"] == "global"
    assert second.call("NetworkDriver.GetCapabilities", None)["Scope"] == "local"
    network = Network(second, "10.50.0.0/24").create()
    endpoint = network.endpoint()
    message = engine.fails("NetworkDriver.CreateNetwork", Network(engine, "10.50.0.0/25").creation())
    assert "overlaps 10.50.0.0/24 of network" in message, "both names know all networks"
    engine.die()
    for method in ("Plugin.Activate", "IpamDriver.GetCapabilities"):
        second.call(method, None)
    ask = address_request(network.pool_id, bare(endpoint.address), mac=new_mac())
    second.fails("IpamDriver.RequestAddress", ask)
    second.close()
    assert world.daemon.terminate() == 0, world.daemon.output()
    assert not other.exists()


@pytest.mark.parametrize("world", [{"scope": "global"}], indirect=True)
def test_leader_and_worker_halves_of_one_node_ask_for_one_subnet(running, engine):
    """T29: on a manager that runs tasks both spaces hold the subnet, and the node asks for what the leader chose."""
    pool = engine.call("IpamDriver.RequestPool", pool_request("10.60.0.0/24", space="global"))["PoolID"]
    gateway = engine.call("IpamDriver.RequestAddress", address_request(pool, options={**GATEWAY, **SERIAL}))["Address"]
    tasks = [engine.call("IpamDriver.RequestAddress", address_request(pool, options=SERIAL))["Address"] for _ in range(3)]
    network = Network(engine, "10.60.0.0/24", id="wghod2qepiecg00n2fret9vtj")
    network.pool_id = engine.call("IpamDriver.RequestPool", pool_request("10.60.0.0/24"))["PoolID"]
    assert network.pool_id != pool
    ask = address_request(network.pool_id, bare(gateway), options=GATEWAY)
    network.gateway = engine.call("IpamDriver.RequestAddress", ask)["Address"]
    assert network.gateway == gateway
    engine.call("NetworkDriver.CreateNetwork", network.creation())
    endpoints = [network.endpoint(address=bare(task)) for task in tasks]
    assert [endpoint.address for endpoint in endpoints] == tasks
    for endpoint in endpoints:
        network.remove_endpoint(endpoint)
    network.remove()
    # The leader's half is as it was.
    assert {row["key"] for row in running.state.rows("pool")} == {pool}
    assert len(running.state.rows("address")) == 4


@pytest.mark.parametrize("world", [{"scope": "global"}], indirect=True)
def test_a_leader_does_not_hand_out_again_at_once_what_was_released(engine):
    """The serial option: a released address may still be in use by a container that shuts down."""
    pool = engine.call("IpamDriver.RequestPool", pool_request("10.60.0.0/24", space="global"))["PoolID"]
    engine.call("IpamDriver.RequestAddress", address_request(pool, options={**GATEWAY, **SERIAL}))
    first = engine.call("IpamDriver.RequestAddress", address_request(pool, options=SERIAL))["Address"]
    engine.call("IpamDriver.ReleaseAddress", {"PoolID": pool, "Address": bare(first)})
    assert engine.call("IpamDriver.RequestAddress", address_request(pool, options=SERIAL))["Address"] != first


@pytest.mark.parametrize("world", [{"scope": "global"}], indirect=True)
def test_a_new_leader_asks_again_for_everything_alive_and_keeps_it(running, engine):
    """Swarm after a change of leader: explicit requests for gateway, VIPs and tasks, no release before, then new ones."""
    ask = {**GATEWAY, **SERIAL}
    pool = engine.call("IpamDriver.RequestPool", pool_request("10.60.0.0/24", space="global"))["PoolID"]
    gateway = engine.call("IpamDriver.RequestAddress", address_request(pool, options=ask))["Address"]
    tasks = [engine.call("IpamDriver.RequestAddress", address_request(pool, options=SERIAL))["Address"] for _ in range(4)]
    second = successor(running, engine)
    again = second.call("IpamDriver.RequestPool", pool_request("10.60.0.0/24", space="global", options=SERIAL))
    assert again["PoolID"] == pool
    assert second.call("IpamDriver.RequestAddress", address_request(pool, bare(gateway), options=ask))["Address"] == gateway
    for task in tasks:
        got = second.call("IpamDriver.RequestAddress", address_request(pool, bare(task), options=SERIAL))["Address"]
        assert got == task
    assert second.call("IpamDriver.RequestAddress", address_request(pool, options=SERIAL))["Address"] not in tasks


@pytest.mark.parametrize("world", [{"scope": "global"}], indirect=True)
def test_what_a_leader_does_not_claim_goes_as_soon_as_it_asks_for_anything_new(running, engine):
    """Scenario 37: another node led meanwhile, and a task of four and a whole network went. Nobody waits for a sweep by the minute."""
    ask = {**GATEWAY, **SERIAL}

    def network(caller, subnet, gateway=""):
        pool = caller.call("IpamDriver.RequestPool", pool_request(f"{subnet}.0/24", space="global", options=SERIAL))["PoolID"]
        caller.call("IpamDriver.RequestAddress", address_request(pool, gateway, options=ask))
        return pool

    def held():
        return {row["key"].rpartition("/")[2] for row in running.state.rows("address") if row["rest"] is None}
    pool, _ = network(engine, "10.60.0"), network(engine, "10.61.0")
    tasks = [bare(engine.call("IpamDriver.RequestAddress", address_request(pool, options=SERIAL))["Address"]) for _ in range(4)]
    second = successor(running, engine)
    network(second, "10.60.0", "10.60.0.1")
    for task in tasks[1:]:
        second.call("IpamDriver.RequestAddress", address_request(pool, task, options=SERIAL))
    assert {*tasks, "10.61.0.1"} <= held(), "it may still ask for what lives"
    new = bare(second.call("IpamDriver.RequestAddress", address_request(pool, options=SERIAL))["Address"])
    wait.until(lambda: held() == {"10.60.0.1", *tasks[1:], new}, "the end of what was not claimed")
    wait.until(lambda: {row["key"] for row in running.state.rows("pool")} == {pool}, "the end of the network that was not claimed")


def test_spaces_do_not_share_addresses(engine):
    pools = [engine.call("IpamDriver.RequestPool", pool_request("10.50.0.0/24", space=space))["PoolID"]
             for space in ("local", "global")]
    got = [engine.call("IpamDriver.RequestAddress", address_request(pool, "10.50.0.9", mac=new_mac()))["Address"]
           for pool in pools]
    assert got == ["10.50.0.9/24"] * 2
