"""The Swarm of docs/examples.md as it stands: three nodes with engine 28.5, whose eth1 are on one wire with VLAN 10."""

import re
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "swarm"))

from cluster import Node  # noqa: E402  (as in conftest.py)
from lab import Swarm, wait_until  # noqa: E402
from lab.examples import example  # noqa: E402


@pytest.fixture
def swarm():
    with Swarm() as made:
        made.start()
        made.each(lambda host: host.docker("tag", "viaduct-busybox", "busybox"))
        yield made


@pytest.mark.swarm
def test_a_swarm_of_three_nodes_on_one_vlan(swarm):
    plugin, init, office, looks, away = example("A Swarm of three nodes on one VLAN")
    nodes = [Node(host) for host in swarm.hosts]
    first, *others = nodes
    swarm.each(lambda node: node.paste(plugin), nodes)
    join = re.search(r"docker swarm join --token \S+ \S+", first.paste(init))[0]
    for node in others:
        node.paste(join)
    first.paste(office)

    def containers(node):
        return node.docker("ps", "-q", "--filter", "name=web").split()
    wait_until(lambda: sum(len(containers(node)) for node in nodes) == 6, 120, "the tasks")
    assert all(containers(node) for node in nodes)
    names = {node.engine.execute(container, "hostname").stdout.strip() for node in nodes for container in containers(node)}
    assert first.paste(looks).split()[-1] in names
    addresses = [node.address(container, "office") for node in nodes for container in containers(node)]
    assert len(set(addresses)) == 6
    for node in nodes:
        # From the container's namespace: `docker exec` takes seconds here.
        inside = ("nsenter", "--target", str(node.engine.container_pid(containers(node)[0])), "--net")
        assert all(node.world.run(*inside, "ping", "-c", "1", "-W", "3", address) for address in addresses), node.name
        assert "vlan protocol 802.1Q id 10" in node.world.run("ip", "-d", "link", "show", "eth1.10")
    first.paste(away)
    wait_until(lambda: not any(node.own_leftovers(("local",)) for node in nodes), 60, "the end of what was there")
