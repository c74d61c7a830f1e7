"""A scene: networks of one driver with containers, and questions from one place in it to another, answered in words."""

import ipaddress
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flat_lan import IN_LAN, LAN, LAN6, NIC, Lan
from lab import GATEWAY4, GATEWAY6, OUTSIDE4, OUTSIDE6, UPLINK4, UPLINK6, DockerError, wait_until

TALK = str(Path(__file__).with_name("talk.py"))
PYTHON = "/usr/bin/python3"
NOT_OFFERED = "not offered"
HOST, OUTSIDE, LAN_HOST = "the host", "outside", "host of the LAN"   # places that are no containers


class NotOffered(Exception):
    """The engine or its driver refuses the set-up."""


class Scene:
    """A context manager: what was made in it is gone afterwards. Points gather in `points`: what was asked → a word or two."""

    def __init__(self, stack, driver):
        self.stack, self.world, self.engine = stack, stack.world, stack.engine
        self.driver = driver
        self.points = {}
        self._pids = {}
        self._lan = None
        self._servers = []
        self._asked = []
        self._names = {UPLINK4: "the host's address", UPLINK6: "the host's address", GATEWAY4: "the outside's address",
                       GATEWAY6: "the outside's address", OUTSIDE4: "the outside's address", OUTSIDE6: "the outside's address",
                       "127.0.0.1": "127.0.0.1", "::1": "::1"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self._servers:
            server.stop()
        if self._lan is not None:
            self.engine.remove_everything()
            self._lan.close()
        self.stack.assert_nothing_left()

    # Making.

    def lan(self):
        """A LAN behind a link of the host's (e2e/flat_lan.py), with a host on it that asks and serves."""
        self._lan = Lan(self.world)
        self.world.run("ip", "link", "set", NIC, "up")  # which viaduct does by itself
        self._names.update({f"{LAN}.1": "the address of the host of the LAN", f"{LAN6}:1": "the address of the host of the LAN"})

    def network(self, name, *options, driver=None):
        """A network of the scene's driver (or another), with the address manager that goes with it."""
        driver = driver or self.driver
        ipam = ["--ipam-driver", "viaduct"] if driver == "viaduct" else []
        made = self.engine.docker("network", "create", "-d", driver, *ipam, *options, name, check=False)
        if made.returncode != 0:
            raise NotOffered(made.stderr)
        for family in (4, 6):
            self._names.setdefault(self.gateway(name, family), f"the gateway address of {name}")

    def run(self, name, network, *options, serves=()):
        """A container, and in its network namespace a server for `serves`, such as "tcp:80"."""
        try:
            self.engine.run(name, "--network", network, *options)
        except DockerError as error:
            self.engine.docker("rm", "-f", name, check=False)
            raise NotOffered(error.stderr) from error
        self._pids[name] = self.engine.container_pid(name)
        for attached in self.engine.inspect("container", name)["NetworkSettings"]["Networks"].values():
            for address in (attached["IPAddress"], attached["GlobalIPv6Address"]):
                self._names.setdefault(address, f"the address of {name}")
        if serves:
            self.serve(name, *serves)

    def serve(self, place, *what):
        server = self.world.spawn([*self._prefix(place), PYTHON, TALK, "serve", *what], log=f"serve-{len(self._servers)}-{place}.log")
        self._servers.append(server)
        wait_until(lambda: "listening" in server.output() or not server.running, 30, f"the server in {place}", interval=0.02)
        assert server.running, server.output()

    def address(self, container, family=4):
        attached = next(iter(self.engine.inspect("container", container)["NetworkSettings"]["Networks"].values()))
        return attached["IPAddress"] if family == 4 else attached["GlobalIPv6Address"]

    def gateway(self, network, family=4):
        """The network's gateway address as the engine gives it, or the one it would have: the first of the subnet."""
        for config in self.engine.inspect("network", network)["IPAM"]["Config"]:
            if (":" in config["Subnet"]) == (family == 6):
                first = ipaddress.ip_network(config["Subnet"])[1]
                return (config.get("Gateway") or str(first)).partition("/")[0]
        raise KeyError(network)

    def chosen_port(self, container, port):
        """The host port that was chosen for a TCP port, from where users learn it: the engine shows those of its own drivers alone."""
        if self.driver == "bridge":
            return int(self.engine.docker("port", container, f"{port}/tcp").splitlines()[0].rpartition(":")[2])
        shown = json.loads(self.stack.ctl("port", "--json"))["ports"]
        return next(entry["host_port"] for entry in shown if entry["name"] == container and entry["port"] == port)

    # Asking.

    def _prefix(self, place):
        if place == LAN_HOST:
            return list(IN_LAN)
        return ["nsenter", "--target", str(self._pids[place]), "--net"] if place in self._pids else []

    def ask(self, place, questions):
        """Ask from a place; `questions` are {point: (kind, address, port)}. The answers become points at the next settle()."""
        self._asked.append((place, questions))

    def settle(self):
        """Have everything answered that was asked, all at once: most of the time goes into waiting for answers that never come."""
        asked, self._asked = self._asked, []
        if asked:   # a gateway address that is being checked for duplicates is nobody's source yet
            wait_until(lambda: not self._tentative(), 10, "end of duplicate address detection")
        with ThreadPoolExecutor(max_workers=len(asked) or 1) as pool:
            answers = list(pool.map(lambda one: self._answers(*one), asked))
        for (place, questions), told in zip(asked, answers, strict=True):
            for point, answer in zip(questions, told, strict=True):
                self.points[point] = self._in_words(place, answer)

    def _tentative(self):
        return [link["ifname"] for link in self.world.ip_json("-6", "addr", "show", "tentative")
                if link.get("operstate") == "UP" and link.get("addr_info")]

    def _answers(self, place, questions):
        argv = [PYTHON, TALK, "ask", json.dumps(list(questions.values()))]
        return json.loads(self.world.outside(*argv) if place == OUTSIDE else self.world.run(*self._prefix(place), *argv))

    def _in_words(self, place, answer):
        if isinstance(answer, str):
            return answer
        _, seen, own = answer
        if seen == own and place not in (HOST, OUTSIDE):
            return "reached, from its own address"
        return f"reached, from {self._names.get(seen, seen)}"

    def connects(self, point, command):
        """A point that is a docker command: done or refused; what was asked before is settled first."""
        self.settle()
        self.points[point] = "done" if self.engine.docker(*command, check=False).returncode == 0 else "refused"
