"""A world with an engine and viaduct in it, and the words in which the tests speak of networks, containers and leftovers."""

import itertools
import json
import os
import re
from pathlib import Path

from driver import BIN, ROOT, InstalledDriver, ManagedDriver, SocketDriver
from lab import World, state, wait_until
from lab.image import IMAGE
from lab.world import PATH

OWN_LINK = re.compile(r"\b(vd-[0-9a-z]{12}|ve[0-9a-f]{13})\b")
# The names above as text of a rule, and the wildcard in the accept rules that viaduct keeps in the engine's chains.
OWN_IN_RULES = re.compile(r"vd-\*|vd-\+|viaduct|" + OWN_LINK.pattern)
CHATTER = re.compile(r"module=grpc|loading plugin|containerd-debug.sock")
FORMS = {"socket": SocketDriver, "managed": ManagedDriver, "installed": InstalledDriver}
TABLES = ("network", "endpoint", "pool", "address")


class Stack:
    """World, engine and driver of one form ("socket" or "managed"), started."""

    def __init__(self, world, form):
        self.world, self.engine = world, world.engine
        self.form = form
        self.driver = FORMS[form](world)
        self._numbers = itertools.count(1)
        self._made = set()
        self.rest_links = None

    def start(self):
        """Start all, let one network come and go, and remember which links are there without any."""
        self.driver.before_engine()
        self.engine.start()
        self.engine.load_image()
        self.driver.after_engine()
        self.network("warm-up")
        self.docker("network", "rm", "warm-up")
        wait_until(lambda: not self.own_links(), 30, "removal of the first network")
        self.rest_links = set(state.links(self.world))
        return self

    def docker(self, *args, **options):
        return self.engine.docker(*args, **options)

    def ctl(self, *words):
        """What viaductctl says on the driver's admin socket; it must succeed."""
        return self.world.run(str(BIN / "viaductctl"), "--socket", f"unix://{self.driver.admin_socket()}", *words,
                              env={"DOCKER_HOST": f"unix://{self.engine.socket}"})

    def paste(self, block, timeout=300):
        """Run commands as they are in the documentation, in a checkout, by a shell that ends with the first that fails; what they print.
        `docker` is the engine's client, and the programs are the built ones."""
        path = f"{Path(self.engine.client).parent}:{BIN}:{PATH}"
        return self.world.run("sh", "-ec", f"cd {ROOT}\n{block}", timeout=timeout,
                              env={**self.engine.client_environment(), "PATH": path, "VIADUCT_BIN": str(BIN)})

    def ctl_command(self):
        """The beginning of a shell command that asks it."""
        return f"{BIN / 'viaductctl'} --socket unix://{self.driver.admin_socket()}"

    # Networks and containers.

    def subnet(self):
        """A /24 that no other test of this stack uses, as its first three octets: "10.40.7"."""
        return f"10.40.{next(self._numbers)}"

    def subnet6(self):
        """A /64 that no other test of this stack uses, without the trailing "::"."""
        return f"fd40:0:0:{next(self._numbers):x}"

    def network(self, name, *options, check=True, timeout=60):
        """`docker network create` with both halves from viaduct."""
        self._made.add(name)
        return self.docker("network", "create", "-d", self.driver.name, "--ipam-driver", self.driver.name, *options, name,
                           check=check, timeout=timeout)

    def run(self, name, network, *options, **more):
        return self.engine.run(name, "--network", network, *options, **more)

    def endpoint(self, container, network):
        """The engine's view of a container's attachment: IPAddress, MacAddress, Gateway, EndpointID …"""
        return self.engine.inspect("container", container)["NetworkSettings"]["Networks"][network]

    def address(self, container, network):
        return self.endpoint(container, network)["IPAddress"]

    def address6(self, container, network):
        return self.endpoint(container, network)["GlobalIPv6Address"]

    def network_id(self, network):
        return self.engine.inspect("network", network)["Id"]

    def pings(self, container, address, count=1, wait=3):
        """Whether the container gets an answer from the address."""
        tool = "ping6" if ":" in address else "ping"
        return self.engine.execute(container, tool, "-c", str(count), "-W", str(wait), address).returncode == 0

    def container_ip_json(self, container, *args):
        """`ip -j` in the container's network namespace, with the host's own tool."""
        pid = self.engine.container_pid(container)
        return json.loads(self.world.run("nsenter", "--target", pid, "--net", "ip", "-j", *args))

    def long_ping(self, container, address):
        """Start twenty pings a second from the container's network namespace; stop_ping() counts."""
        pid = self.engine.container_pid(container)
        ping = self.world.spawn(["nsenter", "--target", str(pid), "--net", "ping", "-n", "-i", "0.05", address],
                                log=f"ping-{next(self._numbers)}.log")
        wait_until(lambda: "bytes from" in ping.output(), 30, "first answer of the long ping")
        return ping

    @staticmethod
    def stop_ping(ping):
        """(sent, lost) of a long ping."""
        ping.signal(2)
        ping.wait(5)
        sent, received = re.search(r"(\d+) packets transmitted, (\d+) received", ping.output()).groups()
        return int(sent), int(sent) - int(received)

    # What exists.

    def own_links(self):
        """Names of viaduct's links in the engine's namespace."""
        return [name for name in self.world.link_names() if OWN_LINK.fullmatch(name)]

    def bridges(self):
        return [name for name in self.own_links() if name.startswith("vd-")]

    def host_veths(self):
        return [name for name in self.own_links() if name.startswith("ve")]

    def own_rules(self):
        """viaduct's nftables table as a set of objects; empty when there is no table."""
        tables = [entry["table"] for entry in self.world.nft_json("list", "tables") if "table" in entry]
        if not any(table["family"] == "inet" and table["name"] == "viaduct" for table in tables):
            return set()
        entries = self.world.nft_json("list", "table", "inet", "viaduct")
        return {json.dumps(state.without_volatile(entry), sort_keys=True) for entry in entries if state.without_volatile(entry)}

    def rows(self, table):
        """All rows of a table of the driver's database, as its view has them, read with sqlite3; of the addresses those that are
        held."""
        return self.query("SELECT * FROM " + ("addresses WHERE rest IS NULL" if table == "address" else f"{table}s"))

    def query(self, sql):
        return json.loads(self.world.run("sqlite3", "-json", self.driver.database(), sql) or "[]")

    def networks_known(self):
        """Names of the networks that the engine lists, or still answers for although it does not list them."""
        listed = self.docker("network", "ls", "--filter", "type=custom", "--format", "{{.Name}}").split()
        asked = sorted(self._made.union(listed))
        if not asked:
            return []
        done = self.docker("network", "inspect", "--format", "{{.Name}}", *asked, check=False)
        return sorted(set(done.stdout.split()).union(listed))

    def attached(self):
        """What `docker network inspect` shows as attached to the engine's own networks."""
        shown = json.loads(self.docker("network", "inspect", "bridge", "host", "none"))
        return {network["Name"]: network["Containers"] for network in shown if network["Containers"]}

    def leftovers(self):
        """What should be gone once no container and no network is left: {} when engine, kernel, rules and database agree.

        With the last network viaduct's table and its accept rules in the engine's chains go too (docs/firewall.md).
        """
        found = {
            "links": sorted(set(state.links(self.world)) - self.rest_links),
            "viaduct's table": sorted(self.own_rules()),
            "rules with viaduct's names": sorted(rule for rule in state.rules(self.world) if OWN_IN_RULES.search(rule)),
            "rules in FORWARD": [line for line in self.world.run("iptables", "-S", "FORWARD").splitlines() if OWN_IN_RULES.search(line)],
            "networks": self.networks_known(),
            "attachments": self.attached(),
        }
        # Addresses that rest as well: they go with their pool.
        found.update({f"table {table}": self.query(f"SELECT * FROM {table}") for table in TABLES})
        return {what: left for what, left in found.items() if left}

    def assert_nothing_left(self):
        """Remove all containers and networks; then nothing may be left. Links are reaped in groups, hence the wait."""
        self.engine.remove_everything()
        try:
            wait_until(lambda: not self.leftovers(), 30, "end of leftovers")
        except TimeoutError:
            assert self.leftovers() == {}
        self._made.clear()

    def reboot_kernel(self):
        """A reboot, with engine and driver stopped: it takes viaduct's links, its rules and the engine's rules; the kernel that
        comes up has another id, and does not forward."""
        for name in self.own_links():
            self.world.run("ip", "link", "del", name, check=False)
        self.world.run("nft", "flush", "ruleset")
        self.world.run("sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0")
        self.driver.new_boot()


def open_stack(form, **engine_settings):
    """Context: a started Stack in a world of its own. Logs go to VIADUCT_LAB_LOGS when that names a folder."""
    return _OpenStack(form, engine_settings)


class _OpenStack:
    def __init__(self, form, settings):
        self.form, self.settings = form, settings
        self.world = World(keep_logs=os.environ.get("VIADUCT_LAB_LOGS"))

    def __enter__(self):
        self.world.__enter__()
        try:
            self.world.engine.settings.update(self.settings)
            return Stack(self.world, self.form).start()
        except BaseException as error:
            error.add_note(recent_logs(self.world.dir))
            self.world.close()
            raise

    def __exit__(self, *_):
        self.world.close()


def recent_logs(folder, lines=40):
    """The last lines of a world's logs, for a failure's report."""
    text = []
    for name in ("viaductd.log", "dockerd.log"):
        log = Path(folder) / name
        if log.exists():
            told = [line for line in log.read_text(errors="replace").splitlines() if not CHATTER.search(line)]
            text.append(f"--- {name}\n" + "\n".join(told[-lines:]))
    return "\n".join(text)


__all__ = ["IMAGE", "Stack", "open_stack", "recent_logs"]
