"""The commands of the documentation's examples, as a reader would paste them."""

import re
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "examples.md"


def example(heading):
    """The blocks of commands below a heading of docs/examples.md, in their order."""
    sections = re.split(r"^## (.*)\n", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return re.findall(r"^```\n(.*?)^```$", dict(zip(sections[1::2], sections[2::2]))[heading], re.MULTILINE | re.DOTALL)
