"""Services on a viaduct network: addresses that the leader gives and a node is asked for, updates, what cannot be had."""

import time

import pytest

from lab import wait_until


def test_tasks_of_one_node_reach_one_another(cluster):
    subnet = cluster.subnet()
    cluster.network("net", "--subnet", f"{subnet}.0/24")
    cluster.service("web", "net", 4, "--constraint", "node.hostname==node2")
    tasks = cluster.wait_running("web", 4)
    assert len({task.address for task in tasks}) == 4
    first, *others = tasks
    assert all(cluster.pings(first, other.address) for other in others)


def test_a_node_that_has_no_network_of_this_driver_gets_tasks(cluster):
    """Scenario 43: a managed plugin is known to the scheduler from its description of the node, whatever networks there are."""
    worker = cluster.node("node3")
    assert worker.records.networks() == [] and cluster.has_plugin("node3")
    cluster.network("net", "--subnet", f"{cluster.subnet()}.0/24")
    cluster.service("web", "net", 1, "--constraint", "node.hostname==node3")
    (task,) = cluster.wait_running("web", 1, timeout=30)
    assert task.node == "node3" and task.address in worker.records.endpoints().values()


def test_leader_and_node_hold_one_address_in_one_plugin(cluster):
    """Scenario 36: the node that leads runs a task as well, so that its plugin is asked for the same pool and address twice: by the
    leader (space global) and by the node (space local). What one gives back the other keeps; when both have, it is free."""
    leader, subnet = cluster.leader(), cluster.subnet()
    cluster.network("net", "--subnet", f"{subnet}.0/24")
    cluster.service("web", "net", 1, "--constraint", f"node.hostname=={leader.name}")
    (task,) = cluster.wait_running("web", 1)
    both = {f"global/{subnet}.1": "gateway", f"local/{subnet}.1": "gateway", f"global/{task.address}": "swarm"}
    held = leader.records.held()
    assert held.pop(f"local/{task.address}") == "endpoint" and held == both
    assert set(leader.records.pools()) == {f"global/{subnet}.0/24", f"local/{subnet}.0/24"}
    told = leader.ctl("address", "why", task.address)
    assert f"in pool global/{subnet}.0/24\n  Held for Swarm" in told and f"in pool local/{subnet}.0/24\n  Held for an endpoint" in told, told

    seen = []
    cluster.scale(web=0)

    def look():
        held = leader.records.held()
        state = tuple(space for space in ("global", "local") if f"{space}/{task.address}" in held)
        if not seen or seen[-1] != state:
            seen.append(state)
        return state == ()
    wait_until(look, 30, "release by both", interval=0.002)
    assert [state for state in seen if state != ("global", "local")] == [("global",), ()]
    # The node lets go of its network with its last task; the leader's pool lasts as long as the network.
    wait_until(lambda: set(leader.records.pools()) == {f"global/{subnet}.0/24"}, 30, "the node's release of the pool")
    assert leader.records.held() == {f"global/{subnet}.1": "gateway"}
    cluster.docker("service", "rm", "web")
    cluster.docker("network", "rm", "net")
    wait_until(lambda: leader.records.pools() == {}, 30, "the leader's release of the pool")


def clashes(cluster):
    """Addresses that two endpoints have at one time. Each node is looked at twice, all of them the first time before any the second:
    endpoints that are there both times were there together."""
    looks = [{(node.name, key): address for node in cluster.nodes for key, address in node.records.endpoints().items()}
             for _ in range(2)]
    stayed = [address for key, address in looks[0].items() if looks[1].get(key) == address]
    return {address for address in stayed if stayed.count(address) > 1}


@pytest.mark.parametrize("order", ["start-first", "stop-first"])
def test_an_update_never_gives_one_address_to_two_tasks(cluster, order):
    """Scenario 38: every task is replaced, twice over, before or after its successor starts."""
    subnet = cluster.subnet()
    cluster.network("net", "--subnet", f"{subnet}.0/24")
    cluster.service("web", "net", 6, "--update-order", order, "--update-parallelism", "2")
    former = {task.id: task.address for task in cluster.wait_running("web", 6)}
    for generation in range(2):
        cluster.docker("service", "update", "-d", "--force", "web")

        def replaced():
            assert clashes(cluster) == set()
            alive = [task for task in cluster.tasks("web") if task.alive and task.address]
            addresses = [task.address for task in alive]
            assert len(set(addresses)) == len(addresses), alive
            return len(alive) == 6 and all(task.id not in former and task.state == "running" for task in alive)
        wait_until_true(replaced, 90, f"update {generation}")
        now = {task.id: task.address for task in cluster.wait_running("web", 6)}
        # Addresses rest after their release, so that neighbours forget the former owner: each task gets one that is new.
        assert not set(now.values()) & set(former.values())
        former = now


