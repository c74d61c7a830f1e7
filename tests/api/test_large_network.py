"""A network with as many endpoints as a bridge has ports, and the bridge while ports come and go."""

from harness.calls import Network


def test_the_endpoint_after_the_last_port_of_a_bridge(running):
    """Scenario 46: the 1024th endpoint of a network works like the first, and nobody but the host's links tells where it is."""
    client = running.client()
    network = Network(client, "10.50.0.0/21").create()
    endpoints = [network.endpoint() for _ in range(1024)]
    answer = client.call("NetworkDriver.Join", endpoints[-1].joining())
    links = running.links()
    bridges = {name for name, link in links.items() if link.get("linkinfo", {}).get("info_kind") == "bridge"}
    ports = [links["ve" + endpoint.id[:13]]["master"] for endpoint in endpoints]
    assert len(bridges) == 2 and set(ports) == bridges
    assert {links[name]["master"] for name in links if name.startswith("vj")} == bridges, "joined to each other"
    assert answer["InterfaceName"]["SrcName"] in links and answer["Gateway"] == network.gateway.split("/")[0]
    running.restart()
    network.caller = running.client()
    links = running.links()
    assert ports == [links["ve" + endpoint.id[:13]]["master"] for endpoint in endpoints], "a restart leaves them where they are"
    for endpoint in endpoints[:10]:
        network.remove_endpoint(endpoint)
    # The network goes with all its endpoints, as a group.
    network.caller.call("NetworkDriver.DeleteNetwork", {"NetworkID": network.id})
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
