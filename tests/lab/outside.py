"""The outside host's services, IPv4 and IPv6: each answers with the address that the request seems to come from.

TCP port 80: one HTTP reply whose body is the peer's address. UDP port 7: a datagram holding the peer's address.
ICMP is the kernel's.
"""

import select
import socket
import sys

def http_listener():
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", 80))
    sock.listen(64)
    return sock


def datagram_listener(address):
    """Bound to the one address, so that answers come from it: from a wildcard socket the route would choose another."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, 7))
    return sock


def plain(address):
    return address[0].removeprefix("::ffff:").encode()


def answer_http(server):
    connection, peer = server.accept()
    with connection:
        connection.settimeout(2)
        try:
            connection.recv(4096)
            body = plain(peer) + b"\n"
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        except OSError:
            pass


def answer_datagram(server):
    _, peer = server.recvfrom(2048)
    try:
        server.sendto(plain(peer) + b"\n", peer)
    except OSError:
        pass


def main():
    sys.stdin.read()  # closes once the addresses exist
    http = http_listener()
    datagrams = [datagram_listener(address) for address in sys.argv[1:]]
    while True:
        ready, _, _ = select.select([http, *datagrams], [], [])
        for sock in ready:
            answer_http(sock) if sock is http else answer_datagram(sock)


main()
