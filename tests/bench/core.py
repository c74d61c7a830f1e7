"""Part i: the address manager's structures in memory beside the engine's form of them, and a start with a million addresses."""

import json
import math
import subprocess
import tempfile

SIZES = range(4, 25, 2)
# (what ipam_core calls it, what people read, colour)
CURVES = [
    ("map half full: request, release", "viaduct: next free, and back", "#1b6ca8"),
    ("map half full: release at random, request", "viaduct: one back at random, next free", "#7db3d8"),
    ("runs half full: request, release", "list of runs: next free, and back", "#b5451b"),
    ("runs half full: release at random, request", "list of runs: one back at random, next free", "#e0a183"),
]


def built(folder):
    """The programs of the build tree whose binaries lie in `folder`, made anew where a source changed."""
    tree = folder.parent
    subprocess.run(["cmake", "--build", str(tree), "--target", "ipam_core", "load_state"], check=True, capture_output=True,
                   timeout=900)
    return tree / "bench"


def measure(folder, addresses=1_000_000, starts=5):
    """All figures of ipam_core, as objects, and the starts, as {"open", "load", "resident"} in milliseconds and KiB."""
    programs = built(folder)
    core = subprocess.run([programs / "ipam_core"], check=True, capture_output=True, text=True, timeout=600).stdout
    with tempfile.TemporaryDirectory(prefix="viaduct-bench-", dir="/var/tmp") as scratch:
        loads = subprocess.run([programs / "load_state", str(addresses), str(starts)], check=True, capture_output=True, text=True,
                               timeout=600, env={"TMPDIR": scratch}).stdout
    words = [line.split() for line in loads.splitlines()]
    return ([json.loads(line) for line in core.splitlines()],
            [dict(zip(line[::2], map(float, line[1::2]), strict=True)) for line in words])


def curves(figures):
    """{what: {bits: nanoseconds}} of the four curves."""
    found = {name: {} for name, _, _ in CURVES}
    for figure in figures:
        if figure["what"] in found:
            found[figure["what"]][figure["size_bits"]] = figure["ns"]
    return found


def table(figures, starts):
    """The figures as Markdown."""
    by_curve = curves(figures)
    lines = ["| addresses | " + " | ".join(f"{name}, ns" for _, name, _ in CURVES) + " |", "| --- " * (len(CURVES) + 1) + "|"]
    for bits in SIZES:
        cells = [f"{by_curve[name][bits]:,.0f}" for name, _, _ in CURVES]
        lines.append(f"| 2^{bits} | " + " | ".join(cells) + " |")
    lines += ["", "| what | size | figure |", "| --- | --- | --- |"]
    for figure in figures:
        if figure["what"] not in by_curve:
            unit = "bytes" if "bytes" in figure else "ns"
            lines.append(f"| {figure['what']} | 2^{figure['size_bits']} | {figure[unit]:,.0f} {unit} |")
    middle = sorted(starts, key=lambda start: start["open"] + start["load"])[len(starts) // 2]
    lines.append(f"| start with a million addresses | 2^24 | {middle['open']:.0f} ms to open and check the file, {middle['load']:.0f} ms "
                 f"to load it, {middle['resident'] / 1024:.0f} MiB |")
    return "\n".join(lines)


def plot(figures):
    """The four curves as an SVG: nanoseconds over the size of the pool, both logarithmic."""
    width, height, left, top, right, bottom = 860, 460, 70, 20, 20, 50
    decades = range(1, 8)

    def x(bits):
        return left + (bits - SIZES[0]) / (SIZES[-1] - SIZES[0]) * (width - left - right)

    def y(nanoseconds):
        share = (math.log10(nanoseconds) - decades[0]) / (decades[-1] - decades[0])
        return height - bottom - share * (height - top - bottom)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for decade in decades:
        label = {1: "10 ns", 2: "100 ns", 3: "1 µs", 4: "10 µs", 5: "100 µs", 6: "1 ms", 7: "10 ms"}[decade]
        level = y(10 ** decade)
        parts.append(f'<line x1="{left}" x2="{width - right}" y1="{level:.1f}" y2="{level:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{level + 4:.1f}" text-anchor="end">{label}</text>')
    for bits in SIZES:
        parts.append(f'<text x="{x(bits):.1f}" y="{height - bottom + 20}" text-anchor="middle">2^{bits}</text>')
    parts.append(f'<text x="{(left + width - right) / 2}" y="{height - 8}" text-anchor="middle">addresses in the pool, half of them '
                 'held at random</text>')
    by_curve = curves(figures)
    for row, (name, label, colour) in enumerate(CURVES):
        points = " ".join(f"{x(bits):.1f},{y(by_curve[name][bits]):.1f}" for bits in SIZES)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts.append(f'<rect x="{left + 20}" y="{top + 8 + 20 * row}" width="18" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{left + 46}" y="{top + 15 + 20 * row}">{label}</text>')
    return "\n".join([*parts, "</svg>", ""])
