"""docs/compatibility.md: a fixed beginning, and a section an engine that is replaced as a whole."""

from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
HEAD = """# Compatibility with the engine's own drivers

The same set-ups, made once with `-d bridge` (on a LAN, `-d macvlan`) and once with `-d viaduct --ipam-driver viaduct` on the same engine with its default
settings: who reaches whom, and which address the server sees. This file is written by `tools/test --write-table engines` from
what was measured, and a run of `tools/test engines` fails where it measures something else. Each difference between the two
drivers has its reason in the last column; any other fails the test.

"No answer" stands for a packet that is dropped, "refused" for one that is turned away, "no route" for an address that the asker
has no way to. The outside is a host beyond the default route that has a route back to the networks, so that a source address that
is not hidden is seen.
"""


def section(version, groups):
    """The section of one engine. `groups`: [(name, description, [(point, bridge, viaduct, reason)])]."""
    lines = [f"## Engine {version}", ""]
    for name, description, rows in groups:
        lines += [f"### Engine {version}: {name}", "", description, ""]
        lines += ["| point | the engine's own | viaduct | why different |", "| --- | --- | --- | --- |"]
        lines += [f"| {point} | {bridge} | {viaduct} | {reason} |" for point, bridge, viaduct, reason in rows]
        lines.append("")
    return "\n".join(lines)


def sections(text):
    """version → section as it stands in the file's text."""
    found = {}
    for part in text.split("\n## Engine ")[1:]:
        version = part.partition("\n")[0]
        found[version] = "## Engine " + part.rstrip("\n") + "\n"
    return found


def stored():
    """The sections of the file; none when there is no file."""
    return sections(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def write(version, text):
    """Put the section in place of the former one; engines in order of their versions."""
    kept = {**stored(), version: text}
    ordered = sorted(kept, key=lambda name: [int(part) for part in name.split(".")])
    FILE.write_text(HEAD + "\n" + "\n".join(kept[name] for name in ordered), encoding="utf-8")
