"""Swarms of real engines with viaduct on each node, and the words in which the tests speak of services and tasks."""

import itertools
import json
import os
from dataclasses import dataclass

from driver import BIN
from lab import Swarm, wait_until
from lab.api import Api
from lab.image import IMAGE
from records import Records
from stack import Stack, recent_logs

DRIVER = "viaduct:latest"
DEAD = {"complete", "shutdown", "failed", "rejected", "remove", "orphaned"}


@dataclass(frozen=True)
class Task:
    """A task as the manager knows it. `address` without its length, "" before it has one; `wanted` is its desired state."""
    id: str
    service: str
    node: str
    slot: int
    wanted: str
    state: str
    error: str
    address: str
    container: str

    @property
    def alive(self):
        return self.state not in DEAD


class Node(Stack):
    """One node: its host, its engine, its plugin, and what viaduct there has written down."""

    def __init__(self, host):
        super().__init__(host, "managed")
        self.host, self.name = host, host.hostname

    @property
    def records(self):
        return Records(self.driver.database())

    def enable(self, package, scope):
        self.docker("plugin", "create", "viaduct", str(package))
        self.driver.set(f"VIADUCT_SCOPE={scope}")
        self.driver.start()

    def own_leftovers(self, spaces=("local", "global")):
        """{} when kernel and records are as if there had never been a network; records of these address spaces alone."""
        found = {"links": self.own_links(), "table": sorted(self.own_rules()), "endpoints": self.records.endpoints(),
                 "networks": self.records.networks(), "pools": [pool for pool in self.records.pools() if pool.split("/")[0] in spaces],
                 "addresses": [key for key in self.records.addresses() if key.split("/")[0] in spaces]}
        return {what: left for what, left in found.items() if left}


