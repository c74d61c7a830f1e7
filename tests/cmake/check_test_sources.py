"""Fails when a tests/**/*_test.cc belongs to no test target, or when a test is switched off.

usage: check_test_sources.py TESTS_FOLDER LIST_OF_SOURCES
"""

import pathlib
import re
import sys

folder = pathlib.Path(sys.argv[1])
built = set(pathlib.Path(sys.argv[2]).read_text().split())
complaints = []
for source in sorted(folder.rglob("*_test.cc")):
    if str(source) not in built:
        complaints.append(f"{source.relative_to(folder)}: belongs to no viaduct_test(); add it to one (or run cmake anew)")
    if re.search(r"\bDISABLED_|\bGTEST_SKIP\b", source.read_text()):
        complaints.append(f"{source.relative_to(folder)}: holds a test that is disabled or skips itself")
print("\n".join(complaints) or f"{len(built)} test sources, each in a target")
sys.exit(1 if complaints else 0)
