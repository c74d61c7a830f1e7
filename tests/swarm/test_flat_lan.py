"""One LAN over the hosts: each node's network stands on its link to the second wire, so that tasks of all nodes reach one another."""

import pytest

from cluster import DRIVER, Cluster
from lab import LAN, wait_until

ON_THE_LAN = ("-o", "mode=vlan", "-o", f"parent={LAN}")


@pytest.fixture(scope="module")
def local_cluster():
    with Cluster(scope="local") as made:
        yield made


def test_tasks_of_all_nodes_reach_one_another(cluster):
    subnet = cluster.subnet()
    cluster.network("lan", "--attachable", "--subnet", f"{subnet}.0/24", "--gateway", f"{subnet}.254", *ON_THE_LAN)
    cluster.service("web", "lan", 6)
    tasks = cluster.wait_running("web", 6)
    assert {task.node for task in tasks} == {"node1", "node2", "node3"}
    assert len({task.address for task in tasks}) == 6
    for task in tasks:
        assert all(cluster.pings(task, other.address) for other in tasks if other is not task)
    cluster.node("node2").run("one", "lan")
    assert all(cluster.node("node2").pings("one", task.address) for task in tasks)


def test_tasks_have_ipv6_addresses_that_no_two_nodes_give(cluster):
    """A Swarm allocates one address a task; the node makes another one of it, and the engine takes that from CreateEndpoint's answer."""
    subnet = cluster.subnet()
    cluster.network("lan", "--attachable", "--subnet", f"{subnet}.0/24", "--gateway", f"{subnet}.254", "-o", "ipv6_prefix=fd77::/64",
                    *ON_THE_LAN)
    cluster.service("web", "lan", 6)
    tasks = cluster.wait_running("web", 6)
    made = {}
    for task in tasks:
        a, b, c, d = map(int, task.address.split("."))
        made[task.id] = cluster.node(task.node).address6(task.container, "lan")
        assert made[task.id] == f"fd77::{a << 8 | b:x}:{c << 8 | d:x}"
    for task in tasks:
        assert all(cluster.pings(task, address) for other, address in made.items() if other != task.id)


@pytest.fixture
def hosts_of_the_lan(cluster):
    """add(address): a host on the wire of the LAN has it; gone at the end."""
    yield lambda address: cluster.swarm.wires.ip("addr", "add", f"{address}/24", "dev", "lan")
    cluster.swarm.wires.ip("addr", "flush", "dev", "lan")


def test_addresses_that_hosts_of_the_lan_have_are_passed(cluster, hosts_of_the_lan):
    """Scenario 31: the leader gives the addresses, and asks on the LAN before, although no task of the network runs there."""
    subnet, leader = cluster.subnet(), cluster.leader()
    for number in (1, 2, 4):
        hosts_of_the_lan(f"{subnet}.{number}")
    cluster.network("lan", "--subnet", f"{subnet}.0/24", "--gateway", f"{subnet}.254", *ON_THE_LAN)
    wait_until(lambda: f"foreign hosts are looked for on {LAN}" in leader.ctl("pool", "show", f"global/{subnet}.0/24"), 30, "the watch")
    cluster.service("web", "lan", 3, "--constraint", f"node.hostname!={leader.name}")
    tasks = cluster.wait_running("web", 3)
    assert {task.address for task in tasks} == {f"{subnet}.{number}" for number in (3, 5, 6)}
    assert f"{subnet}.4" in leader.ctl("address", "ls")


def test_slices_of_one_subnet_without_a_leader(local_cluster):
    """Scenario 39: scope local, a config-only network with a slice of the subnet on each of three nodes, one network from them: five
    replicas on each, all of them with addresses of their own, and they reach one another."""
    cluster, subnet = local_cluster, local_cluster.subnet()
    for part, node in enumerate(cluster.nodes, 1):
        node.docker("network", "create", "--config-only", "--ipam-driver", DRIVER, "--subnet", f"{subnet}.0/24", "--gateway",
                    f"{subnet}.254", "--ipam-opt", f"slice={part}/3", *ON_THE_LAN, "here")
    cluster.docker("network", "create", "-d", DRIVER, "--scope", "swarm", "--attachable", "--config-from", "here", "lan")
    cluster.service("web", "lan", 15)
    tasks = cluster.wait_running("web", 15)
    addresses = {}
    for node in cluster.nodes:
        own = [task for task in tasks if task.node == node.name]
        assert len(own) == 5
        addresses.update({task.id: node.address(task.container, "lan") for task in own})
    assert len(set(addresses.values())) == 15
    first = tasks[0]
    assert all(cluster.pings(first, addresses[task.id]) for task in tasks[1:])
    cluster.assert_nothing_left()
    for node in cluster.nodes:
        wait_until(lambda: node.docker("network", "rm", "here", check=False).returncode == 0, 30, "removal of the config")
