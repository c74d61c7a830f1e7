"""Containers that answer with the address that a request seems to come from, and ways to ask them."""

from pathlib import Path

from lab import wait_until

ANSWERS = Path(__file__).resolve().parent.parent / "lab" / "outside.py"


class Service:
    """A container whose TCP port 80 and UDP port 7 answer with the address that a request seems to come from."""

    def __init__(self, stack, name, network, *options):
        stack.run(name, network, *options)
        self.stack, self.name = stack, name
        self.address = stack.address(name, network)
        self.address6 = stack.address6(name, network)
        addresses = [address for address in (self.address, self.address6) if address]
        pid = str(stack.engine.container_pid(name))
        self.process = stack.world.spawn(["nsenter", "--target", pid, "--net", "/usr/bin/python3", str(ANSWERS), *addresses],
                                         log=f"{name}.log")
        wait_until(lambda: from_container(stack, name, f"http://{self.address}/") is not None, 30, "the service's first answer")

    def stop(self):
        self.process.stop()


def body(done):
    """What came back, or None for no answer."""
    return done.stdout.strip() if done.returncode == 0 else None


def from_outside(stack, url):
    return body(stack.world.outside("curl", "-s", "-m", "3", "-g", url, check=False))


def from_host(stack, url):
    return body(stack.world.run("curl", "-s", "-m", "3", "-g", url, check=False))


def from_container(stack, name, url):
    pid = str(stack.engine.container_pid(name))
    return body(stack.world.run("nsenter", "--target", pid, "--net", "curl", "-s", "-m", "3", "-g", url, check=False))
