"""The two forms in which viaduct runs: a daemon with a socket in the plugin folder, and a managed plugin of the engine."""

import os
import signal
import subprocess
from pathlib import Path

from lab import wait_until

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
        wait_until(lambda: self.answers() or not self.process.running, 10, "start of viaductd")
        assert self.process.running, "viaductd ended:\n" + self.process.output()[-2000:]

    def answers(self):
        return answers(self.world, PLUGIN_SOCKET)

    def pid(self):
        return self.process.pid

    def stop(self):
        """SIGTERM; viaductd must end well, and soon."""
        assert self.process.stop(timeout=5) == 0, "viaductd did not end well on SIGTERM"

    def kill(self):
        """kill -9; nothing starts it again but start()."""
        self.process.kill()

    def restart(self):
        self.stop()
        self.start()

    def kill_and_start(self):
        self.kill()
        self.start()


class ManagedDriver:
    """viaduct as a managed plugin. The engine starts it again by itself whenever it dies."""

    name = "viaduct:latest"

    def __init__(self, world):
        self.world = world
        self._id = None

    def before_engine(self):
        pass

    def after_engine(self):
        """Create the plugin with the project's own tool and enable it."""
        env = {**os.environ, "DOCKER_HOST": f"unix://{self.world.engine.socket}", "DOCKER": "/usr/bin/docker",
               "DOCKER_CONFIG": str(self.world.dir / "client"), "TMPDIR": str(self.world.dir)}
        subprocess.run([str(ROOT / "tools/plugin"), "--name", "viaduct", "--binary", str(BIN / "viaductd")],
                       env=env, check=True, capture_output=True, text=True)
        self.start()

    def inspect(self):
        return self.world.engine.inspect("plugin", self.name)

    @property
    def id(self):
        if self._id is None:
            self._id = self.inspect()["Id"]
        return self._id

    def database(self):
        return self.world.dir / "data" / "plugins" / self.id / "propagated-mount" / "state.db"

    def start(self):
        self.world.docker("plugin", "enable", self.name)

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
        wait_until(lambda: self.world.pids_of("viaductd") not in ([], [old]) and self.answers(), 15, "engine's restart of the plugin")

    def socket(self):
        return f"/run/docker/plugins/{self.id}/viaduct.sock"

    def answers(self):
        return answers(self.world, self.socket())
