"""A world of its own for one test: network and mount namespace, state folder, sockets, and the viaductd that lives in it."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from . import wait
from .engine import Engine
from .http import Client, Conn, get_json
from .state import State

ROOT = Path(__file__).resolve().parents[3]
DYING = "30309"  # link group of what is out of service (src/net/link_types.h)
POOLS = "172.16.0.0/12:24,10.64.0.0/10:24,fd00:1::/40:64"


def binary():
    """The viaductd under test: $VIADUCTD, or the dev build's."""
    path = Path(os.environ.get("VIADUCTD", ROOT / "build/dev/bin/viaductd"))
    assert path.is_file(), f"no daemon at {path}; build it (cmake --build --preset dev) or set VIADUCTD"
    return path


def _die_with_parent():
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Daemon:
    """One run of viaductd in a world."""

    def __init__(self, world, arguments, environment, pass_fds=(), prepare=None):
        self.world = world
        self.stdout_path = world.folder / f"stdout.{len(world.daemons)}"
        self.stderr_path = world.folder / f"stderr.{len(world.daemons)}"
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            self.process = subprocess.Popen(
                [*world.enter, *(prepare or []), str(binary()), *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, pass_fds=pass_fds,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment}, preexec_fn=_die_with_parent,
            )
        world.daemons.append(self)

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process.poll() is None

    def stdout(self):
        return self.stdout_path.read_text(errors="replace")

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def output(self):
        return self.stdout() + self.stderr()

    def wait_exit(self, seconds=10.0):
        """The exit code; negative is the signal that ended it."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"viaductd still runs after {seconds} s:\n{self.output()}") from None

    def wait_ready(self, path=None, seconds=10.0):
        path = path or self.world.socket

        def answers():
            assert self.is_running(), f"viaductd ended with {self.process.returncode}:\n{self.output()}"
            try:
                with Conn.to(path, 5) as conn:
                    # Not a registration call: this process must not pass for an engine.
                    return conn.call("NetworkDriver.GetCapabilities").status == 200
            except (FileNotFoundError, ConnectionRefusedError):
                return False

        wait.until(answers, f"an answer on {path}", seconds)
        return self

    def kill(self):
        """kill -9, and the process is gone when this returns."""
        if self.is_running():
            self.process.kill()
        self.process.wait(10)

    def terminate(self, seconds=5.0):
        self.process.send_signal(signal.SIGTERM)
        return self.wait_exit(seconds)


class World:
    """Use as a context manager. Names nothing outside its temporary folder, so any number run side by side."""

    def __init__(self, *, scope="local", pools=POOLS):
        assert os.geteuid() == 0, "this tier makes network namespaces: run it as root (or under `unshare -Ur`)"
        self.scope = scope
        self.pools = pools
        self.folder = Path(tempfile.mkdtemp(prefix="viaduct-api-"))
        self.socket = self.folder / "plugin.sock"
        self.admin_socket = self.folder / "admin.sock"
        self.state_dir = self.folder / "state"
        self.daemons = []
        self.engines = []
        # `cat` holds the namespaces and ends at end of file, also when this process dies.
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--propagation", "private", "cat"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        )
        own = os.readlink("/proc/self/ns/net"), os.readlink("/proc/self/ns/mnt")
        proc = f"/proc/{self.holder.pid}"

        def separate():
            return (Path(f"{proc}/comm").read_text().strip() == "cat"
                    and os.readlink(f"{proc}/ns/net") != own[0] and os.readlink(f"{proc}/ns/mnt") != own[1])

        wait.until(separate, "namespaces of our own")
        self.enter = ["nsenter", f"--net={proc}/ns/net", f"--mount={proc}/ns/mnt", "--"]
        self.run("ip", "link", "set", "lo", "up")
        self.state = State(self.state_dir / "state.db")

    # -- life

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for engine in self.engines:
            engine.die()
        for daemon in self.daemons:
            daemon.kill()
        self.holder.stdin.close()
        self.holder.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def flags(self, **changed):
        """The usual command line; a keyword replaces a flag's value, None leaves the flag out."""
        values = {"listen": f"unix://{self.socket}", "state": self.state_dir, "admin": f"unix://{self.admin_socket}",
                  "scope": self.scope, "pools": self.pools, **changed}
        return [part for name, value in values.items() if value is not None
                for part in (f"--{name.replace('_', '-')}", str(value))]

    def spawn(self, *more, environment=None, pass_fds=(), prepare=None, **changed):
        """Starts viaductd and does not wait for it."""
        return Daemon(self, [*self.flags(**changed), *more], environment or {}, pass_fds, prepare)

    def start(self, *more, **changed):
        """Starts viaductd and waits until it answers."""
        return self.spawn(*more, **changed).wait_ready()

    @property
    def daemon(self):
        return self.daemons[-1]

    @property
    def proc(self):
        return Path(f"/proc/{self.daemon.pid}")

    def restart(self, how="kill", **changed):
        """Ends the daemon by SIGKILL or, how="terminate", by SIGTERM, and starts it again."""
        if how == "kill":
            self.daemon.kill()
        else:
            assert self.daemon.terminate() == 0, self.daemon.output()
        return self.start(**changed)

    def engine(self):
        """A new engine process, ended with this world."""
        made = Engine(self.socket)
        self.engines.append(made)
        return made

    def client(self, **how):
        return Client(self.socket, **how)

    def admin(self, url):
        return get_json(self.admin_socket, url)

    # -- looking and touching from outside

    def run(self, *command, check=True, **how):
        done = subprocess.run([*self.enter, *command], capture_output=True, text=True, timeout=30, **how)
        assert not check or done.returncode == 0, f"{command}: {done.stderr}"
        return done

    def links(self):
        """Everything `ip -d -j link` knows in the daemon's namespace, by name."""
        return {link["ifname"]: link for link in json.loads(self.run("ip", "-d", "-j", "link").stdout)}

    def live_links(self):
        """As links(), without those that viaductd has taken out of service: a pair goes at one end."""
        links = self.links()
        dying = {name for name, link in links.items() if link.get("group") == DYING}
        return {name: link for name, link in links.items() if not dying & {name, link.get("link")}}

    def own_links(self):
        """Names of bridges (vd-…) and of veths that viaductd made and has not taken out of service."""
        return sorted(name for name in self.live_links() if name.startswith(("vd-", "ve", "vc", "vj")))

    def wait_reaped(self):
        """Links out of service are removed together, a little later."""
        wait.until(lambda: not [n for n, link in self.links().items() if link.get("group") == DYING], "dying links reaped")

    def addresses(self, link):
        found = json.loads(self.run("ip", "-j", "addr", "show", "dev", link).stdout)
        return sorted(f"{a['local']}/{a['prefixlen']}" for entry in found for a in entry.get("addr_info", [])
                      if a["scope"] == "global")

    def nft_elements(self):
        """What the sets and maps of `table inet viaduct` hold of networks, by set name; empty where there is no table."""
        done = self.run("nft", "-j", "list", "table", "inet", "viaduct", check=False)
        if done.returncode != 0:
            return {}
        kinds = ("set", "map")
        found = {}
        for entry in json.loads(done.stdout)["nftables"]:
            for kind in kinds:
                # The names of the engine's own bridges are there whatever viaduct's networks are.
                if kind in entry and entry[kind].get("elem") and entry[kind]["name"] != "engine_bridges":
                    found[entry[kind]["name"]] = entry[kind]["elem"]
        return found

    def kernel(self):
        """The whole of what viaductd may have touched, for comparing before and after."""
        links = {name: (link.get("master"), link.get("ifalias"), link.get("operstate") if name != "lo" else None)
                 for name, link in self.live_links().items()}
        addresses = {name: self.addresses(name) for name in links if name.startswith("vd-")}
        return {"links": links, "addresses": addresses, "nft": self.nft_elements()}
