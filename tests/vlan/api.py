"""The engine's API on its unix socket. In a virtual machine the client's start alone would take longer than most calls."""

import http.client
import json
import socket

VERSION = "v1.41"   # of engine 20.10


class Refused(Exception):
    """The engine's answer to a call that failed; the text is its message."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("docker", timeout=120)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Api:
    def __init__(self, path):
        self._path = path

    def call(self, method, url, body=None):
        """What the engine answers, as an object; Refused with its message otherwise. The body is an object too, or bytes as they are."""
        kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
        connection = _UnixConnection(self._path)
        try:
            connection.request(method, f"/{VERSION}{url}", body if body is None or isinstance(body, bytes) else json.dumps(body),
                               {"Content-Type": kind})
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        if reply.status >= 400:
            raise Refused(json.loads(text)["message"])
        return json.loads(text) if text else {}
