"""The README's compose file, with Debian's docker-compose."""

import os
import subprocess

import pytest

from driver import ROOT
from lab import OUTSIDE4
from stack import open_stack

PROJECT = "viaduct-docs"


@pytest.fixture(scope="module")
def stack():
    with open_stack("socket") as made:
        # The image that the file names, made as tools/up makes it.
        subprocess.run(["bash", "-c", '. "$1/tools/lib.sh"; busybox_image viaduct-demo', "bash", str(ROOT)], check=True,
                       env={**os.environ, **made.engine.client_environment()})
        yield made


def compose(stack, *arguments):
    """docker-compose on the file, as /usr/bin/python3's program; its standard output."""
    done = subprocess.run(["/usr/bin/docker-compose", "-f", str(ROOT / "docs/compose.yaml"), "-p", PROJECT, *arguments],
                          env={"PATH": "/usr/bin:/bin", "HOME": str(stack.world.dir), **stack.engine.client_environment()},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_compose_file_of_the_documentation(stack):
    """up; the services reach each other by name, and the options hold; up again changes nothing; down leaves nothing."""
    compose(stack, "up", "-d")
    web, client = (compose(stack, "ps", "-q", service).strip() for service in ("web", "client"))
    assert stack.address(web, f"{PROJECT}_front") == "10.129.0.10"
    assert stack.address(client, f"{PROJECT}_front").startswith("10.129.0.")
    assert int(stack.address(client, f"{PROJECT}_front").rpartition(".")[2]) >= 128
    assert stack.pings(client, "web") and stack.pings(client, OUTSIDE4)
    stack.world.wait_until(lambda: stack.engine.execute(client, "wget", "-qO-", "http://web/", check=True) == "hello", 30,
                           "an answer of the service web")
    front, back = (stack.engine.inspect("network", f"{PROJECT}_{name}") for name in ("front", "back"))
    assert (front["Driver"], front["IPAM"]["Driver"]) == (back["Driver"], back["IPAM"]["Driver"]) == ("viaduct", "viaduct")
    assert back["Internal"] and back["IPAM"]["Config"][0]["Subnet"].endswith("/28")
    mtus = {link["ifname"]: link["mtu"] for link in stack.container_ip_json(client, "link")}
    assert mtus["eth0"] == 1400
    compose(stack, "up", "-d")
    assert compose(stack, "ps", "-q", "web").strip() == web
    compose(stack, "down", "-t", "1")
    assert stack.docker("ps", "-aq") == "" and stack.networks_known() == []
    stack.assert_nothing_left()
