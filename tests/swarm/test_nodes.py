"""A node that is lost, and comes back without having told its plugin of anything."""

from cluster import DRIVER
from lab import wait_until


def settled(cluster, node, subnet):
    """Whether a node's viaduct holds exactly what its tasks have."""
    own = {task.address for task in cluster.running() if task.node == node.name}
    held = {f"local/{address}" for address in own} | ({f"local/{subnet}.1"} if own else set())
    return set(node.records.endpoints().values()) == own and node.records.held("local").keys() == held


def test_a_worker_that_is_lost_and_comes_back(cluster):
    """kill -9 of a worker's engine, with tasks and an attached container: the Swarm puts the tasks elsewhere; the node comes back, makes
    the network of the same id again, and what its lost endpoints held is taken back. Three times over, without growth."""
    subnet, node, leader = cluster.subnet(), cluster.node("node3"), cluster.leader()
    cluster.network("net", "--attachable", "--subnet", f"{subnet}.0/24")
    cluster.service("web", "net", 6, "--constraint", "node.role==worker")
    cluster.wait_running("web", 6)
    for _ in range(3):
        node.run("one", "net")
        assert len(node.records.endpoints()) == 4
        node.engine.kill()
        wait_until(lambda: cluster.swarm.nodes()["node3"][0] == "Down", 90, "the loss of the node")
        wait_until(lambda: len([task for task in cluster.running("web") if task.node == "node2"]) == 6, 90, "tasks in their place")
        addresses = [task.address for task in cluster.running("web") if task.node == "node2"]
        assert len(set(addresses)) == 6
        node.engine.start()
        wait_until(lambda: cluster.swarm.nodes()["node3"][0] == "Ready", 90, "the node's return")
        node.docker("rm", "-f", "one")
        cluster.docker("service", "update", "-d", "--force", "web")
        wait_until(lambda: len([task for task in cluster.running("web") if task.node == "node3"]) == 3, 120, "tasks on the node again")
        cluster.wait_running("web", 6)
        for one in cluster.nodes:
            wait_until(lambda: settled(cluster, one, subnet), 40, f"what {one.name} holds", interval=0.5)
        tasks = {f"global/{task.address}" for task in cluster.running()}
        wait_until(lambda: leader.records.held("global").keys() == tasks | {f"global/{subnet}.1"}, 40, "what the leader holds")
        tasks = cluster.running("web")
        first, second = [task for task in tasks if task.node == "node3"][:2]
        assert cluster.pings(first, second.address)


def test_a_restart_of_each_manager(cluster):
    """All three manage, and each one's engine is restarted in its turn, the leader's too, with tasks on every node and new ones after it:
    no address twice, and no more held than what lives has."""
    subnet = cluster.subnet()
    cluster.swarm.promote()
    cluster.network("net", "--subnet", f"{subnet}.0/24")
    cluster.service("web", "net", 6)
    cluster.wait_running("web", 6)
    for node in cluster.nodes:
        node.engine.restart()
        wait_until(lambda: len(cluster.swarm.ready(cluster.swarm.leader())) == 3, 90, f"the return of {node.name}")
        cluster.docker("service", "update", "-d", "--force", "web")
        wait_until(lambda: len(cluster.running("web")) == 6, 120, "the tasks")
        cluster.wait_running("web", 6, timeout=120)
        addresses = [task.address for task in cluster.running("web")]
        assert len(set(addresses)) == 6
        for one in cluster.nodes:
            wait_until(lambda: settled(cluster, one, subnet), 60, f"what {one.name} holds", interval=0.5)
        expected = {f"global/{subnet}.1", *(f"global/{address}" for address in addresses)}
        cluster.wait_held(lambda: expected, 100, interval=1)


def test_a_leader_whose_engine_was_restarted_between_two_terms(cluster):
    """What it held in the first is gone when it leads again, and the second never asks for it: network and tasks ended under another
    leader, and the plugin's process is a new one, that never served a term."""
    old, new = cluster.subnet(), cluster.subnet()
    cluster.swarm.promote()
    first = cluster.leader()
    cluster.network("old", "--subnet", f"{old}.0/24")
    cluster.service("passing", "old", 4)
    cluster.wait_running("passing", 4)
    cluster.swarm.change_leader()
    first.engine.restart()
    wait_until(lambda: len(cluster.swarm.ready(cluster.swarm.leader())) == 3, 90, f"the return of {first.name}")
    if cluster.leader() is first:
        cluster.swarm.change_leader()
    cluster.docker("service", "rm", "passing")
    wait_until(lambda: cluster.docker("network", "rm", "old", check=False).returncode == 0, 60, "removal of the network")
    cluster.network("net", "--subnet", f"{new}.0/24")
    cluster.service("web", "net", 4)
    cluster.wait_running("web", 4)
    assert f"global/{old}.0/24" in first.records.pools(), "nobody told it"
    cluster.swarm.lead(first.host)
    cluster.docker("service", "update", "-d", "--force", "web")
    cluster.wait_running("web", 4)
    assert cluster.leader() is first
    cluster.wait_held(lambda: {f"global/{new}.1", *(f"global/{task.address}" for task in cluster.running())}, 20)
    wait_until(lambda: [pool for pool in first.records.pools() if pool.startswith("global/")] == [f"global/{new}.0/24"], 20, "the end of the old pool")


def test_a_leader_that_is_cut_off(cluster):
    """Scenario 41, as a Swarm has it: the leader on one side, the other managers with one of their own on the other; each side's viaduct
    has its record. After the reunion there is one leader, no address twice, and nothing held but what lives."""
    subnet = cluster.subnet()
    cluster.swarm.promote()
    for _ in range(3):
        if cluster.leader().name != "node1":
            break
        cluster.swarm.change_leader()
    cut = cluster.leader()
    assert cut.name != "node1", "the node that the tests ask first"
    cluster.network("net", "--subnet", f"{subnet}.0/24")
    cluster.service("web", "net", 6)
    cluster.wait_running("web", 6)
    cluster.swarm.wires.pull(cut.host)
    try:
        wait_until(lambda: cluster.leader() is not cut, 90, "a leader of the other side")
        wait_until(lambda: cluster.swarm.nodes()[cut.name][0] == "Down", 120, "the loss of the old one")
        cluster.scale(web=9)
        wait_until(lambda: len([task for task in cluster.running("web") if task.node != cut.name]) == 9, 120, "tasks of the other side")
        addresses = [task.address for task in cluster.tasks("web") if task.alive]
        assert len(set(addresses)) == len(addresses)
        # The side without a majority gives nothing to anybody.
        refused = cut.docker("network", "create", "-d", DRIVER, "--ipam-driver", DRIVER, "alone", check=False, timeout=60)
        assert refused.returncode != 0 and "leader" in refused.stderr, refused.stderr
    finally:
        cluster.swarm.wires.put_back(cut.host)
    wait_until(lambda: len(cluster.swarm.ready()) == 3, 120, "the reunion")
    # The node that comes back may call for an election, and win it: what a former leader held goes once it has asked for anything new.
    for _ in range(3):
        leader = cluster.leader()
        cluster.docker("service", "update", "-d", "--force", "web")
        cluster.wait_running("web", 9, timeout=180)
        if cluster.leader() is leader:
            break
    addresses = {task.address for task in cluster.running("web")}
    assert len(addresses) == 9
    for one in cluster.nodes:
        wait_until(lambda: settled(cluster, one, subnet), 60, f"what {one.name} holds", interval=0.5)
    cluster.wait_held(lambda: {f"global/{subnet}.1", *(f"global/{address}" for address in addresses)}, 20)
