"""One Swarm for the tests of a file; after each everything is removed, and every node must agree that it is."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from cluster import Cluster  # noqa: E402  (the folders are no packages: they have to be put in the path first)


@pytest.fixture(scope="module")
def shared_cluster():
    with Cluster() as made:
        yield made


@pytest.fixture
def cluster(shared_cluster):
    yield shared_cluster
    shared_cluster.assert_nothing_left()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failure shows the ends of the nodes' logs."""
    report = (yield).get_result()
    cluster = item.funcargs.get("cluster") or item.funcargs.get("local_cluster")
    if report.failed and cluster is not None:
        report.sections.append(("logs of the nodes", cluster.logs()))
