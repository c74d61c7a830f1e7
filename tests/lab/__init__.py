"""A world of its own for tests: namespaces, a real Docker engine, an outside host to talk to, and nothing left behind."""

from lab.engine import DockerError, Engine
from lab.process import Process
from lab.registry import Registry
from lab.swarm import LAN, Swarm
from lab.wait import wait_until
from lab.world import GATEWAY4, GATEWAY6, OUTSIDE4, OUTSIDE6, UPLINK4, UPLINK6, World

__all__ = ["DockerError", "Engine", "GATEWAY4", "GATEWAY6", "LAN", "OUTSIDE4", "OUTSIDE6", "Process", "Registry", "Swarm", "UPLINK4", "UPLINK6", "World", "wait_until"]
