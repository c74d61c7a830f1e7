"""Changes of the leader: each begins by asking anew for everything that is alive, of a plugin that may have led before."""

from lab import wait_until

SERVICES, CHANGES = 100, 50
PASSED_OVER = 10   # so many changes at most, without leading; whom an engine hands the lead to is its own choice


def wanted(cluster, *subnets):
    """What a leader has to hold: the gateways and the address of each task that lives."""
    return {*(f"global/{subnet}.1" for subnet in subnets),
            *(f"global/{task.address}" for task in cluster.tasks() if task.alive and task.address)}


def test_fifty_changes_with_a_hundred_services(cluster):
    """Scenario 37: tasks come and go under every leader, and so does a whole network; no leader tells the one before it. Nobody's
    address is given twice, and what is held does not grow."""
    subnet, other = cluster.subnet(), cluster.subnet()
    cluster.swarm.promote()
    cluster.network("net", "--subnet", f"{subnet}.0/24")
    for number in range(SERVICES):
        cluster.service(f"web{number}", "net", 1)
    wait_until(lambda: len(cluster.running()) == SERVICES, 400, "all services", interval=1)
    most, led, subnets, passing = 0, {node.name: 0 for node in cluster.nodes}, [subnet], 0

    def at_rest():
        """Every task that is wanted runs, and no other lives. After a change of its leader a Swarm may take a node for lost, put its
        tasks elsewhere, and take them back."""
        tasks = cluster.tasks()
        running = [task for task in tasks if task.state == "running" and task.wanted == "running"]
        return len(running) == len([task for task in tasks if task.alive]) == SERVICES + passing

    for change in range(CHANGES):
        # One task goes and another comes under each leader.
        name = f"web{change % SERVICES}"
        before = {task.id for task in cluster.tasks(name)}
        cluster.docker("service", "update", "-d", "--force", name)
        if change == 10:
            cluster.network("other", "--subnet", f"{other}.0/24")
            cluster.service("passing", "other", 2)
            subnets.append(other)
            passing = 2
        if change == 12:
            cluster.docker("service", "rm", "passing")
            wait_until(lambda: cluster.docker("network", "rm", "other", check=False).returncode == 0, 60, "removal of a network")
            subnets.remove(other)
            passing = 0
        wait_until(lambda: {task.id for task in cluster.running(name)} - before, 90, f"the new task of {name}")
        wait_until(at_rest, 120, "rest", interval=0.5)
        # It has asked for something new: nothing is held any more but what lives.
        cluster.wait_held(lambda: wanted(cluster, *subnets), 20)
        cluster.swarm.change_leader()
        led[cluster.leader().name] = change
        for node in cluster.nodes:
            if change - led[node.name] > PASSED_OVER:
                cluster.swarm.lead(node.host)
                led[node.name] = change
        addresses = [task.address for task in cluster.running()]
        assert len(set(addresses)) == len(addresses) >= SERVICES - 1
        wait_until(at_rest, 120, "rest", interval=0.5)
        addresses = [task.address for task in cluster.running()]
        assert len(set(addresses)) == len(addresses) >= SERVICES
        most = max(most, len(cluster.leader().records.held("global")))
    # Until it asks for something new, a successor also holds what went since it led itself. Twice the services would be reached
    # after a few changes if what an old leader held stayed with it.
    assert most <= SERVICES + 20, f"{most} addresses were held for {SERVICES} tasks"
    # Whoever leads now has asked for what lives; its first new wish proves that the rest is nobody's.
    cluster.service("last", "net", 1)
    passing = 1
    wait_until(at_rest, 120, "rest", interval=0.5)
    cluster.wait_held(lambda: wanted(cluster, subnet), 20)
    leader = cluster.leader()
    assert [pool for pool in leader.records.pools() if pool.startswith("global/")] == [f"global/{subnet}.0/24"]
    for node in cluster.nodes:
        own = sorted(task.address for task in cluster.running() if task.node == node.name)
        assert sorted(node.records.endpoints().values()) == own
