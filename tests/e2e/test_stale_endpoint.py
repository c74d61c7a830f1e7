"""Scenario 55: an endpoint that the engine has forgotten, on a network that shall go."""

import json


def test_network_with_a_stale_endpoint_is_removed_after_a_repair(stack):
    """viaductd was away while the container went, and somebody kept its link: the repair forgets the endpoint, `docker network rm`
    succeeds and nothing is left."""
    stack.network("net", "--subnet", f"{stack.subnet()}.0/24")
    stack.run("one", "net")
    stack.run("two", "net")
    link = "ve" + stack.endpoint("one", "net")["EndpointID"][:13]
    stack.world.run("ip", "link", "set", link, "nomaster")
    stack.world.run("ip", "link", "del", link)
    found = stack.world.run("sh", "-c", f"{stack.ctl_command()} fsck --json; true")
    assert [one["kind"] for one in json.loads(found)["findings"]] == ["endpoint"]
    assert json.loads(stack.ctl("fsck", "--repair", "--json"))["findings"] == []
    assert len(stack.rows("endpoint")) == 1
    assert stack.pings("two", stack.endpoint("two", "net")["Gateway"])
    stack.docker("rm", "-f", "one", "two")
    stack.docker("network", "rm", "net")
