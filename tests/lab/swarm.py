"""Several hosts on one wire, each a world with an engine of its own, and the Swarm that these engines form."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from lab.wait import wait_until
from lab.world import PATH, World

ENGINE = "28.5"
WIRE, LAN = "wire0", "eth1"   # each host's links: to the wire of the Swarm, with an address, and to a second wire, without one
NETWORK = "192.0.2"


class Wires:
    """Two switches, as bridges in a network namespace that lives for as long as this process does."""

    BRIDGES = {WIRE: "wire", LAN: "lan"}

    def __init__(self):
        self._holder = None

    def __enter__(self):
        # Once cat echoes, the namespace is there.
        self._holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env={"PATH": PATH}, start_new_session=True)
        self._holder.stdin.write(b"ready\n")
        self._holder.stdin.flush()
        if self._holder.stdout.readline() != b"ready\n":
            raise RuntimeError("the wires' namespace did not start")
        for bridge in self.BRIDGES.values():
            self.ip("link", "add", bridge, "up", "type", "bridge")
        return self

    def __exit__(self, *_):
        self._holder.stdin.close()
        self._holder.wait(20)
        self._holder.stdout.close()

    def ip(self, *words):
        self.run("ip", *words)

    def run(self, *argv):
        """Run a command where the switches are; its standard output."""
        done = subprocess.run(["nsenter", "--target", str(self._holder.pid), "--net", *map(str, argv)], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=60, env={"PATH": PATH})
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, argv))}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def plug(self, host):
        """Give a host both of its links, up. Links end with either of their namespaces."""
        for link, bridge in self.BRIDGES.items():
            port = f"{bridge}{host.number}"
            self.ip("link", "add", port, "up", "master", bridge, "type", "veth", "peer", "name", link, "netns", host.init_pid)
            host.run("ip", "link", "set", link, "up")
        host.run("ip", "addr", "add", f"{host.address}/24", "dev", WIRE)

    def pull(self, host):
        """Take the host's links off the switches, as a cable that is pulled."""
        for bridge in self.BRIDGES.values():
            self.ip("link", "set", f"{bridge}{host.number}", "down")

    def put_back(self, host):
        for bridge in self.BRIDGES.values():
            self.ip("link", "set", f"{bridge}{host.number}", "up")


class Host(World):
    """A world that is one host of several: a name, a number from 1, an address on the wire."""

    def __init__(self, number, keep_logs=None):
        super().__init__(keep_logs=keep_logs, engine=ENGINE)
        self.number = number
        self.hostname = f"node{number}"
        self.address = f"{NETWORK}.{number}"

    def __enter__(self):
        super().__enter__()
        self.run("hostname", self.hostname)
        # No registry is reachable: tasks take the image that is there.
        self.engine.environment["DOCKER_SERVICE_PREFER_OFFLINE_IMAGE"] = "1"
        return self


class Swarm:
    """Hosts on one wire, and the Swarm of their engines. A context manager: leaving it ends all of them.

    start() has the engines run, form() joins them; whoever wants plugins on them from the first moment enables these in between.
    The first host is the first manager.
    """

    def __init__(self, hosts=3, keep_logs=None):
        self.hosts = [Host(number, keep_logs) for number in range(1, hosts + 1)]
        self.wires = Wires()
        self._open = ExitStack()

    def __enter__(self):
        with ExitStack() as opening:
            opening.enter_context(self.wires)
            for host in self.hosts:
                opening.enter_context(host)
                self.wires.plug(host)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_):
        self._open.close()

    def each(self, action, hosts=None):
        """action(host) for every host, all at once; the results in their order."""
        hosts = list(hosts if hosts is not None else self.hosts)
        with ThreadPoolExecutor(max_workers=max(len(hosts), 1)) as pool:
            return list(pool.map(action, hosts))

    def start(self):
        """Start the engines and give each the tests' image."""
        def one(host):
            host.engine.start()
            host.engine.load_image()
        self.each(one)
        return self

    def form(self):
        """The first host's engine makes the Swarm, the others join it as workers."""
        first, others = self.hosts[0], self.hosts[1:]
        first.docker("swarm", "init", "--advertise-addr", first.address, "--listen-addr", f"{first.address}:2377")
        token = first.docker("swarm", "join-token", "-q", "worker")
        self.each(lambda host: host.docker("swarm", "join", "--token", token, "--advertise-addr", host.address,
                                           f"{first.address}:2377"), others)
        wait_until(lambda: len(self.ready(first)) == len(self.hosts), 60, "readiness of all nodes")
        return self

    # Nodes, as managers see them.

    def nodes(self, ask=None):
        """hostname → (status, manager status), as a manager tells: ("Ready", "Leader"), ("Ready", ""), ("Down", "Unreachable") …"""
        told = (ask or self.manager()).docker("node", "ls", "--format", "{{.Hostname}}|{{.Status}}|{{.ManagerStatus}}", timeout=20)
        return {name: (status, role) for name, status, role in (line.split("|") for line in told.splitlines())}

    def ready(self, ask=None):
        return [name for name, (status, _) in self.nodes(ask).items() if status == "Ready"]

    def managers(self):
        """The hosts whose engines run and manage."""
        return [host for host in self.hosts if host.engine.running
                and host.docker("info", "--format", "{{.Swarm.ControlAvailable}}", check=False, timeout=20).stdout.strip() == "true"]

    def manager(self):
        """A host that can be asked about the Swarm."""
        return wait_until(self.managers, 60, "a manager")[0]

    def host(self, hostname):
        return next(host for host in self.hosts if host.hostname == hostname)

    def leader(self, timeout=60):
        """The host whose engine leads, once there is one and a manager says so."""
        def found():
            for host in self.managers():
                told = host.docker("node", "ls", "--format", "{{.Hostname}}|{{.ManagerStatus}}", check=False, timeout=20)
                for line in told.stdout.splitlines():
                    if line.endswith("|Leader"):
                        return self.host(line.partition("|")[0])
            return None
        return wait_until(found, timeout, "a leader")

    def promote(self, hosts=None):
        """Make hosts (all) managers, and wait until they are."""
        hosts = hosts or self.hosts
        names = [host.hostname for host in hosts]
        ask = self.leader()
        # Refused where a node is changed between the client's question and its answer ("update out of sequence").
        wait_until(lambda: ask.docker("node", "promote", *names, check=False).returncode == 0, 60, f"promotion of {names}")
        wait_until(lambda: all(self.nodes(ask)[name][1] in ("Leader", "Reachable") for name in names), 60, f"promotion of {names}")
        wait_until(lambda: set(self.managers()) >= set(hosts), 60, f"{names} as managers")

    def lead(self, host):
        """Make a manager the leader: demote the others, one after the other, and promote them again."""
        others = [other for other in self.managers() if other is not host]
        for other in others:
            wait_until(lambda: host.docker("node", "demote", other.hostname, check=False).returncode == 0, 60, f"demotion of {other.hostname}")
            wait_until(lambda: other not in self.managers(), 60, "end of the demoted manager")
        assert self.leader() is host
        self.promote(others)

    def change_leader(self):
        """Demote the leader, wait for its successor, promote it again; (old, new)."""
        old = self.leader()
        other = next(host for host in self.managers() if host is not old)
        wait_until(lambda: other.docker("node", "demote", old.hostname, check=False).returncode == 0, 60, "demotion of the leader")
        wait_until(lambda: old not in self.managers(), 60, "end of the demoted manager")
        new = self.leader()
        assert new is not old
        self.promote([old])
        return old, new
