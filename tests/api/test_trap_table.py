"""The table in tests/README.md names a test for every trap, and every test it names exists."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROW = re.compile(r"^\| T(\d+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([\w/.]+)::([\w.]+)`")


def rows():
    return {int(number): cell for number, cell in ROW.findall((TESTS / "README.md").read_text(encoding="utf-8"))}


def exists(file, name):
    path = TESTS / file
    if not path.is_file():
        return False
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return re.search(rf"^def {re.escape(name)}\(", text, re.MULTILINE) is not None
    suite, _, case = name.partition(".")
    return re.search(rf"\bT(?:YPED_T)?EST(?:_[FP])?\(\s*{suite},\s*{case}\s*\)", text) is not None


def test_every_trap_has_a_row_and_every_row_a_test_or_a_reason():
    table = rows()
    assert sorted(table) == list(range(1, 42))
    without = {number for number, cell in table.items() if not NAMED.search(cell)}
    assert all(table[number].startswith("none: ") for number in without), without
    assert len(without) <= 1


def test_every_test_that_the_table_names_exists():
    missing = [f"T{number}: {file}::{name}" for number, cell in rows().items()
               for file, name in NAMED.findall(cell) if not exists(file, name)]
    assert missing == []
