"""Containers that are not as usual, and a packet filter that somebody empties under them."""

import subprocess

import pytest
from services import Service, from_outside

from lab import GATEWAY4, OUTSIDE4, UPLINK4


def test_containers_of_other_users_and_shared_sandboxes(stack):
    """Scenario 54: a process without privileges, and a second container in the first one's sandbox."""
    stack.network("net", "--subnet", f"{stack.subnet()}.0/24")
    stack.run("plain", "net", "--user", "1000:1000", "--cap-drop", "ALL")
    stack.run("one", "net")
    stack.run("guest", "container:one")
    assert stack.pings("one", stack.address("plain", "net"))
    assert stack.pings("guest", stack.address("plain", "net"))
    assert len(stack.rows("endpoint")) == 2
    stack.docker("rm", "-f", "guest")
    assert stack.pings("one", stack.address("plain", "net"))


@pytest.mark.parametrize("fresh_stack", ["socket"], indirect=True)
def test_containers_in_a_user_namespace(fresh_stack):
    """Scenario 54: an engine that gives its containers a user namespace of their own. Their sandboxes belong to that one."""
    stack, world = fresh_stack, fresh_stack.world
    world.dir.chmod(0o711)   # their root is nobody there
    holder = ["nsenter", "--target", str(stack.engine.namespaces() or world.init_pid), "--mount", "--root"]
    for name in ("subuid", "subgid"):
        (world.dir / name).write_text("nobody:100000:65536\n")
        subprocess.run([*holder, "mount", "--bind", str(world.dir / name), f"/etc/{name}"], check=True)
    stack.engine.restart(userns_remap="nobody:nogroup")
    stack.engine.load_image()
    stack.network("net", "--subnet", f"{stack.subnet()}.0/24")
    stack.run("one", "net", "-p", "8081:80")
    stack.run("two", "net")
    owners = world.run("cat", f"/proc/{stack.engine.container_pid('one')}/uid_map").split()
    assert owners == ["0", "100000", "65536"], "it is in a user namespace"
    assert stack.pings("one", stack.address("two", "net")) and stack.pings("two", OUTSIDE4)
    stack.docker("network", "disconnect", "net", "two")
    stack.docker("network", "connect", "net", "two")
    assert stack.pings("one", stack.address("two", "net"))
    stack.docker("restart", "one")
    assert stack.pings("two", stack.address("one", "net"))
    stack.docker("rm", "-f", "one", "two")
    stack.docker("network", "rm", "net")
    assert stack.own_links() == [] and stack.rows("endpoint") == [] and stack.rows("address") == []


def test_containers_that_end_at_once(stack):
    """Scenario 54: the process ends while it is attached, or cannot even begin; neither leaves anything or counts as a fault."""
    stack.network("net", "--subnet", f"{stack.subnet()}.0/24")
    for number in range(8):
        done = stack.docker("run", "--rm", "--network", "net", "viaduct-busybox", "true" if number % 2 else "no-such-program", check=False)
        assert (done.returncode == 0) == bool(number % 2)
    stack.world.wait_until(lambda: stack.rows("endpoint") == [], 30, "the end of all endpoints")
    assert stack.run("after", "net")


def test_rules_come_back_after_a_flush(stack, services):
    """Scenario 50: `nft flush ruleset`, as a reload of nftables.service does, and a FORWARD chain that somebody empties."""
    stack.network("net", "--subnet", f"{stack.subnet()}.0/24", "-o", "antispoof=true")
    services.append(Service(stack, "web", "net", "-p", "8080:80"))
    assert from_outside(stack, f"http://{UPLINK4}:8080/") == GATEWAY4
    for empty in (("nft", "flush", "ruleset"), ("nft", "delete", "table", "inet", "viaduct"), ("nft", "delete", "table", "bridge", "viaduct"),
                  ("nft", "flush", "map", "inet", "viaduct", "any4")):
        stack.world.run(*empty)
        stack.world.wait_until(lambda: "8080" in stack.world.run("nft", "list", "map", "inet", "viaduct", "any4", check=False).stdout
                               and "guarded" in stack.world.run("nft", "list", "table", "bridge", "viaduct", check=False).stdout,
                               30, f"rules after {' '.join(empty)}")
        assert from_outside(stack, f"http://{UPLINK4}:8080/") == GATEWAY4
        assert stack.pings("web", OUTSIDE4)
    # The engine's own rules are its own business: it makes them again when it starts.
    stack.engine.restart()
