"""Fixtures of the end-to-end tests. A SIGTERM ends a run as Ctrl-C does: through every clean-up."""

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from stack import open_stack, recent_logs  # noqa: E402  (the folder is no package: it has to be put in the path first)


def pytest_configure():
    def interrupted(*_):
        raise KeyboardInterrupt("SIGTERM")
    signal.signal(signal.SIGTERM, interrupted)


@pytest.fixture(scope="module", params=["socket", "managed"])
def shared_stack(request):
    """One stack for a module's tests, in each form."""
    with open_stack(request.param) as stack:
        yield stack


@pytest.fixture
def stack(shared_stack):
    """The module's stack. After each test everything is removed, and engine, kernel and database must agree that it is."""
    yield shared_stack
    shared_stack.assert_nothing_left()


@pytest.fixture
def services():
    """For services.Service of a test's own: they are stopped at its end."""
    made = []
    yield made
    for service in made:
        service.stop()


@pytest.fixture
def parent(stack):
    """A link for macvlan networks to stand on: a veth of the world."""
    run = stack.world.run
    run("ip", "link", "add", "parent0", "up", "type", "veth", "peer", "name", "parent1")
    try:
        run("ip", "link", "set", "parent1", "up")
        if run("ip", "link", "add", "link", "parent0", "name", "probe", "type", "macvlan", check=False).returncode != 0:
            pytest.skip("this kernel has no macvlan")
        run("ip", "link", "del", "probe")
        yield "parent0"
    finally:
        stack.engine.remove_everything()
        run("ip", "link", "del", "parent0")


@pytest.fixture
def fresh_stack(request):
    """A stack of the test's own, for tests that break things; the form is a parameter (indirect)."""
    with open_stack(request.param) as made:
        yield made


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failure shows the end of the daemon's and the engine's log."""
    report = (yield).get_result()
    stack = item.funcargs.get("stack") or item.funcargs.get("fresh_stack")
    if report.failed and stack is not None and stack.world.dir is not None:
        report.sections.append(("logs of the world", recent_logs(stack.world.dir)))
