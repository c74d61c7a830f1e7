"""Stand-ins for engine processes.

viaductd tells one engine from the next by the peer of its connections (SO_PEERCRED). An Engine is a process of its own that opens
connections and hands them over, so a test can let an engine die and a new one register.
"""

import array
import os
import socket
import subprocess
import sys

from .http import Client, Conn

_HELPER = r"""
import array, os, socket, sys
control = socket.socket(fileno=int(sys.argv[1]))
while True:
    path = control.recv(4096)
    if not path:
        sys.exit(0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        try:
            made.connect(path.decode())
        except OSError as error:
            control.sendmsg([b"E" + str(error).encode()])
            continue
        control.sendmsg([b"O"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [made.fileno()]))])
"""


class Engine:
    """One engine instance: a process of its own, with its own identity towards viaductd. Use as a context manager."""

    def __init__(self, path):
        self.path = str(path)
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _HELPER, str(theirs.fileno())], pass_fds=[theirs.fileno()]
            )
        self.client = Client(self.path, connect=self.connect)

    def connect(self):
        self.control.settimeout(10)
        self.control.send(self.path.encode())
        fds = array.array("i")
        data, ancillary, _, _ = self.control.recvmsg(4096, socket.CMSG_SPACE(fds.itemsize))
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(payload[: fds.itemsize])
        if data[:1] != b"O":
            raise ConnectionError(data[1:].decode())
        os.set_inheritable(fds[0], False)
        return Conn(socket.socket(fileno=fds[0]))

    def register(self):
        """What a starting engine sends once its plugin is found (a legacy plugin's way, with Activate)."""
        self.call("Plugin.Activate")
        self.call("NetworkDriver.GetCapabilities")
        self.call("IpamDriver.GetCapabilities")
        return self

    def call(self, method, arguments=None):
        return self.client.call(method, arguments)

    def fails(self, method, arguments=None):
        return self.client.fails(method, arguments)

    def die(self):
        self.client.close()
        self.control.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.die()
