"""The engine's API over one connection that is kept: a client's start would blur what is measured."""

import time

from lab.api import VERSION, Connection


class EngineApi:
    def __init__(self, path, timeout=60):
        self.connection = Connection(path, timeout)
        self.reply = None

    def close(self):
        self.connection.close()

    def post(self, url, body):
        """POST that must succeed; the nanoseconds from the request to the end of the reply."""
        started = time.perf_counter_ns()
        status, answer = self.connection.ask("POST", url, body)
        took = time.perf_counter_ns() - started
        if status not in (200, 201, 204):
            raise RuntimeError(f"{url}: status {status}: {answer}")
        return took

    def begin(self, url):
        """POST whose answer begins at once and ends when something has happened; `finish` waits for that."""
        self.connection.request("POST", f"/{VERSION}{url}")
        self.reply = self.connection.getresponse()
        if self.reply.status != 200:
            raise RuntimeError(f"{url}: status {self.reply.status}: {self.reply.read()}")

    def finish(self):
        self.reply.read()

    def connect(self, network, container):
        return self.post(f"/networks/{network}/connect", {"Container": container})

    def disconnect(self, network, container):
        return self.post(f"/networks/{network}/disconnect", {"Container": container, "Force": False})
