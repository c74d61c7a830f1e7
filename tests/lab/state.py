"""Pictures of what exists in a world, made with the kernel's tools, and how two of them differ."""

import json
from pathlib import Path

VOLATILE = {"handle", "packets", "bytes", "metainfo"}


def without_volatile(value):
    """nft JSON without what changes by itself: handles and counters."""
    if isinstance(value, dict):
        return {key: without_volatile(item) for key, item in value.items() if key not in VOLATILE}
    if isinstance(value, list):
        return [without_volatile(item) for item in value]
    return value


def links(world):
    """name → kind, master and alias of each link."""
    return {link["ifname"]: (link.get("linkinfo", {}).get("info_kind", ""), link.get("master", ""), link.get("ifalias", ""))
            for link in world.ip_json("-d", "link")}


def rules(world):
    """Every nft object as text."""
    found = set()
    for entry in world.nft_json("list", "ruleset"):
        plain = without_volatile(entry)
        if plain:
            found.add(json.dumps(plain, sort_keys=True))
    return found


def mounts(world):
    """Every mount point with its file system type, in the mount namespace of the engine."""
    found = set()
    for line in Path(f"/proc/{world.engine.namespaces() or world.init_pid}/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        found.add(f"{left.split()[4]} {right.split()[0]}")
    return found


def snapshot(world):
    """Links, nft rules and mounts of a world, for diff()."""
    return {"links": {f"{name} {what}" for name, what in links(world).items()}, "rules": rules(world), "mounts": mounts(world)}


def diff(before, after):
    """{"links": {"added": […], "removed": […]}, …} for the parts that differ; empty when nothing does."""
    result = {}
    for part in before:
        added, removed = sorted(after[part] - before[part]), sorted(before[part] - after[part])
        if added or removed:
            result[part] = {"added": added, "removed": removed}
    return result
