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
    led, subnets = {node.name: 0 for node in cluster.nodes}, [subnet]
    known = {}   # task → the address that it had, of all that there ever were
    over = {node.name: set() for node in cluster.nodes}   # of these, who had ended when that node led last

    def note():
        """The tasks that live."""
        tasks = cluster.tasks()
        known.update({task.id: f"global/{task.address}" for task in tasks if task.address})
        return {task.id for task in tasks if task.alive}

    for change in range(CHANGES):
        # One task goes and another comes under each leader.
        name = f"web{change % SERVICES}"
        cluster.docker("service", "update", "-d", "--force", name)
        if change == 10:
            cluster.network("other", "--subnet", f"{other}.0/24")
            cluster.service("passing", "other", 2)
            cluster.wait_running("passing", 2)
            subnets.append(other)
        if change == 12:
            cluster.docker("service", "rm", "passing")
            wait_until(lambda: cluster.docker("network", "rm", "other", check=False).returncode == 0, 60, "removal of a network")
            subnets.remove(other)
        wait_until(lambda: len(cluster.running(name)) == 1, 90, f"the new task of {name}")
        # It has asked for something new: nothing is held any more but what lives.
        cluster.wait_held(lambda: wanted(cluster, *subnets), 20)
        living = note()
        over[cluster.leader().name] = known.keys() - living
        cluster.swarm.change_leader()
        leader = cluster.leader()
        led[leader.name] = change
        # Its successor holds what lives, and what went since it led itself: nothing that nobody had in that time.
        held, living = leader.records.held("global").keys(), note()
        ended = {address for task, address in known.items() if task not in over[leader.name] | living}
        stale = held - wanted(cluster, *subnets) - ended - {f"global/{other}.1"}
        assert not stale, f"{leader.name} leads, and holds {sorted(stale)}"
        for node in cluster.nodes:
            if change - led[node.name] > PASSED_OVER:
                cluster.swarm.lead(node.host)
                led[node.name] = change
        addresses = [task.address for task in cluster.running()]
        assert len(set(addresses)) == len(addresses) >= SERVICES - 1
    # Whoever leads now has asked for what lives; its first new wish proves that the rest is nobody's.
    cluster.service("last", "net", 1)
    cluster.wait_running("last", 1)
    cluster.wait_held(lambda: wanted(cluster, subnet), 20)
    leader = cluster.leader()
    assert [pool for pool in leader.records.pools() if pool.startswith("global/")] == [f"global/{subnet}.0/24"]
    for node in cluster.nodes:
        own = sorted(task.address for task in cluster.running() if task.node == node.name)
        assert sorted(node.records.endpoints().values()) == own
