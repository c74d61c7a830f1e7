"""The command line: runs the parts, each in a world of its own, and prints one table."""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST = {"full": 600, "quick": 150}   # seconds; a run that takes longer ends with an error
IDLE = 1.0   # a load below it leaves one of two cores to the run


@dataclass
class Sizes:
    address_rounds: int = 1500
    slices: int = 5
    slice_seconds: float = 1.0
    link_batches: int = 16
    link_rounds: int = 40   # endpoints that exist at the same time
    attach_rounds: int = 40
    bursts: int = 4
    traffic_rounds: int = 5
    traffic_seconds: float = 3.0
    trip_rounds: int = 15
    start_rounds: int = 2
    many_endpoints: int = 1000
    many_turns: int = 3


QUICK = Sizes(address_rounds=100, slices=1, slice_seconds=0.2, link_batches=1, link_rounds=10, attach_rounds=4, bursts=1,
              traffic_rounds=1, traffic_seconds=1.0, trip_rounds=1, start_rounds=1, many_endpoints=80, many_turns=1)


def arguments():
    parser = argparse.ArgumentParser(prog="tools/bench", description="Measure viaduct beside its rivals, in one run.")
    parser.add_argument("what", nargs="?", choices=["ipam", "net"],
                        help="ipam: the address manager alone, part a and its structures in memory; net: parts b, c, d and e")
    parser.add_argument("--plot", metavar="FILE", type=Path, help="with ipam: write its growth with the pool there, as SVG")
    parser.add_argument("--quick", action="store_true", help="few of everything: shows that it works, not how fast it is")
    parser.add_argument("--only", choices="abcde",
                        help="one part: a addresses, b endpoints and links, c connect and disconnect, d traffic and starts, "
                             "e a thousand endpoints at once")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the numbers there as well")
    parser.add_argument("--bin", metavar="FOLDER", type=Path, default=ROOT / "build/dev/bin",
                        help="where viaductd is (default: build/dev/bin)")
    return parser.parse_args()


def file_system(folder):
    """The type of the file system that a folder lies on."""
    done = subprocess.run(["df", "--output=fstype", str(folder)], capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


def build_type(folder):
    cache = folder.parent / "CMakeCache.txt"
    for line in cache.read_text().splitlines() if cache.is_file() else ():
        if line.startswith("CMAKE_BUILD_TYPE:"):
            return line.partition("=")[2]
    return "unknown"


def surroundings(disk, folder, load):
    kernel = ".".join(platform.release().split(".")[:2])
    return {"date": date.today().isoformat(), "cores": os.cpu_count(), "kernel": kernel, "file_system": disk,
            "build": build_type(folder), "load_before": round(load, 1)}


def measure(parts, sizes):
    """(file system, rows)."""
    from bench import addresses, attach, links, many, traffic
    from driver import PLUGIN_SOCKET, SocketDriver
    from lab import World

    rows, disk = [], ""
    for part, module in (("a", addresses), ("b", links), ("c", attach), ("d", traffic), ("e", many)):
        if part not in parts:
            continue
        with World() as world:
            disk = file_system(world.dir)
            if disk in ("tmpfs", "ramfs"):
                raise RuntimeError(f"{world.dir.parent} is {disk}, which flushes nothing; set VIADUCT_LAB_DIR to a folder on a disk")
            rows += module.measure(world, SocketDriver(world), PLUGIN_SOCKET, sizes)
    return disk, rows


def stop(number, _):
    raise KeyboardInterrupt("took too long" if number == signal.SIGALRM else "ended by a signal")


def main():
    options = arguments()
    folder = options.bin.resolve()
    if not (folder / "viaductd").is_file():
        sys.exit("tools/bench: no viaductd in the folder of --bin; build it (cmake --build --preset dev) or name another")
    os.environ["VIADUCT_BIN"] = str(folder)   # read by driver.py when it is imported
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, stop)
    signal.alarm(LONGEST["quick" if options.quick else "full"])
    from bench.samples import markdown

    load = os.getloadavg()[0]   # before: the run itself adds to it
    everything = {"ipam": "a", "net": "bcde", None: "abce"}[options.what]
    disk, rows = measure(options.only or everything, QUICK if options.quick else Sizes())
    where = surroundings(disk, folder, load)
    print("{date}, {cores} cores, kernel {kernel}, {file_system}, build {build}, load {load_before} before\n".format(**where))
    print(markdown(rows, judge=load < IDLE))
    if load >= IDLE:
        print("\nThe machine was busy with other work, so no target is judged: waiting for a processor is in every figure.")
    for row in rows:
        if inside := row.note.get("milliseconds_in_viaductd"):
            print(f"\nOf a connect and disconnect, {sum(inside.values()):.2f} ms pass inside viaductd: "
                  + ", ".join(f"{method} {spent:.2f}" for method, spent in inside.items() if spent >= 0.01)
                  + f". Without them the ratio would be {row.note['ratio_without_viaductd']:.2f} (means).")
    if options.what == "ipam":
        from bench import core
        figures, starts = core.measure(folder)
        print("\n" + core.table(figures, starts))
        if options.plot:
            options.plot.write_text(core.plot(figures))
    if options.json:
        options.json.write_text(json.dumps({**where, "rows": [row.as_object() for row in rows]}, indent=1) + "\n")


try:
    main()
except KeyboardInterrupt as end:   # after every clean-up
    sys.exit(f"tools/bench: {end or 'interrupted'}")
