"""A Docker engine inside a world, and the client of the same version to talk to it."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

from lab import suite
from lab.image import IMAGE, busybox_archive
from lab.wait import wait_until

DOCKERD = "/usr/sbin/dockerd"
CLIENT = "/usr/bin/docker"
START_TIMEOUT = 240


class DockerError(Exception):
    """A docker command that failed; `stderr` and `returncode` are the client's."""

    def __init__(self, args, done):
        super().__init__(f"docker {' '.join(args)}: exit {done.returncode}: {done.stderr.strip()}")
        self.returncode, self.stderr = done.returncode, done.stderr


class Engine:
    """dockerd in a world: start, stop, kill, restart, and commands to it.

    The settings live in a daemon.json of the world's folder. Sockets, the plugin folder and the exec-root lie in the
    world's private /run; the data-root is on disk in the world's folder, as is the client socket, so that the client runs
    outside the world's namespaces. `version` is a key of suite.SUITES; an engine that is not the machine's own runs in the root
    folder of its suite, in a mount namespace of its own within the world's.
    """

    def __init__(self, world, version):
        self.world = world
        self.version = version
        self.root = suite.root_of(version)
        self.client = CLIENT if self.root is None else str(suite.write_client(self.root, world.dir / "docker"))
        self.socket = world.dir / "docker.sock"
        self.process = None
        self._holder = None
        self.environment = {}   # what dockerd finds in its environment beside the usual
        self.settings = {
            "data-root": str(world.dir / "data"),
            "hosts": [f"unix://{self.socket}"],
            "cgroup-parent": f"/{world.name}",
            "deprecated-key-path": str(world.dir / "key.json"),
            "live-restore": False,
            "shutdown-timeout": 5,
        }

    @property
    def running(self):
        return self.process is not None and self.process.running

    def start(self, wait=True, **settings):
        """Start dockerd; settings (dashes as underscores) change daemon.json from now on. Returns self when it answers."""
        self.settings.update({key.replace("_", "-"): value for key, value in settings.items()})
        config = self.world.dir / "daemon.json"
        config.write_text(json.dumps(self.settings))
        env = {key: value for key, value in os.environ.items() if not key.startswith("DOCKER")}
        env["TMPDIR"] = str(self.world.dir)
        env["PATH"] = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
        env.update(self.environment)
        self.process = self.world.spawn([DOCKERD, "--config-file", str(config)], log="dockerd.log", env=env, target=self.namespaces())
        if wait:
            self.wait_ready()
        return self

    def namespaces(self):
        """The process whose namespaces dockerd enters; None for the world's own. A suite's root folder is set up once: the mounts
        of containers live on in its namespace while dockerd is away."""
        if self.root is None:
            return None
        if self._holder is None:
            self._holder = self.world.spawn(suite.holder_command(self.root, self.world.dir), log="suite.log")
            wait_until(lambda: "ready" in self._holder.output() or not self._holder.running, 30, "the suite's root folder")
            if not self._holder.running:
                raise RuntimeError("the suite's root folder could not be set up:\n" + self._holder.output())
        return self._holder.pid

    def wait_ready(self, timeout=START_TIMEOUT):
        """Wait until the engine answers a ping, or fail with the end of its log once it has ended."""
        def answers():
            if not self.process.running:
                return True
            return self.ping()
        wait_until(answers, timeout, "engine start")
        if not self.process.running:
            raise RuntimeError("dockerd ended:\n" + self.process.output()[-4000:])

    def ping(self, timeout=5):
        """Whether the engine's API answers now."""
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(timeout)
                sock.connect(str(self.socket))
                sock.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
                return sock.recv(64).startswith(b"HTTP/1.0 200")
        except OSError:
            return False

    def stop(self, timeout=45):
        """A graceful stop (SIGTERM). Returns once dockerd and its containerd are gone."""
        if self.process is not None:
            self.process.stop(timeout)
            self._wait_containerd_gone()

    def kill(self):
        """kill -9 of dockerd; its containerd dies with it, the containers' shims live on."""
        self.process.kill()
        self._wait_containerd_gone()

    def restart(self, **settings):
        self.stop()
        return self.start(**settings)

    def _wait_containerd_gone(self):
        wait_until(lambda: not self.world.pids_of("containerd"), 30, "end of containerd")

    def client_environment(self):
        """What a program has to find in its environment to talk to this engine and no other."""
        return {"DOCKER_HOST": f"unix://{self.socket}", "DOCKER": self.client, "DOCKER_CONFIG": str(self.world.dir / "client"),
                "TMPDIR": str(self.world.dir)}

    def docker(self, *args, check=True, timeout=90, stdin=None):
        """Run the docker client; its standard output, stripped. With check=False the CompletedProcess."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("DOCKER")}
        env.update(self.client_environment())
        done = subprocess.run([self.client, *args], input=stdin or b"", capture_output=True,
                              timeout=timeout, env=env)
        done.stdout, done.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if not check:
            return done
        if done.returncode != 0:
            raise DockerError(args, done)
        return done.stdout.strip()

    def inspect(self, kind, name):
        """`docker KIND inspect NAME` as an object."""
        return json.loads(self.docker(kind, "inspect", name))[0]

    def load_image(self):
        """Import the busybox image; its name."""
        self.docker("import", "-", IMAGE, stdin=busybox_archive())
        return IMAGE

    def run(self, name, *options, command=("sleep", "3600"), timeout=90):
        """`docker run -d`; the container's id. Its stop signal is SIGKILL: a sleeping process 1 ignores others for 10 s."""
        return self.docker("run", "-d", "--stop-signal", "SIGKILL", "--name", name, *options, IMAGE, *command, timeout=timeout)

    def execute(self, name, *command, check=False, timeout=60):
        """`docker exec`; the CompletedProcess, or the output with check=True."""
        return self.docker("exec", name, *command, check=check, timeout=timeout)

    def container_pid(self, name):
        """The container's first process in the world's own process-id namespace."""
        return self.inspect("container", name)["State"]["Pid"]

    def signal_daemon(self, number=signal.SIGHUP):
        self.process.signal(number)

    def remove_everything(self):
        """Remove all containers and the networks that are not the engine's own."""
        containers = self.docker("ps", "-aq").split()
        if containers:
            self.docker("rm", "-f", "-v", *containers)
        # Under load the engine answers `rm -f` before it has let go of a container's attachment.
        wait_until(self._remove_networks, 60, "removal of the networks")

    def _remove_networks(self):
        networks = self.docker("network", "ls", "-q", "--filter", "type=custom").split()
        if networks:
            self.docker("network", "rm", *networks)
        return True

    def log(self):
        return Path(self.world.dir / "dockerd.log").read_text(errors="replace")
