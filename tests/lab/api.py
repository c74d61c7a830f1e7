"""The engine's API on its unix socket, for what its client shows in part only, or where the client's own start would take too long."""

import http.client
import json
import socket
from contextlib import closing
from urllib.parse import quote

VERSION = "v1.41"   # of engine 20.10


class Refused(Exception):
    """The engine's answer to a call that failed; the text is its message."""


class Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("docker", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def ask(self, method, url, body=None):
        """(status, text) of a call; the body is an object, or bytes as they are. The connection stays open."""
        kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
        self.request(method, f"/{VERSION}{url}", body if body is None or isinstance(body, bytes) else json.dumps(body),
                     {"Content-Type": kind})
        reply = self.getresponse()
        return reply.status, reply.read().decode(errors="replace")


class Api:
    """Calls to the engine at a socket, each on a connection of its own."""

    def __init__(self, path, timeout=120):
        self._path, self._timeout = path, timeout

    def call(self, method, url, body=None):
        """What the engine answers, as an object; Refused with its message otherwise."""
        with closing(Connection(self._path, self._timeout)) as connection:
            status, text = connection.ask(method, url, body)
        if status >= 400:
            raise Refused(json.loads(text)["message"])
        return json.loads(text) if text else {}

    def get(self, url, **filters):
        """GET, with the API's filters: name="web" asks for {"name": ["web"]}."""
        if filters:
            url += "?filters=" + quote(json.dumps({key: [value] for key, value in filters.items()}))
        return self.call("GET", url)
