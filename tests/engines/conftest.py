"""What the comparison of drivers shares with the end-to-end tests: their stack."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from stack import open_stack  # noqa: E402  (the folders are no packages: they have to be put in the path first)


@pytest.fixture(scope="module")
def stack():
    with open_stack("socket") as made:
        yield made
