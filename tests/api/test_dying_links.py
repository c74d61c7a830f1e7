"""A container comes back while the kernel is still busy with the links of its last life."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import wait
from harness.calls import Endpoint, Network, address_request, new_mac

ROUNDS = 6


class Sandbox:
    """A network namespace that an endpoint's link is moved into, as an engine does; it ends with its one process."""

    def __init__(self, world, answer, endpoint):
        self.world, self.link = world, answer["InterfaceName"]["SrcName"]
        self.process = subprocess.Popen([*world.enter, "unshare", "--net", "sh", "-c", "echo entered; exec cat"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        # Before that it is in one of two namespaces that are no sandbox.
        assert self.process.stdout.readline() == b"entered\n"
        world.run("ip", "link", "set", self.link, "netns", str(self.process.pid))
        self.run("ip", "link", "set", self.link, "name", "eth0", "up")
        self.run("ip", "addr", "add", endpoint.address, "dev", "eth0")

    def run(self, *command, check=True):
        return self.world.run("nsenter", f"--net=/proc/{self.process.pid}/ns/net", *command, check=check)

    def give_link_back(self):
        """What an engine does after Leave; the link may be gone by then."""
        self.run("ip", "link", "set", "eth0", "down", check=False)
        self.run("ip", "link", "set", "eth0", "name", self.link, "netns", str(self.world.holder.pid), check=False)

    def kill(self):
        """Its links die with it, a little later."""
        self.process.kill()
        self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def client(running):
    return running.client()


@pytest.fixture
def network(client):
    return Network(client, "10.50.0.0/24").create()


@pytest.fixture
def into_sandbox(running):
    """Moves a joined endpoint's link into a sandbox of its own."""
    made = []

    def move(endpoint, answer):
        made.append(Sandbox(running, answer, endpoint))
        return made[-1]

    yield move
    for sandbox in made:
        sandbox.kill()


def start(network, address, mac, previous=None):
    """One life of a container: another endpoint, or once more the `previous` one."""
    call = network.caller.call
    endpoint = previous or Endpoint(network, mac=mac, address=f"{address}/24")
    given = call("IpamDriver.RequestAddress", address_request(network.pool_id, address, mac=mac))["Address"]
    assert given == endpoint.address
    call("NetworkDriver.CreateEndpoint", endpoint.creation())
    return endpoint, call("NetworkDriver.Join", endpoint.joining())


def end(network, endpoint):
    call = network.caller.call
    call("NetworkDriver.Leave", endpoint.ids)
    call("NetworkDriver.DeleteEndpoint", endpoint.ids)
    call("IpamDriver.ReleaseAddress", endpoint.releasing())


def bridge_of(network):
    return f"vd-{network.id[:12]}"


@pytest.mark.parametrize("dies", ["after", "before", "meanwhile"])
def test_a_container_comes_back_while_its_old_links_are_dying(running, network, into_sandbox, dies):
    """Scenario 33: the same MAC and address at once again, and traffic flows; whether the process ends before Leave or after."""
    address, mac = "10.50.0.77", new_mac()
    for _ in range(ROUNDS):
        endpoint, answer = start(network, address, mac)
        sandbox = into_sandbox(endpoint, answer)
        assert running.run("ping", "-c", "1", "-W", "1", address, check=False).returncode == 0
        if dies == "before":
            sandbox.kill()
        with ThreadPoolExecutor() as pool:
            killing = pool.submit(sandbox.kill) if dies == "meanwhile" else None
            end(network, endpoint)
            if killing:
                killing.result()
        if dies == "after":
            sandbox.give_link_back()
            sandbox.kill()
    running.wait_reaped()
    assert running.own_links() == [bridge_of(network)]
    assert running.state.counts()["endpoint"] == 0


def test_one_endpoint_comes_back_while_its_old_links_are_dying(running, network):
    """Scenario 33: under the very names of the dying links."""
    endpoint, _ = start(network, "10.50.0.77", new_mac())
    for _ in range(ROUNDS):
        network.caller.call("NetworkDriver.Leave", endpoint.ids)
        network.caller.call("NetworkDriver.Join", endpoint.joining())
        end(network, endpoint)
        _, answer = start(network, "10.50.0.77", endpoint.mac, endpoint)
    assert answer["InterfaceName"]["SrcName"] in running.links()
    running.wait_reaped()
    assert len(running.own_links()) == 3


def test_a_container_comes_back_after_a_crash_that_left_its_links_dying(running, client, network, into_sandbox):
    """Scenario 33: killed between Leave and the removal of the links; DeleteEndpoint and the release never came."""
    mac = new_mac()
    endpoint, answer = start(network, "10.50.0.77", mac)
    sandbox = into_sandbox(endpoint, answer)
    client.call("NetworkDriver.Leave", endpoint.ids)
    running.restart()
    network.caller = running.client()
    again, answer = start(network, "10.50.0.77", mac)
    sandbox.kill()
    into_sandbox(again, answer)
    assert running.run("ping", "-c", "1", "-W", "1", "10.50.0.77", check=False).returncode == 0
    assert [row["key"] for row in running.state.rows("endpoint")] == [f"{network.id}/{again.id}"]
    end(network, again)
    running.wait_reaped()
    assert running.own_links() == [bridge_of(network)]


def test_a_container_comes_back_whose_leave_was_lost(running, network, into_sandbox):
    """Scenario 33: only the kernel knows that the old sandbox is on its way out."""
    mac = new_mac()
    for _ in range(ROUNDS):
        endpoint, answer = start(network, "10.50.0.77", mac)
        into_sandbox(endpoint, answer).kill()
    running.wait_reaped()
    wait.until(lambda: running.own_links() == [bridge_of(network)], "the end of the last links")
    assert [row["key"] for row in running.state.rows("endpoint")] == [f"{network.id}/{endpoint.id}"]
    end(network, endpoint)
    assert running.state.counts()["endpoint"] == 0


def test_many_containers_come_back_at_once(running, network):
    """Scenario 33: each gets its own address and MAC again, whatever else is dying."""
    addresses = {f"10.50.0.{n}": new_mac() for n in range(50, 66)}

    def live(address, mac):
        own = Network(running.client(), network.subnet, id=network.id, pool_id=network.pool_id, gateway=network.gateway)
        for _ in range(ROUNDS):
            end(own, start(own, address, mac)[0])
        own.caller.close()

    with ThreadPoolExecutor(len(addresses)) as pool:
        for life in [pool.submit(live, *one) for one in addresses.items()]:
            life.result()
    running.wait_reaped()
    assert running.own_links() == [bridge_of(network)]
    assert running.state.counts()["endpoint"] == 0
