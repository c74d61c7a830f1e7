"""tools/up and tools/down on a machine of their own: a world whose /etc and /var are copies that nobody else sees."""

import json

import pytest

from driver import BIN, ROOT
from lab import World


@pytest.fixture
def machine():
    with World() as world:
        world.run("mkdir", "-p", "/run/data", world.dir / "data")
        world.run("mount", "--bind", world.dir / "data", "/run/data")
        for name in ("etc", "var"):
            upper, work = world.dir / f"upper-{name}", world.dir / f"work-{name}"
            upper.mkdir()
            work.mkdir()
            world.run("mount", "-t", "overlay", "-o", f"lowerdir=/{name},upperdir={upper},workdir={work}", "overlay", f"/{name}")
        # The engine's layers need a real disk beneath, its containers the world's control group.
        world.run("mkdir", "-p", "/var/lib/docker", "/etc/docker")
        world.run("mount", "--bind", "/run/data", "/var/lib/docker")
        world.run("tee", "/etc/docker/daemon.json", stdin=json.dumps({"cgroup-parent": f"/{world.name}"}))
        yield world


def tool(world, name, *args):
    return world.run(ROOT / "tools" / name, *args, timeout=300)


def docker(world, *args):
    return world.run("/usr/bin/docker", *args).strip()


def test_up_makes_a_network_that_works_and_down_takes_it_away(machine):
    """From nothing to two containers; again without harm; then all gone, and again without harm."""
    said = tool(machine, "up", "--bin", BIN)
    assert said.count("reaches") == 3 and "tools/down" in said
    assert sorted(docker(machine, "ps", "--format", "{{.Names}}").split()) == ["demo-a", "demo-b"]
    assert docker(machine, "network", "inspect", "--format", "{{.Driver}} {{.IPAM.Driver}}", "demo") == "viaduct viaduct"
    started = machine.pids_of("viaductd"), machine.pids_of("dockerd")
    assert [len(pids) for pids in started] == [1, 1]

    again = tool(machine, "up", "--bin", BIN)
    assert again.count("reaches") == 3
    assert (machine.pids_of("viaductd"), machine.pids_of("dockerd")) == started

    said = tool(machine, "down")
    for name in ("demo-a", "demo-b", "the network demo", "viaductd", "the engine"):
        assert name in said
    assert machine.pids_of("viaductd") == [] and machine.pids_of("dockerd") == []
    assert [name for name in machine.link_names() if name.startswith(("vd-", "ve"))] == []
    assert machine.run("test", "-e", "/var/lib/viaduct", check=False).returncode != 0
    assert "nothing to take away" in tool(machine, "down")


def test_down_keeps_the_state_of_other_networks(machine):
    """A network that somebody made after tools/up: its record is not thrown away with the demo."""
    tool(machine, "up", "--bin", BIN)
    docker(machine, "network", "create", "-d", "viaduct", "--ipam-driver", "viaduct", "mine")
    said = tool(machine, "down")
    assert "kept /var/lib/viaduct" in said
    assert machine.run("test", "-s", "/var/lib/viaduct/state.db", check=False).returncode == 0
