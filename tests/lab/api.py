"""The engine's API on its unix socket, for what its client shows in part only."""

import http.client
import json
import socket
from urllib.parse import quote

VERSION = "v1.41"   # of engine 20.10


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("docker", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def get(path, url, timeout=20, **filters):
    """GET of the engine at the socket `path`; its JSON. `filters` are the API's: name="web" asks for {"name": ["web"]}."""
    if filters:
        url += "?filters=" + quote(json.dumps({key: [value] for key, value in filters.items()}))
    connection = _UnixConnection(path, timeout)
    try:
        connection.request("GET", f"/{VERSION}{url}")
        reply = connection.getresponse()
        text = reply.read().decode(errors="replace")
        if reply.status != 200:
            raise RuntimeError(f"GET {url}: status {reply.status}: {text}")
        return json.loads(text)
    finally:
        connection.close()
