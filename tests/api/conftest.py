import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness.ctl import Ctl  # noqa: E402
from harness.world import World  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what its daemons said."""
    report = (yield).get_result()
    world = item.funcargs.get("world") if hasattr(item, "funcargs") else None
    if report.when == "call" and report.failed and world is not None:
        for daemon in world.daemons[-3:]:
            report.sections.append((f"viaductd pid {daemon.pid}", daemon.output()[-6000:]))


@pytest.fixture
def world(request):
    """A world without a daemon; `@pytest.mark.parametrize("world", [{…}], indirect=True)` changes its settings."""
    with World(**getattr(request, "param", {})) as made:
        yield made


@pytest.fixture
def running(world):
    """The same world with viaductd answering in it."""
    world.start()
    return world


@pytest.fixture
def ctl(world):
    """viaductctl of the same world."""
    return Ctl(world.admin_socket)
