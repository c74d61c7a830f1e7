"""A raw HTTP/1.1 client for unix sockets that can say what a well-behaved library refuses to say."""

import json
import socket
import time
from dataclasses import dataclass, field

DEADLINE = 15.0  # seconds; viaductd promises an answer in under 10


class Closed(Exception):
    """The peer closed the connection before a whole reply had arrived."""


@dataclass
class Reply:
    status: int
    headers: dict
    body: bytes
    started: float = 0.0
    ended: float = 0.0
    header_lines: list = field(default_factory=list)

    @property
    def announces_close(self):
        return self.headers.get("connection", "").lower() == "close"

    def json(self):
        return json.loads(self.body)


def request_bytes(method, body=b"", *, host="plugin.moby.localhost", headers=None, verb="POST"):
    """The bytes that an engine sends: no Content-Type, always a Content-Length. `method` is the path without its slash."""
    lines = [
        f"{verb} /{method} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: Go-http-client/1.1",
        f"Content-Length: {len(body)}",
        "Accept: application/vnd.docker.plugins.v1.2+json",
    ]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def encode(arguments):
    """A call's arguments as the engine's Go encoder writes them; bytes pass as they are, None is the empty body."""
    if arguments is None:
        return b""
    if isinstance(arguments, bytes):
        return arguments
    return json.dumps(arguments, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


class Conn:
    """One connection. Never reconnects by itself, so a test sees exactly what the server does with it."""

    def __init__(self, sock, timeout=DEADLINE):
        self.sock = sock
        self.timeout = timeout
        self.sock.settimeout(timeout)
        self.rest = b""

    @classmethod
    def to(cls, path, timeout=DEADLINE):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        sock.settimeout(timeout)
        sock.connect(str(path))
        return cls(sock, timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def _more(self, until):
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"no complete reply within {self.timeout} s; so far: {self.rest[:200]!r}")
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError as error:
            raise Closed("reset by peer") from error
        if not data:
            raise Closed(f"closed by peer after {self.rest[:200]!r}")
        self.rest += data

    def read_reply(self):
        """One reply. Asserts the framing that an engine depends on: a Content-Length, and never chunks (T6)."""
        started = time.monotonic()
        until = started + self.timeout
        while b"\r\n\r\n" not in self.rest:
            self._more(until)
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        assert status_line.startswith("HTTP/1.1 "), status_line
        assert "transfer-encoding" not in headers, f"a chunked reply: {headers}"
        assert "content-length" in headers, f"a reply without Content-Length: {headers}"
        length = int(headers["content-length"])
        while len(self.rest) < length:
            self._more(until)
        body, self.rest = self.rest[:length], self.rest[length:]
        return Reply(int(status_line.split()[1]), headers, body, started, time.monotonic(), lines)

    def call(self, method, arguments=None, **how):
        self.send(request_bytes(method, encode(arguments), **how))
        return self.read_reply()

    def is_closed_within(self, seconds):
        """True if the server closes this idle connection within the time; stray bytes are an error."""
        self.sock.settimeout(seconds)
        try:
            data = self.sock.recv(1)
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True
        assert data == b"", f"bytes nobody asked for: {data!r}"
        return True


class Client:
    """Calls as an engine makes them: one connection kept for as long as the server does not announce its end.

    `connect` opens a connection; by default this process does, so that the peer is this process.
    """

    def __init__(self, path, *, host="plugin.moby.localhost", connect=None, timeout=DEADLINE):
        self.path = str(path)
        self.host = host
        self.timeout = timeout
        self.connect = connect or (lambda: Conn.to(self.path, self.timeout))
        self.conn = None

    def close(self):
        if self.conn is not None:
            self.conn.close()
            self.conn = None

    def raw(self, method, arguments=None):
        if self.conn is None:
            self.conn = self.connect()
        self.conn.send(request_bytes(method, encode(arguments), host=self.host))
        reply = self.conn.read_reply()
        if reply.announces_close:
            self.close()
        return reply

    def call(self, method, arguments=None):
        """The decoded reply of a call that must succeed."""
        reply = self.raw(method, arguments)
        decoded = reply.json()
        assert reply.status == 200, f"{method}: status {reply.status}: {reply.body!r}"
        assert isinstance(decoded, dict), f"{method}: not an object: {decoded!r}"
        assert not decoded.get("Err") and not decoded.get("Error"), f"{method} {arguments}: {decoded}"
        return decoded

    def fails(self, method, arguments=None):
        """The message of a call that must fail, in the form that both halves of an engine read (T5)."""
        reply = self.raw(method, arguments)
        assert reply.status == 200, f"{method}: status {reply.status}: {reply.body!r}"
        return error_sentence(reply)


def error_sentence(reply):
    decoded = reply.json()
    assert isinstance(decoded, dict), f"not an object: {decoded!r}"
    assert set(decoded) == {"Err", "Error"}, f"an error reply holds Err and Error alone: {decoded}"
    message = decoded["Err"]
    assert message == decoded["Error"], decoded
    assert isinstance(message, str) and message.strip() == message and len(message) > 10, decoded
    assert len(message) < 2000 and "\n" not in message, f"not one sentence: {message[:300]!r}"
    return message


def get_json(path, url, timeout=DEADLINE):
    """GET on the admin socket: (status, decoded body)."""
    with Conn.to(path, timeout) as conn:
        conn.send(f"GET {url} HTTP/1.1\r\nHost: viaduct\r\nConnection: close\r\n\r\n".encode())
        reply = conn.read_reply()
        return reply.status, json.loads(reply.body)


def post_json(path, url, body, timeout=DEADLINE):
    """POST of bytes, or of something as JSON, on the admin socket: the reply."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with Conn.to(path, timeout) as conn:
        conn.send(request_bytes(url.removeprefix("/"), data, host="viaduct", headers={"Connection": "close"}))
        return conn.read_reply()
