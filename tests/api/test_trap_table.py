"""The tables in tests/README.md name tests for every trap and scenario, and every test they name exists."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ROW = re.compile(r"^\| (T?)(\d+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([\w/.]+)::([\w.]+)`")
TRAPS = list(range(1, 42))
# Boot order, a dead or hung driver, deadlines, the engine killed and restarted, state that cannot be used.
SCENARIOS = {14, 15, 16, 17, 19, 22, 23}


def rows(letter):
    """(number, last cell) of every row; "T" for traps, "" for scenarios. A scenario may have several rows."""
    text = (TESTS / "README.md").read_text(encoding="utf-8")
    return [(int(number), cell) for mark, number, cell in ROW.findall(text) if mark == letter]


def read(file):
    path = TESTS / file
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def exists(file, name):
    if file.endswith(".py"):
        return re.search(rf"^def {re.escape(name)}\(", read(file), re.MULTILINE) is not None
    suite, _, case = name.partition(".")
    return re.search(rf"\bT(?:YPED_T)?EST(?:_[FP])?\(\s*{suite},\s*{case}\s*\)", read(file)) is not None


def test_every_trap_has_a_row_and_every_row_a_test_or_a_reason():
    assert sorted(number for number, _ in rows("T")) == TRAPS
    without = {number: cell for number, cell in rows("T") if not NAMED.search(cell)}
    assert all(cell.startswith("none: ") for cell in without.values()), without
    assert len(without) <= 1


def test_every_scenario_has_tests_that_name_it():
    table = rows("")
    assert {number for number, _ in table} >= SCENARIOS
    for number, cell in table:
        assert NAMED.search(cell), f"scenario {number} has a row without a test: {cell}"
    for scenario in {number for number, _ in table}:
        files = {file for number, cell in table if number == scenario for file, _ in NAMED.findall(cell)}
        names_it = re.compile(rf"\b[Ss]cenarios? (?:\d+(?:, | and ))*{scenario}\b")
        assert any(names_it.search(read(file)) for file in files), f"no test of scenario {scenario} names it"


@pytest.mark.parametrize("letter", ["T", ""], ids=["traps", "scenarios"])
def test_every_test_that_a_table_names_exists(letter):
    missing = [f"{letter}{number}: {file}::{name}" for number, cell in rows(letter)
               for file, name in NAMED.findall(cell) if not exists(file, name)]
    assert missing == []
