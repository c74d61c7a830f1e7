"""Part d: traffic between containers, from the host and through a published port; 64 containers started at once. Beside the engine's
own bridge driver, on the same engine, in turns."""

import collections
import contextlib
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from bench.engine_api import EngineApi
from bench.samples import Row

from lab import UPLINK4
from lab.image import IMAGE

STARTS = 64
KINDS = ("viaduct", "bridge")
PORTS = {"viaduct": 5301, "bridge": 5302}

# One connection, one byte to and fro; prints the nanoseconds of each. Both ends on one processor: where the scheduler would put
# them, together or apart, makes more of a difference than any driver.
PIN = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
ASK = PIN + """
import socket, sys, time
peer, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sock = socket.create_connection((peer, port), 10)
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for number in range(count):
    begun = time.perf_counter_ns()
    sock.sendall(b"x")
    sock.recv(1)
    print(time.perf_counter_ns() - begun)
"""
ANSWER = PIN + """
import socket
server = socket.create_server(("0.0.0.0", 5400))
while True:
    sock, _ = server.accept()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := sock.recv(1):
        sock.sendall(data)
"""


class Pair:
    """Two containers of one network: a server with iperf3 and an answerer, and a client."""

    def __init__(self, world, kind, network):
        self.world, self.kind = world, kind
        self.processes = []
        port = PORTS[kind]
        for name, options in (("server", ("-p", f"{port}:5201", "-p", f"{port + 100}:5400")), ("client", ())):
            world.engine.run(f"{kind}-{name}", "--network", network, *options)
        settings = world.engine.inspect("container", f"{kind}-server")["NetworkSettings"]["Networks"][network]
        self.address = settings["IPAddress"]
        self.inside = {name: ["nsenter", "--target", str(world.engine.container_pid(f"{kind}-{name}")), "--net"]
                       for name in ("server", "client")}
        for label, command in (("iperf3", ["iperf3", "-s"]), ("answer", ["/usr/bin/python3", "-c", ANSWER])):
            self.processes.append(world.spawn([*self.inside["server"], *command], log=f"{kind}-{label}.log"))
        for port in ("5201", "5400"):
            world.wait_until(lambda wanted=port: wanted in world.run(*self.inside["server"], "ss", "-Hltn"), 20, "the servers")

    def close(self):
        for process in self.processes:
            process.stop()

    def ways(self):
        """Way → (how to run a command there, address, port of iperf3, port of the answerer)."""
        port = PORTS[self.kind]
        return {
            "between containers": (lambda *argv: self.world.run(*self.inside["client"], *argv), self.address, 5201, 5400),
            "from the host": (lambda *argv: self.world.run(*argv), self.address, 5201, 5400),
            "through a published port": (lambda *argv: self.world.outside(*map(str, argv)), UPLINK4, port, port + 100),
        }

    def throughput(self, way, seconds):
        """Bits a second."""
        run, address, port, _ = self.ways()[way]
        ended = json.loads(run("iperf3", "-c", address, "-p", port, "-t", f"{seconds:g}", "-J"))
        return ended["end"]["sum_received"]["bits_per_second"]

    def round_trips(self, way, count):
        """Nanoseconds of each."""
        run, address, _, port = self.ways()[way]
        return [int(line) for line in run("/usr/bin/python3", "-c", ASK, address, port, count).split()]


def started_at_once(world, network, number):
    """Nanoseconds from the first request to the last of STARTS containers that runs."""
    names = [f"many-{number}-{index}" for index in range(STARTS)]

    def make(name):
        with contextlib.closing(EngineApi(world.engine.socket, 120)) as api:
            api.post(f"/containers/create?name={name}", {"Image": IMAGE, "Cmd": ["sleep", "3600"], "StopSignal": "SIGKILL",
                                                          "HostConfig": {"NetworkMode": network}})

    def start(name):
        with contextlib.closing(EngineApi(world.engine.socket, 120)) as api:
            api.post(f"/containers/{name}/start", {})

    with ThreadPoolExecutor(STARTS) as pool:
        list(pool.map(make, names))
        begun = time.perf_counter_ns()
        list(pool.map(start, names))
        took = time.perf_counter_ns() - begun
    world.docker("rm", "-f", *names, timeout=240)
    return took


def run_at_once(world, network, number):
    """Nanoseconds from the first request to the end of the last of STARTS `docker run --rm` of a process that ends at once: created,
    started, ended and removed."""
    names = [f"run-{number}-{index}" for index in range(STARTS)]

    def run(name):
        with contextlib.closing(EngineApi(world.engine.socket, 120)) as api:
            api.post(f"/containers/create?name={name}", {"Image": IMAGE, "Cmd": ["true"],
                                                          "HostConfig": {"NetworkMode": network, "AutoRemove": True}})
            with contextlib.closing(EngineApi(world.engine.socket, 120)) as waiter:
                # Before the start, as the client does: a container that has gone cannot be waited for.
                waiter.begin(f"/containers/{name}/wait?condition=removed")
                api.post(f"/containers/{name}/start", {})
                waiter.finish()

    with ThreadPoolExecutor(STARTS) as pool:
        begun = time.perf_counter_ns()
        list(pool.map(run, names))
        return time.perf_counter_ns() - begun


def in_turns(rounds, measure_one, kinds=KINDS):
    took = collections.defaultdict(list)
    for number in range(rounds):
        for kind in kinds if number % 2 == 0 else kinds[::-1]:
            took[kind].append(measure_one(kind, number))
    return took


def rows_of(pairs, sizes):
    rows = []
    for way in pairs["viaduct"].ways():
        bits = in_turns(sizes.traffic_rounds, lambda kind, _, way=way: pairs[kind].throughput(way, sizes.traffic_seconds))
        rows.append(Row(f"throughput {way}", bits["viaduct"], "built-in bridge driver", bits["bridge"], unit="bit/s", at_least=0.98))
        trips = in_turns(sizes.trip_rounds, lambda kind, _, way=way: statistics.median(pairs[kind].round_trips(way, 2000)))
        rows.append(Row(f"a byte to and fro {way}", trips["viaduct"], "built-in bridge driver", trips["bridge"], target=1 / 0.98))
    return rows


def measure(world, driver, _, sizes):
    driver.start()
    world.engine.start()
    world.engine.load_image()
    networks = {"viaduct": "bench-viaduct", "bridge": "bench-bridge"}
    world.docker("network", "create", "-d", driver.name, "--ipam-driver", driver.name, networks["viaduct"])
    world.docker("network", "create", "-d", "bridge", networks["bridge"])
    pairs = {kind: Pair(world, kind, networks[kind]) for kind in KINDS}
    try:
        rows = rows_of(pairs, sizes)
    finally:
        for pair in pairs.values():
            pair.close()
    # Without a network: what the engine takes whatever the driver does.
    networks["none"] = "none"
    for what, once, target in ((f"{STARTS} `docker run --rm` at once", run_at_once, 0.8),
                               (f"{STARTS} containers started at once", started_at_once, None)):
        took = in_turns(sizes.start_rounds, lambda kind, number, once=once: once(world, networks[kind], f"{kind}-{number}"),
                        (*KINDS, "none"))
        rows.append(Row(what, took["viaduct"], "built-in bridge driver", took["bridge"], target=target))
        rows.append(Row(what, took["viaduct"], "no network at all", took["none"]))
    # The networks go with the world: after so many starts and ends at once the engine counts endpoints that are gone.
    world.docker("rm", "-f", *(f"{kind}-{name}" for kind in KINDS for name in ("server", "client")))
    world.engine.stop()
    driver.stop()
    return rows
