"""Fixtures of the tests that need a kernel with VLANs. One stack for all of them: they run in a virtual machine that is made for them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from machine import Machine  # noqa: E402  (the folders are no packages: they have to be put in the path first)
from stack import recent_logs  # noqa: E402
from vlan_stack import VlanStack  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def kernel_with_vlans():
    """These tests say nothing on another kernel, and are not to be run on one."""
    script = "ip link add v0 type dummy && ip link add link v0 name v0.10 type vlan id 10"
    done = subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, f"this kernel has no VLANs ({done.stderr.strip()}); run tools/test vlan"


@pytest.fixture(scope="session")
def shared_stack(kernel_with_vlans):
    with Machine(keep_logs=os.environ.get("VIADUCT_LAB_LOGS")) as world:
        try:
            yield VlanStack(world, "socket").start()
        except BaseException as error:
            error.add_note(recent_logs(world.dir))
            raise


@pytest.fixture
def stack(shared_stack):
    """The stack. At the end nothing of the test's may be left, and NIC and LAN are as they were."""
    yield shared_stack
    shared_stack.assert_nothing_left()
    shared_stack.lan.restore()


@pytest.fixture
def lan(stack):
    """The host on the LAN, on VLANs 10 and 20."""
    return stack.lan


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failure shows the end of the daemon's and the engine's log."""
    report = (yield).get_result()
    stack = item.funcargs.get("shared_stack")
    if report.failed and stack is not None and stack.world.dir is not None:
        report.sections.append(("logs of the world", recent_logs(stack.world.dir)))
