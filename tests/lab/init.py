"""The first process of a world: prepares its namespaces, then reaps orphans until its standard input closes.

Run by world.py under unshare, as process 1 of a new process-id namespace. The test process holds the other end of standard
input, so the death of the tests, however sudden, ends the world: the kernel kills whatever else lives in a process-id
namespace when its first process ends, and the mounts and links of the world go with the last process.

Two links join the world to an outside host, which is a network namespace with addresses that only a default route
reaches, and without any route back but to the uplink's own subnet: what arrives there un-masqueraded gets no answer.
"""

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000


def run(*argv):
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def own_pid():
    """This process's id in the namespace of the /proc that is mounted now (the parent's, until mount_private_tree)."""
    return int(os.readlink("/proc/self"))


def start_outside(settings):
    """Fork the outside host's process. Once its namespace exists: its id in this process-id namespace, its id in the
    parent's, and a descriptor that it waits to see closed before it binds to its addresses.
    """
    ready_read, ready_write = os.pipe()
    wait_read, wait_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ready_read)
        os.close(wait_write)
        os.dup2(wait_read, 0)
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
            os._exit(1)
        os.write(ready_write, str(own_pid()).encode())
        os.close(ready_write)
        addresses = [settings["outside4"].partition("/")[0], settings["outside6"].partition("/")[0]]
        os.execv(sys.executable, [sys.executable, os.path.join(os.path.dirname(__file__), "outside.py"), *addresses])
    os.close(ready_write)
    os.close(wait_read)
    outer = os.read(ready_read, 32)
    os.close(ready_read)
    return pid, int(outer), wait_write


def join_outside(pid, settings):
    """The uplink veth and both sides' addresses. No duplicate address detection: the addresses work at once."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "world", "netns", str(pid))
    run("ip", "link", "set", "uplink", "up")
    run("ip", "addr", "add", settings["uplink4"], "dev", "uplink")
    run("ip", "addr", "add", settings["uplink6"], "dev", "uplink", "nodad")
    out = ["nsenter", "--target", str(pid), "--net", "ip"]
    run(*out, "link", "set", "lo", "up")
    run(*out, "link", "set", "world", "up")
    run(*out, "addr", "add", settings["gateway4"], "dev", "world")
    run(*out, "addr", "add", settings["gateway6"], "dev", "world", "nodad")
    run(*out, "addr", "add", settings["outside4"], "dev", "lo")
    run(*out, "addr", "add", settings["outside6"], "dev", "lo", "nodad")
    run("ip", "route", "add", "default", "via", settings["gateway4"].partition("/")[0])
    run("ip", "-6", "route", "add", "default", "via", settings["gateway6"].partition("/")[0])


def stop_forwarding():
    """As on a machine that has just been started; a new network namespace takes the value for IPv4 from the one before."""
    for setting in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        with open(f"/proc/sys/net/{setting}", "w", encoding="ascii") as file:
            file.write("0")


def wait_for_outside(address):
    """Until the outside host's HTTP server takes connections."""
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((address, 80), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def mount_private_tree():
    """Own /proc, /sys and /run. The cgroup mounts are carried over: the engine needs them beneath /sys."""
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    os.makedirs("/run/cgroup")
    run("mount", "--rbind", "/sys/fs/cgroup", "/run/cgroup")
    run("mount", "-t", "sysfs", "sysfs", "/sys")
    run("mount", "--rbind", "/run/cgroup", "/sys/fs/cgroup")
    run("umount", "-l", "/run/cgroup")
    os.rmdir("/run/cgroup")
    os.makedirs("/run/lock", exist_ok=True)
    # Debian's /var/run is a link to /run; the engine's default folders lie beneath it.
    if os.path.realpath("/var/run") != "/run":
        run("mount", "--bind", "/run", "/var/run")
    run("mount", "-t", "proc", "proc", "/proc")


def reap_until_closed():
    """Collect every orphan; return when standard input closes."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write)
    while True:
        ready, _, _ = select.select([0, wake_read], [], [], 5)
        if wake_read in ready:
            os.read(wake_read, 4096)
        if 0 in ready and not os.read(0, 64):
            return
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def main():
    settings = json.loads(sys.argv[1])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    pid = own_pid()
    inner_outside, outer_outside, waits = start_outside(settings)
    mount_private_tree()
    stop_forwarding()
    join_outside(inner_outside, settings)
    os.close(waits)
    wait_for_outside(settings["outside4"].partition("/")[0])
    print(json.dumps({"init": pid, "outside": outer_outside}), flush=True)
    os.close(1)
    reap_until_closed()


main()
