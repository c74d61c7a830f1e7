"""Many containers at one moment on a machine that has no time for them, and many lives one after the other."""

import os
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor

from harness.calls import Network


def test_sixty_four_starts_under_starvation(running):
    """Scenario 35: 64 starts side by side while the processors are wanted by others; each container has an address and a link of
    its own, whatever the order, and nothing is lost."""
    burners = [subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        network = Network(running.client(), "10.50.0.0/24").create()

        def start(_):
            return Network(running.client(), network.subnet, id=network.id, pool_id=network.pool_id).joined()

        with ThreadPoolExecutor(64) as pool:
            started = list(pool.map(start, range(64)))
    finally:
        for burner in burners:
            burner.kill()
            burner.wait(10)
    assert len({endpoint.address for endpoint, _ in started}) == 64
    assert len({answer["InterfaceName"]["SrcName"] for _, answer in started}) == 64
    assert len(running.state.rows("endpoint")) == 64
    with ThreadPoolExecutor(64) as pool:
        list(pool.map(lambda one: Network(running.client(), network.subnet, id=network.id, pool_id=network.pool_id)
                      .remove_endpoint(one[0]), started))
    network.caller = running.client()
    network.remove()
    running.wait_reaped()
    assert running.own_links() == [] and running.state.rows("endpoint") == []


def test_a_thousand_lives_leave_nothing(running):
    """Scenario 44: containers come and go, some of them in a hurry: without Leave, without Join, with a second Leave."""
    client = running.client()
    before = running.kernel()
    network = Network(client, "10.50.0.0/22").create()
    chance = random.Random(44)
    for number in range(1000):
        endpoint = network.endpoint()
        if chance.random() < 0.9:
            client.call("NetworkDriver.Join", endpoint.joining())
            if chance.random() < 0.3:
                client.call("NetworkDriver.ProgramExternalConnectivity", {**endpoint.ids, "Options": {"com.docker.network.portmap": [
                    {"Proto": 6, "IP": "", "Port": 80, "HostIP": "", "HostPort": 0, "HostPortEnd": 0}]}})
        for _ in range(chance.choice((0, 1, 1, 2))):
            client.call("NetworkDriver.Leave", endpoint.ids)
        if chance.random() < 0.05:
            client.fails("NetworkDriver.CreateEndpoint", {**endpoint.creation(), "EndpointID": "", })
        client.call("NetworkDriver.DeleteEndpoint", endpoint.ids)
        client.call("IpamDriver.ReleaseAddress", endpoint.releasing())
        assert number > 5 or running.state.rows("endpoint") == []
    network.remove()
    running.wait_reaped()
    assert running.kernel() == before
    assert running.state.rows("endpoint") == [] and running.state.rows("network") == []
