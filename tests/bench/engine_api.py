"""The engine's API on its unix socket, over one connection that is kept: a client's start would blur what is measured."""

import http.client
import json
import socket
import time

VERSION = "v1.41"   # of engine 20.10


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("docker", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class EngineApi:
    def __init__(self, path, timeout=60):
        self.connection = _UnixConnection(path, timeout)

    def close(self):
        self.connection.close()

    def timed_post(self, url, body):
        """POST that must succeed; the nanoseconds from the request to the end of the reply."""
        text = json.dumps(body)
        started = time.perf_counter_ns()
        self.connection.request("POST", f"/{VERSION}{url}", text, {"Content-Type": "application/json"})
        reply = self.connection.getresponse()
        answer = reply.read()
        took = time.perf_counter_ns() - started
        if reply.status != 200:
            raise RuntimeError(f"{url}: status {reply.status}: {answer.decode(errors='replace')}")
        return took

    def post(self, url, body):
        """POST that must succeed."""
        self.connection.request("POST", f"/{VERSION}{url}", json.dumps(body), {"Content-Type": "application/json"})
        reply = self.connection.getresponse()
        answer = reply.read()
        if reply.status not in (200, 201, 204):
            raise RuntimeError(f"{url}: status {reply.status}: {answer.decode(errors='replace')}")

    def connect(self, network, container):
        return self.timed_post(f"/networks/{network}/connect", {"Container": container})

    def disconnect(self, network, container):
        return self.timed_post(f"/networks/{network}/disconnect", {"Container": container, "Force": False})
