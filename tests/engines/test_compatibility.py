"""The same set-ups with the engine's bridge and with viaduct, compared point by point; docs/compatibility.md holds the result.

VIADUCT_ENGINE chooses the engine. With VIADUCT_WRITE_TABLE=1 the engine's section of the table is written instead of compared.
"""

import os

import pytest

import table
from differences import EXPECTED_DIFFERENCES, PENDING
from scene import NOT_OFFERED, NotOffered, Scene
from setups import GROUPS

NOT_YET = "not yet"
pytestmark = pytest.mark.core


def measure(stack, group, driver):
    """The points of a group with one driver; None when the set-up is not offered."""
    with Scene(stack, driver) as scene:
        try:
            GROUPS[group](scene)
            scene.settle()
        except NotOffered:
            return None
        return scene.points


@pytest.fixture(scope="module")
def outside_has_a_route(stack):
    """Back to the networks: a source address that is not hidden is then seen, and containers can be asked directly."""
    for subnet, via in (("10.60.0.0/16", "198.18.0.2"), ("fd60::/16", "2001:db8:18::2")):
        stack.world.outside("ip", "route", "add", subnet, "via", via)


@pytest.fixture(scope="module")
def measured(stack, outside_has_a_route):
    """group → [(point, with bridge, with viaduct)], as far as the tests of the groups have come."""
    return {}


@pytest.mark.parametrize("group", GROUPS)
def test_drivers_agree(stack, measured, group):
    bridge = measure(stack, group, "bridge")
    if group in PENDING:
        viaduct = dict.fromkeys(bridge, NOT_YET) if bridge else None
    else:
        viaduct = measure(stack, group, "viaduct")
    points = list(bridge or viaduct or ["all"])
    rows = [(point, (bridge or {}).get(point, NOT_OFFERED), (viaduct or {}).get(point, NOT_OFFERED)) for point in points]
    if group in PENDING and not bridge:
        rows = [(point, NOT_OFFERED, NOT_YET) for point in points]
    measured[group] = rows
    unexplained = [row for row in rows if row[1] != row[2] and row[2] != NOT_YET and not reason(stack, group, row[0])]
    assert unexplained == [], "differences without a reason in differences.py: (point, bridge, viaduct)"


def reason(stack, group, point):
    for entry in EXPECTED_DIFFERENCES:
        if entry.covers(stack.engine.version, group, point):
            return entry.reason
    return ""


def test_every_expected_difference_is_one(stack, measured):
    engine = stack.engine.version
    differing = [(group, row[0]) for group, rows in measured.items() for row in rows if row[1] != row[2]]
    idle = [entry for entry in EXPECTED_DIFFERENCES
            if (entry.engines is None or engine in entry.engines) and entry.group in measured and entry.group not in PENDING
            and not (all((entry.group, point) in differing for point in entry.points) if entry.points else
                     any(group == entry.group for group, _ in differing))]
    assert idle == [], f"these no longer differ on engine {engine}"


def test_the_table_says_what_was_measured(stack, measured):
    if len(measured) < len(GROUPS):
        pytest.fail("not every group was measured: run this file as a whole")
    engine = stack.engine.version
    groups = [(group, GROUPS[group].__doc__,
               [(point, bridge, viaduct, reason(stack, group, point) if viaduct not in (bridge, NOT_YET) else "")
                for point, bridge, viaduct in measured[group]]) for group in GROUPS]
    text = table.section(engine, groups)
    if os.environ.get("VIADUCT_WRITE_TABLE") == "1":
        table.write(engine, text)
    told = table.stored().get(engine, "").splitlines()
    changed = [line for line in text.splitlines() if line not in told] + [line for line in told if line not in text.splitlines()]
    assert changed == [], f"{table.FILE} says something else; `tools/test --write-table engines` writes it anew"