class Cluster:
    """Nodes in a Swarm with viaduct enabled on each before they joined; commands go to the node that leads."""

    def __init__(self, scope="global", hosts=3):
        self.scope = scope
        self.swarm = Swarm(hosts, keep_logs=os.environ.get("VIADUCT_LAB_LOGS"))
        self.nodes = []
        self._numbers = itertools.count(1)

    def __enter__(self):
        self.swarm.__enter__()
        try:
            self.swarm.start()
            self.nodes = [Node(host) for host in self.swarm.hosts]
            package = self.swarm.hosts[0].dir / "plugin"
            self.nodes[0].driver.tool("--out", str(package))
            self.swarm.each(lambda node: node.enable(package, self.scope), self.nodes)
            self.swarm.form()
            wait_until(lambda: all(self.has_plugin(node.name) for node in self.nodes), 90, "the scheduler's view of the plugins")
        except BaseException as error:
            error.add_note(self.logs())
            self.swarm.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.swarm.__exit__()

    def logs(self):
        return "\n".join(f"=== {host.hostname}\n{recent_logs(host.dir)}" for host in self.swarm.hosts if host.dir is not None)

    def has_plugin(self, hostname):
        """Whether the scheduler knows that a node has the driver."""
        described = self.inspect("node", hostname)["Description"]["Engine"]["Plugins"]
        return {"Type": "Network", "Name": DRIVER} in described

    # Whom to ask.

    def node(self, name):
        return next(node for node in self.nodes if node.name == name)

    def leader(self):
        return self.node(self.swarm.leader().hostname)

    def docker(self, *args, **options):
        return self.swarm.manager().docker(*args, **options)

    def inspect(self, kind, name):
        return json.loads(self.docker(kind, "inspect", name))[0]

    # Networks, services, tasks.

    def subnet(self):
        """A /24 that no other test of this cluster uses, as its first three octets."""
        return f"10.41.{next(self._numbers)}"

    def network(self, name, *options, ipam=DRIVER):
        return self.docker("network", "create", "-d", DRIVER, "--ipam-driver", ipam, *options, name)

    def service(self, name, network, replicas, *options, endpoint_mode="dnsrr", command=("sleep", "3600")):
        """A service whose tasks end at once when they are told to, and come back as fast as Swarm allows."""
        self.docker("service", "create", "-d", "--no-resolve-image", "--name", name, "--network", network, "--replicas", str(replicas),
                    "--endpoint-mode", endpoint_mode, "--stop-signal", "SIGKILL", "--restart-delay", "100ms", "--update-delay", "0s",
                    "--update-monitor", "100ms", *options, IMAGE, *command)

    def scale(self, **replicas):
        self.docker("service", "scale", "-d", *(f"{name}={count}" for name, count in replicas.items()))

    def tasks(self, service=None):
        """Every task that the manager remembers, of one service or of all."""
        manager = Api(self.swarm.manager().engine.socket, 20)
        hostnames = {node["ID"]: node["Description"]["Hostname"] for node in manager.get("/nodes")}
        names = {one["ID"]: one["Spec"]["Name"] for one in manager.get("/services")}
        found = []
        for task in manager.get("/tasks", **({"service": service} if service else {})):
            status = task["Status"]
            addresses = [address for attached in task.get("NetworksAttachments") or [] for address in attached.get("Addresses") or []]
            found.append(Task(task["ID"], names.get(task.get("ServiceID"), ""), hostnames.get(task.get("NodeID"), ""), task.get("Slot", 0),
                              task["DesiredState"], status["State"], status.get("Err", ""),
                              addresses[0].partition("/")[0] if addresses else "",
                              status.get("ContainerStatus", {}).get("ContainerID", "")))
        return found

    def running(self, service=None):
        """The tasks that run and are to run."""
        return [task for task in self.tasks(service) if task.state == "running" and task.wanted == "running"]

    def wait_running(self, service, count, timeout=90):
        """Wait until exactly so many tasks run, and nothing of the service beside them lives; these tasks."""
        def settled():
            tasks = self.tasks(service)
            wanted = [task for task in tasks if task.state == "running" and task.wanted == "running"]
            return (wanted or True) if len(wanted) == count and len([task for task in tasks if task.alive]) == count else None
        try:
            found = wait_until(settled, timeout, f"{count} tasks of {service}", interval=0.2)
        except TimeoutError as error:
            error.add_note("\n".join(map(str, self.tasks(service))))
            raise
        return [] if found is True else found

    def wait_held(self, wanted, timeout, interval=0.05):
        """Wait until the leader's viaduct holds exactly what `wanted()` gives, as "global/ADDRESS"; a failure says what differs, and
        what every node has on record."""
        def differing():
            return sorted(self.leader().records.held("global").keys() ^ wanted())
        try:
            wait_until(lambda: not differing(), timeout, "agreement of what the leader holds with what lives", interval)
        except TimeoutError as error:
            error.add_note(f"{self.leader().name} leads; these differ: {differing()}")
            error.add_note("\n".join(map(str, self.tasks())))
            for node in self.nodes:
                error.add_note(f"{node.name}: {node.records.epoch()} {node.records.pools()} {node.records.terms()}")
            raise

    def pings(self, task, address):
        """Whether a task's container gets an answer."""
        return self.node(task.node).pings(task.container, address)

    # The end of a test.

    def remove_everything(self):
        """Remove services, containers and networks; wait until the tasks are gone."""
        services = self.docker("service", "ls", "-q").split()
        if services:
            self.docker("service", "rm", *services)
        for node in self.nodes:
            listed = node.docker("ps", "-a", "--format", '{{.ID}} {{.Label "com.docker.swarm.task.id"}}').splitlines()
            own = [line.split()[0] for line in listed if len(line.split()) == 1]
            if own:
                node.docker("rm", "-f", "-v", *own)
        wait_until(lambda: not self.tasks(), 90, "end of all tasks")
        wait_until(lambda: all(not node.docker("ps", "-aq") for node in self.nodes), 60, "end of all containers")
        wait_until(self._remove_networks, 60, "removal of the networks")

    def _remove_networks(self):
        names = self.docker("network", "ls", "-q", "--filter", f"driver={DRIVER}").split()
        return not names or self.docker("network", "rm", *names, check=False).returncode == 0

    def leftovers(self, global_too=True):
        """node → what is left there; the leader's space is looked at on the node that leads."""
        leader = self.leader() if global_too else None
        found = {node.name: node.own_leftovers(("local", "global") if node is leader else ("local",)) for node in self.nodes}
        return {name: left for name, left in found.items() if left}

    def assert_nothing_left(self):
        self.remove_everything()
        try:
            wait_until(lambda: not self.leftovers(), 40, "end of leftovers", interval=0.3)
        except TimeoutError:
            assert self.leftovers() == {}


__all__ = ["BIN", "Cluster", "DRIVER", "Node", "Task"]
