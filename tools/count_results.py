#!/usr/bin/python3
"""Count the tests in JUnit XML files (ctest's and pytest's) and end with the line "N passed, N failed".

usage: count_results.py [--skips-fail] [--broken NAME]... FILE...

A file that is missing or unreadable counts as one failure, as does each --broken (a tier that could not run). Skipped tests
count as failed with --skips-fail, else they are only named. Exit status 0 when nothing failed.
"""

import argparse
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def outcome(case):
    """passed, failed or skipped. ctest marks a test that did not run as "notrun" with a skipped element."""
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        return "failed"
    if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "passed"


def count(path):
    """[(outcome, name)] of a file's test cases."""
    try:
        tree = ElementTree.parse(path)
    except (OSError, ElementTree.ParseError) as error:
        return [("failed", f"{path.stem}: no results ({error})")]
    cases = [(outcome(case), f"{path.stem}: {case.get('classname', '')} {case.get('name', '')}") for case in tree.iter("testcase")]
    return cases or [("failed", f"{path.stem}: no test ran")]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--skips-fail", action="store_true")
    parser.add_argument("--broken", action="append", default=[])
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    results = [("failed", f"{name}: did not run to its end") for name in options.broken]
    for path in options.files:
        results.extend(count(path))
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for what, name in results:
        totals[what] += 1
        if what != "passed":
            print(f"{what}: {name}")
    failed = totals["failed"] + (totals["skipped"] if options.skips_fail else 0)
    if totals["skipped"] and not options.skips_fail:
        print(f"{totals['skipped']} skipped")
    print(f"{totals['passed']} passed, {failed} failed")
    sys.exit(1 if failed or not totals["passed"] else 0)


main()
