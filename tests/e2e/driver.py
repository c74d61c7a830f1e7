"""The two forms in which viaduct runs: a daemon with a socket in the plugin folder, and a managed plugin of the engine."""

import json
import os
import signal
import subprocess
import uuid
from pathlib import Path

from lab import Registry, wait_until

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("VIADUCT_BIN", ROOT / "build/dev/bin"))
PLUGIN_SOCKET = "/run/docker/plugins/viaduct.sock"
ADMIN_SOCKET = "/run/viaduct/admin.sock"


def answers(world, socket):
    """Whether a driver answers. A question without consequences: Plugin.Activate would announce a new engine."""
    done = world.run("curl", "-s", "-f", "-m", "2", "--unix-socket", socket, "-X", "POST",
                     "http://plugin/NetworkDriver.GetCapabilities", check=False)
    return "Scope" in done.stdout


class SocketDriver:
    """viaductd as a process of the world."""

    name = "viaduct"

    def __init__(self, world):
        self.world = world
        self.process = None

    def before_engine(self):
        self.start()

    def after_engine(self):
        pass

    def database(self):
        return self.world.dir / "state" / "state.db"

    def arguments(self, listen=f"unix://{PLUGIN_SOCKET}"):
        return [str(BIN / "viaductd"), "--listen", listen, "--state", str(self.world.dir / "state"),
                "--admin", f"unix://{ADMIN_SOCKET}"]

    def start(self):
        """Start viaductd and wait until it answers."""
        self.world.run("mkdir", "-p", "/run/docker/plugins", "/run/viaduct")
        self.process = self.world.spawn(self.arguments(), log="viaductd.log")
        wait_until(lambda: self.answers() or not self.process.running, 30, "start of viaductd")
        assert self.process.running, "viaductd ended:\n" + self.process.output()[-2000:]

    def socket(self):
        return PLUGIN_SOCKET

    def admin_socket(self):
        return ADMIN_SOCKET

    def answers(self):
        return answers(self.world, PLUGIN_SOCKET)

    def pid(self):
        return self.process.pid

    def stop(self):
        """SIGTERM; viaductd must end well, and soon."""
        assert self.process.stop(timeout=10) == 0, "viaductd did not end well on SIGTERM"

    def kill(self):
        """kill -9; nothing starts it again but start()."""
        self.process.kill()

    def restart(self):
        self.stop()
        self.start()

    def kill_and_start(self):
        self.kill()
        self.start()

    def new_boot(self):
        """From its next start on, viaductd believes the kernel to be another one."""
        self.world.change_boot_id()


class ManagedDriver:
    """viaduct as a managed plugin. The engine starts it again by itself whenever it dies."""

    name = "viaduct:latest"
    settings = ()   # of `docker plugin set`

    def __init__(self, world):
        self.world = world
        self._id = None

    def before_engine(self):
        pass

    def after_engine(self):
        """Create the plugin with the project's own tool and enable it."""
        self.tool("--name", "viaduct")
        self.set(*self.settings)
        self.start()

    def tool(self, *arguments):
        """Run tools/plugin on the built viaductd, against the world's engine."""
        subprocess.run([str(ROOT / "tools/plugin"), *arguments, "--binary", str(BIN / "viaductd")], check=True,
                       env={**os.environ, **self.world.engine.client_environment()}, capture_output=True, text=True)

    def set(self, *settings):
        """`docker plugin set`, while the plugin is disabled."""
        if settings:
            self.world.docker("plugin", "set", self.name, *settings)

    def inspect(self):
        return self.world.engine.inspect("plugin", self.name)

    @property
    def id(self):
        """The plugin's id, which stays the same for its life; asked once, so that it is known while the engine is away."""
        if self._id is None:
            self._id = self.inspect()["Id"]
        return self._id

    def database(self):
        return self.world.dir / "data" / "plugins" / self.id / "propagated-mount" / "state.db"

    def start(self):
        self.world.docker("plugin", "enable", self.name)
        assert self.id

    def stop(self):
        """Disable, by force where networks use it."""
        self.world.docker("plugin", "disable", "-f", self.name)

    def pid(self):
        """viaductd's process id in the world's numbering; fails unless exactly one runs."""
        pids = self.world.pids_of("viaductd")
        assert len(pids) == 1, f"{len(pids)} viaductd processes"
        return pids[0]

    def kill(self):
        self.world.run("kill", f"-{int(signal.SIGKILL)}", self.pid())

    def restart(self):
        self.stop()
        self.start()

    def kill_and_start(self):
        """kill -9, then wait for the engine to have put a new process in its place."""
        old = self.pid()
        self.kill()
        wait_until(lambda: self.world.pids_of("viaductd") not in ([], [old]) and self.answers(), 60, "engine's restart of the plugin")

    def socket(self):
        return f"/run/docker/plugins/{self.id}/viaduct.sock"

    def admin_socket(self):
        return f"/run/docker/plugins/{self.id}/viaduct-admin.sock"

    def answers(self):
        return answers(self.world, self.socket())

    def new_boot(self):
        """runc gives the plugin a /proc of its own, where the kernel's id cannot be another: so, while viaductd is not running,
        what it wrote down is made to be of an earlier boot."""
        for table in ("endpoint", "meta"):
            self.world.run("sqlite3", self.database(), f"UPDATE {table} SET value = replace(value, '{self.world.boot_id()}', "
                                                       f"'{uuid.uuid4()}')")


class InstalledDriver(ManagedDriver):
    """A managed plugin that came from a registry, where two versions of it are."""

    def after_engine(self):
        self.registry = Registry(self.world).start()
        for version in ("1", "2"):
            self.publish(version)
        self.world.docker("plugin", "install", "--grant-all-permissions", "--alias", "viaduct", self.reference("1"), timeout=180)
        assert self.id

    def reference(self, version):
        return f"{self.registry.address}/viaduct:{version}"

    def publish(self, version):
        """Push this viaductd as the version: they differ in the plugin's description."""
        folder = self.world.dir / f"plugin-{version}"
        self.tool("--out", str(folder))
        config = json.loads((folder / "config.json").read_text())
        config["description"] += f", version {version}"
        (folder / "config.json").write_text(json.dumps(config))
        for action in (["create", self.reference(version), str(folder)], ["push", self.reference(version)],
                       ["rm", self.reference(version)]):
            self.world.docker("plugin", *action, timeout=180)
