"""A registry inside a world, on its loopback, where the engine asks for no certificate."""

from lab.wait import wait_until

REGISTRY = "/usr/bin/docker-registry"
CONFIG = """version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "{address}"}}
"""


class Registry:
    """Debian's docker-registry, empty at first; its files lie in the world's folder and end with it."""

    address = "127.0.0.1:5000"

    def __init__(self, world):
        self.world = world
        self.process = None

    def start(self):
        """Start it and wait until it takes connections. Returns self."""
        config = self.world.dir / "registry.yml"
        config.write_text(CONFIG.format(folder=self.world.dir / "registry", address=self.address))
        self.process = self.world.spawn([REGISTRY, "serve", str(config)], log="registry.log")
        wait_until(lambda: self._listens() or not self.process.running, 30, "start of the registry")
        assert self.process.running, "the registry ended:\n" + self.process.output()[-2000:]
        return self

    def _listens(self):
        return self.address in self.world.run("ss", "-Hltn")