def wait_until_true(condition, timeout, what):
    """wait_until() for a condition whose assertions are to fail the test at once."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not end within {timeout} s"
        time.sleep(0.02)


def test_more_tasks_than_addresses(cluster):
    """Scenario 42: five addresses for seven tasks. Five run, and the leader's engine says of each other one why it waits, naming the
    pool and how full it is; it has no place for that in the task. They run as soon as addresses are given back."""
    subnet, leader = cluster.subnet(), cluster.leader()
    cluster.network("net", "--subnet", f"{subnet}.0/29")
    cluster.service("first", "net", 3)
    cluster.wait_running("first", 3)
    cluster.service("second", "net", 4)
    wait_until(lambda: len(cluster.running("second")) == 2, 60, "two tasks of the second service")
    waiting = [task for task in cluster.tasks("second") if task.state == "new"]
    assert len(waiting) == 2
    full = f"pool global/{subnet}.0/29 has no free address: 6 of 6 are held (1 gateway, 0 auxiliary, 0 endpoint, 5 swarm)"
    lines = leader.engine.log().splitlines()
    for task in waiting:
        assert any(task.id in line and "task allocation failure" in line and full in line for line in lines), f"nothing said of {task.id}"
    assert "100.0 %" in leader.ctl("pool", "ls")
    cluster.scale(first=1)
    assert len({task.address for task in cluster.wait_running("second", 4)}) == 4


def test_scaling_gives_back_what_it_took(cluster):
    """Up and down, three times: what is held afterwards is what was held before, on every node."""
    subnet = cluster.subnet()
    cluster.network("net", "--subnet", f"{subnet}.0/24")
    cluster.service("web", "net", 3)
    cluster.wait_running("web", 3)
    leader = cluster.leader()
    for _ in range(3):
        cluster.scale(web=12)
        tasks = cluster.wait_running("web", 12)
        assert len({task.address for task in tasks}) == 12
        cluster.scale(web=3)
        cluster.wait_running("web", 3)
    held = leader.records.held("global")
    assert sorted(held) == sorted([f"global/{subnet}.1", *(f"global/{task.address}" for task in cluster.running("web"))])
    for node in cluster.nodes:
        own = {task.address for task in cluster.running("web") if task.node == node.name}
        wait_until(lambda: set(node.records.endpoints().values()) == own, 20, f"endpoints of {node.name}")
        assert set(node.records.held("local")) == {f"local/{address}" for address in own} | ({f"local/{subnet}.1"} if own else set())


def test_the_doctor_names_services_that_wait_for_a_load_balancer(cluster):
    """The engine builds none for a plugin's network: a service with a virtual address there is reached by nobody, until the remedy."""
    subnet, leader = cluster.subnet(), cluster.leader()
    cluster.network("net", "--subnet", f"{subnet}.0/24")
    cluster.service("balanced", "net", 0, endpoint_mode="vip")
    cluster.service("plain", "net", 0)

    def doctor():
        return leader.world.run(*leader.ctl_command().split(), "doctor", check=False,
                                env={"DOCKER_HOST": f"unix://{leader.engine.socket}"}).stdout
    told, remedy = doctor(), "docker service update --endpoint-mode dnsrr balanced"
    assert "service balanced has a virtual address" in told and remedy in told and "service plain" not in told, told
    leader.paste(f"{remedy} --detach")
    wait_until(lambda: "virtual address" not in doctor(), 30, "the end of the finding")


def test_a_container_on_a_worker(cluster):
    """An attachable network: the worker's container asks the leader for its address, and gives it back."""
    subnet, worker, leader = cluster.subnet(), cluster.node("node2"), cluster.leader()
    cluster.network("net", "--attachable", "--subnet", f"{subnet}.0/24")
    cluster.service("web", "net", 1, "--constraint", "node.hostname==node2")
    (task,) = cluster.wait_running("web", 1)
    worker.run("one", "net")
    address = worker.address("one", "net")
    assert address != task.address and leader.records.held("global")[f"global/{address}"] == "swarm"
    assert worker.pings("one", task.address) and cluster.pings(task, address)
    worker.docker("rm", "-f", "one")
    wait_until(lambda: f"global/{address}" not in leader.records.held(), 30, "release by the leader")
    assert f"local/{address}" not in worker.records.held()
