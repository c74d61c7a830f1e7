#!/usr/bin/env python3
"""Checks that includes follow the arrows between the modules. usage: check_includes.py [SOURCE_ROOT]"""

import fnmatch
import pathlib
import re
import sys

# What the files of a folder may include by path, besides their own folder (first match counts).
MODULES = {
    "src/base/*": [],
    "src/store/*": ["base/*"],
    "src/ipam/*": ["base/*", "store/store.h"],
    "src/net/*": ["base/*", "store/store.h"],
    "src/server/*": ["base/*", "store/*", "ipam/*", "net/*"],
    "tools/ctl/*": ["base/*", "server/wire*"],
}
# Libraries behind a seam: the only files that may include them.
LIBRARIES = {
    "httplib.h": ["src/server/http_server.cc", "src/server/http_exchange.cc", "tools/ctl/admin_client.cc", "tools/ctl/engine_client.cc"],
    "netlink/*": ["src/net/netlink_*"],
    "nftables/*": ["src/net/nft*"],
    "sqlite3.h": ["src/store/sqlite*"],
}
# Concrete stores, kernels and firewalls: themselves and the wiring.
CONCRETE = {
    "store/sqlite*": ["src/store/sqlite*"],
    "store/memory_store.h": ["src/store/memory_store.cc"],
    "store/fault_store.h": ["src/store/fault_store.cc"],
    "net/netlink_*": ["src/net/netlink_*"],
    "net/nft*": ["src/net/nft*"],
    "net/packet_*": ["src/net/packet_*"],
    "net/fake_*": ["src/net/fake_*"],
}
WIRING = ["src/server/main.cc"]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def matches(name, patterns):
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def complaints(root):
    for file in sorted([*root.glob("src/*/*.h"), *root.glob("src/*/*.cc"), *root.glob("tools/*/*.h"), *root.glob("tools/*/*.cc")]):
        name = file.relative_to(root).as_posix()
        allowed = next((arrows for folder, arrows in MODULES.items() if fnmatch.fnmatch(name, folder)), None)
        if allowed is None:
            yield f"{name}: its folder is in no row of MODULES"
            continue
        own = name.removeprefix("src/").rsplit("/", 1)[0] + "/*"
        for kind, target in INCLUDE.findall(file.read_text()):
            if kind == '"' and not matches(target, [own, *allowed]):
                yield f'{name}: may not include "{target}"; the arrows of its module allow {allowed or "nothing"}'
            rule = next((files for pattern, files in {**LIBRARIES, **CONCRETE}.items() if fnmatch.fnmatch(target, pattern)), None)
            if rule is not None and not matches(name, rule + (WIRING if kind == '"' else [])):
                yield f"{name}: may not include {target}; only {', '.join(rule)} may"


found = list(complaints(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
print("\n".join(found) or "the includes follow the arrows")
sys.exit(1 if found else 0)
