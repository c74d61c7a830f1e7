"""Both ends of a conversation, run in any network namespace: who answers, and whose address does the server see?

    talk.py serve [tcp|udp]:PORT…       on every address, IPv4 and IPv6, until it is ended; prints a line when it listens
    talk.py ask [[KIND, ADDRESS, PORT]…]  all questions at once, as JSON; prints the answers as JSON, in order: ["reached", the
                                        address that the server saw, the address that the question left with], or one word
"""

import errno
import json
import select
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

PATIENCE = 2.5   # s; long enough for a second SYN
WORDS = {errno.ECONNREFUSED: "refused", errno.ENETUNREACH: "no route", errno.EHOSTUNREACH: "no answer", errno.EACCES: "no route"}


def listener(kind, family, port):
    sock = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(("", port))
    if kind == "tcp":
        sock.listen(64)
    else:
        # Answers leave with the address that was asked, which a wildcard socket would have to guess.
        level, option = (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO) if family == socket.AF_INET6 else (socket.IPPROTO_IP, 8)
        sock.setsockopt(level, option, 1)
    return sock


def answer(sock):
    if sock.type == socket.SOCK_STREAM:
        connection, peer = sock.accept()
        with connection:
            connection.sendall(peer[0].encode())
        return
    _, control, _, peer = sock.recvmsg(64, 256)
    level, kind, info = control[0]
    # From the address that was asked, over whichever interface: struct in_pktinfo is (interface, to answer from, asked),
    # struct in6_pktinfo (asked, interface).
    info = bytes(4) + info[4:8] + bytes(4) if level == socket.IPPROTO_IP else info[:16] + bytes(4)
    sock.sendmsg([peer[0].encode()], [(level, kind, info)], 0, peer)


def serve(words):
    listeners = []
    for word in words:
        kind, _, port = word.partition(":")
        listeners += [listener(kind, family, int(port)) for family in (socket.AF_INET, socket.AF_INET6)]
    print("listening", flush=True)
    while True:
        for sock in select.select(listeners, [], [])[0]:
            try:
                answer(sock)
            except OSError:
                pass   # that client has gone


def ask(question):
    kind, address, port = question
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        try:
            sock.connect((address, port))
            own = sock.getsockname()[0]
            if kind == "udp":
                sock.send(b"?")
            elif port == 80 and address in OUTSIDERS:
                sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            seen = b""
            while piece := sock.recv(4096):
                seen += piece
                if kind == "udp":
                    break
            # What relays a connection without a server behind it closes it without a word.
            return ["reached", seen.decode().split("\r\n")[-1].strip(), own] if seen else "refused"
        except TimeoutError:
            return "no answer"
        except ConnectionError:
            return "refused"
        except OSError as error:
            return WORDS.get(error.errno, str(error))


OUTSIDERS = ("203.0.113.10", "2001:db8:113::10")   # the outside host, whose server speaks HTTP

if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2:])
    else:
        questions = json.loads(sys.argv[2])
        with ThreadPoolExecutor(max_workers=len(questions) or 1) as pool:
            print(json.dumps(list(pool.map(ask, questions))))
