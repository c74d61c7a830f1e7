"""A network with as many endpoints as a bridge has ports, and the bridge while ports come and go."""

from harness.calls import Network, new_mac

MOST_PORTS = 1023  # br_add_if() in net/bridge/br_if.c


def test_one_endpoint_more_than_a_bridge_has_ports(running):
    """Scenario 46: a clear error before anything is written; with one endpoint gone there is room again."""
    client = running.client()
    network = Network(client, "10.50.0.0/21").create()
    made = [network.endpoint() for _ in range(MOST_PORTS)]
    rows = len(running.state.rows("endpoint"))
    assert rows == MOST_PORTS
    address = client.call("IpamDriver.RequestAddress", {"PoolID": network.pool_id, "Address": "", "Options": {
        "com.docker.network.endpoint.macaddress": new_mac()}})["Address"]
    creation = {**made[0].creation(), "EndpointID": "f" * 64}
    creation["Interface"] = {"Address": address, "AddressIPv6": "", "MacAddress": new_mac()}
    message = client.fails("NetworkDriver.CreateEndpoint", creation)
    assert f"bridge vd-{network.id[:12]} is full: Linux gives a bridge 1023 ports" in message
    assert len(running.state.rows("endpoint")) == rows
    network.remove_endpoint(made.pop())
    running.wait_reaped()
    client.call("NetworkDriver.CreateEndpoint", creation)
    # The network goes with all its endpoints, as a group.
    client.call("NetworkDriver.DeleteNetwork", {"NetworkID": network.id})
    running.wait_reaped()
    assert running.own_links() == [] and running.state.rows("endpoint") == []


def test_the_mac_of_a_bridge_stays(running):
    """Scenario 52: a bridge without an address of its own would take the lowest of its ports'."""
    client = running.client()
    network = Network(client, "10.50.0.0/24").create()
    bridge = f"vd-{network.id[:12]}"
    seen = {running.links()[bridge]["address"]}
    endpoints = []
    for number in range(5):
        endpoints.append(network.endpoint(mac=f"02:00:00:00:00:{9 - number:02x}"))
        seen.add(running.links()[bridge]["address"])
    for endpoint in endpoints:
        network.remove_endpoint(endpoint)
        seen.add(running.links()[bridge]["address"])
    running.restart()
    seen.add(running.links()[bridge]["address"])
    assert len(seen) == 1
    network.caller = running.client()
    network.remove()
