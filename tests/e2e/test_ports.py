"""Published ports: who reaches them, by which way, and from which source address the container sees it."""

import json

from services import Service, from_container, from_host, from_outside

from lab import GATEWAY4, GATEWAY6, UPLINK4, UPLINK6, wait_until


def test_every_way_to_a_published_port(stack, services):
    """From outside and from the host with the source kept, over 127.0.0.1 and from containers as from the gateway."""
    subnet = stack.subnet()
    stack.network("net", "--subnet", f"{subnet}.0/24")
    stack.network("other", "--subnet", f"{stack.subnet()}.0/24")
    service = Service(stack, "web", "net", "-p", "8080:80")
    services.append(service)
    stack.run("neighbour", "net")
    stack.run("stranger", "other")
    stack.engine.run("docker")
    gateway = f"{subnet}.1"
    assert from_outside(stack, f"http://{UPLINK4}:8080/") == GATEWAY4
    assert from_host(stack, f"http://{UPLINK4}:8080/") == UPLINK4
    assert from_host(stack, "http://127.0.0.1:8080/") == gateway
    assert from_host(stack, f"http://{gateway}:8080/") == gateway
    for container in ("web", "neighbour", "stranger", "docker"):
        assert from_container(stack, container, f"http://{UPLINK4}:8080/") == gateway, container
    # What is not published is not reached from elsewhere, nor is the container's own address.
    assert from_outside(stack, f"http://{UPLINK4}:8081/") is None
    assert from_container(stack, "stranger", f"http://{service.address}/") is None
    stack.world.outside("ip", "route", "add", f"{subnet}.0/24", "via", UPLINK4)
    try:
        assert from_outside(stack, f"http://{service.address}/") is None
    finally:
        stack.world.outside("ip", "route", "del", f"{subnet}.0/24", "via", UPLINK4)
    held = stack.world.run("ss", "-Hltnp", "sport = :8080", check=False).stdout
    assert held == "", "the port is held, and nobody listens"
    stack.docker("rm", "-f", "web")
    assert from_outside(stack, f"http://{UPLINK4}:8080/") is None


def test_ipv6_ports(stack, services):
    prefix = stack.subnet6()
    stack.network("net", "--subnet", f"{stack.subnet()}.0/24", "--ipv6", "--subnet", f"{prefix}::/64")
    service = Service(stack, "web", "net", "-p", "8080:80")
    services.append(service)
    stack.run("neighbour", "net")
    assert from_outside(stack, f"http://[{UPLINK6}]:8080/") == GATEWAY6
    assert from_outside(stack, f"http://{UPLINK4}:8080/") == GATEWAY4
    assert from_host(stack, f"http://[{UPLINK6}]:8080/") == UPLINK6
    assert from_container(stack, "neighbour", f"http://[{UPLINK6}]:8080/") == f"{prefix}::1"


def test_host_address_range_and_automatic_ports(stack, services):
    """A host address, a range, -P and udp; `viaductctl port` shows what the engine does not."""
    stack.network("net", "--subnet", f"{stack.subnet()}.0/24")
    service = Service(stack, "web", "net", "-p", "127.0.0.1:8081:80", "-p", "9000-9010:80", "-p", "80", "-p", "7007:7/udp")
    services.append(service)
    assert from_host(stack, "http://127.0.0.1:8081/") is not None
    assert from_outside(stack, f"http://{UPLINK4}:8081/") is None
    shown = json.loads(stack.ctl("port", "--json"))["ports"]
    numbers = {(port["protocol"], port["port"]): [] for port in shown}
    for port in shown:
        numbers[port["protocol"], port["port"]].append(port["host_port"])
    assert numbers["udp", 7] == [7007]
    low, high = map(int, stack.world.run("cat", "/proc/sys/net/ipv4/ip_local_port_range").split())
    automatic = [number for number in numbers["tcp", 80] if low <= number <= high]
    assert sorted(set(numbers["tcp", 80]) - set(automatic)) == [8081, 9000]
    assert len(automatic) == 1
    for number in (9000, automatic[0]):
        assert from_outside(stack, f"http://{UPLINK4}:{number}/") == GATEWAY4
    assert "9000" in stack.ctl("port", "web") and "7007" in stack.ctl("port", stack.endpoint("web", "net")["EndpointID"][:12])


def test_a_port_in_use_is_refused_with_the_holder(stack, services):
    stack.network("net", "--subnet", f"{stack.subnet()}.0/24")
    services.append(Service(stack, "web", "net", "-p", "8080:80"))
    listener = stack.world.spawn(["/bin/busybox", "nc", "-l", "-p", "8090"], log="nc.log")
    try:
        wait_until(lambda: stack.world.run("ss", "-Hltn", "sport = :8090").strip() != "", 10, "nc to listen")
        before = {table: stack.rows(table) for table in ("endpoint", "address")}
        for port, holder in (("8080", "endpoint " + stack.endpoint("web", "net")["EndpointID"][:12]), ("8090", None)):
            done = stack.docker("run", "-d", "--name", "second", "-p", f"{port}:80", "--network", "net", "viaduct-busybox",
                                "sleep", "60", check=False)
            assert done.returncode != 0
            assert f"0.0.0.0:{port}/tcp is in use by" in done.stderr
            if holder:
                assert holder in done.stderr
            elif stack.form == "socket":
                assert "process nc" in done.stderr or "process busybox" in done.stderr
            stack.docker("rm", "-f", "second")
        stack.world.wait_until(lambda: {table: stack.rows(table) for table in before} == before, 30, "the second's removal")
        # Nor does anybody else get what a container has.
        taken = stack.world.run("/bin/busybox", "nc", "-l", "-p", "8080", check=False, timeout=10)
        assert taken.returncode != 0
    finally:
        listener.stop()


def test_ports_survive_restarts_and_move(stack, services):
    """The daemon's restart keeps them, the container's brings them back, and a UDP sender that never rests follows."""
    stack.network("net", "--subnet", f"{stack.subnet()}.0/24")
    services.append(Service(stack, "web", "net", "-p", "8080:80", "-p", "7007:7/udp"))
    stack.driver.restart()
    assert from_outside(stack, f"http://{UPLINK4}:8080/") == GATEWAY4
    if stack.form == "socket":
        assert stack.world.run("/bin/busybox", "nc", "-l", "-p", "8080", check=False, timeout=10).returncode != 0
    stack.docker("stop", "web")
    assert from_outside(stack, f"http://{UPLINK4}:8080/") is None
    assert stack.rows("endpoint") == []
    stack.docker("start", "web")
    ports = {element["host_port"] for element in json.loads(stack.ctl("port", "--json"))["ports"]}
    assert ports == {8080, 7007}
