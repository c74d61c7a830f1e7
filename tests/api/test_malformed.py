"""Bodies that no engine sends whole: each is answered with one clear sentence and changes nothing."""

import copy
import json

import pytest
from harness import protocol
from harness.calls import Network, examples
from harness.http import Closed, Conn, error_sentence, request_bytes

# Where an object without members says too little to act on. GwAllocCheck has nothing that must be there.
NEED_MEMBERS = [m for m in protocol.WITH_ARGUMENTS if "GwAllocCheck" not in m]
DEEP = b'{"Options":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.fixture
def busy(running):
    """A world with one network and one joined endpoint; `untouched()` asserts that nothing of it changed."""
    client = running.client()
    network = Network(client, "10.50.0.0/24").create()
    endpoint, _ = network.joined()
    running.examples = examples(network, endpoint)
    before = running.state.dump(), running.kernel()

    def untouched():
        assert (running.state.dump(), running.kernel()) == before
        client.call("NetworkDriver.EndpointOperInfo", endpoint.ids)

    running.untouched = untouched
    return running


def refuse(world, method, body):
    with Conn.to(world.socket) as conn:
        try:
            conn.send(request_bytes(method, body))
        except BrokenPipeError:
            pass  # a server may stop reading early; its answer is there all the same
        reply = conn.read_reply()
    assert reply.status in (200, 413), reply
    try:
        return error_sentence(reply)
    except AssertionError as error:
        raise AssertionError(f"{method} {body[:120]!r}: {error}") from error


@pytest.mark.parametrize("method", protocol.WITH_ARGUMENTS)
def test_bodies_that_are_no_object(busy, method):
    """Scenario 2."""
    whole = json.dumps(busy.examples[method], separators=(",", ":")).encode() + b"\n"
    bodies = [b"", b"\n", b"null", b"[]", b"7", b'"text"', b"true", b"{", b"}", b"nonsense", whole[:-2], whole[:-1] * 2,
              whole[: len(whole) // 2], b"\x00" * 64, DEEP]
    for body in bodies:
        refuse(busy, method, body)
    busy.untouched()


@pytest.mark.parametrize("method", NEED_MEMBERS)
def test_an_object_without_members(busy, method):
    """Scenario 4."""
    refuse(busy, method, b"{}")
    busy.untouched()


@pytest.mark.parametrize("method", protocol.WITH_ARGUMENTS)
def test_duplicate_keys_and_invalid_utf8(busy, method):
    arguments = busy.examples[method]
    whole = json.dumps(arguments, separators=(",", ":")).encode()
    first = next(iter(arguments))
    again = json.dumps({first: arguments[first]}, separators=(",", ":")).encode()
    message = refuse(busy, method, b"{" + again[1:-1] + b"," + whole[1:])
    assert first in message, message
    broken = whole[:-1] + b',"extra":"\xff\xfe"}'
    refuse(busy, method, broken)
    busy.untouched()


@pytest.mark.parametrize("method", ["IpamDriver.RequestPool", "NetworkDriver.CreateNetwork", "IpamDriver.ReleaseAddress"])
def test_a_body_over_one_mebibyte(busy, method):
    arguments = {**busy.examples[method], "filler": "x" * (2 << 20)}
    refuse(busy, method, json.dumps(arguments).encode())
    busy.untouched()


def wrong_types(arguments):
    """(path, arguments with another type at the path), for every member that the protocol gives a type."""
    paths = [(key,) for key in arguments]
    paths += [(outer, key) for outer in ("Interface", "DiscoveryData") for key in arguments.get(outer, {})]
    if arguments.get("IPv4Data"):
        paths += [("IPv4Data", 0, key) for key in arguments["IPv4Data"][0]]
    for path in paths:
        holder = arguments
        for step in path[:-1]:
            holder = holder[step]
        old = holder[path[-1]]
        wrongs = {str: (7, ["x"], {"x": "y"}, True), bool: ("true", [], 7), dict: ("x", ["x"], 7), list: ("x", {}, 7),
                  int: ("1", [], {}), type(None): ("x", 7)}[type(old)]
        for wrong in wrongs:
            changed = copy.deepcopy(arguments)
            holder = changed
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = wrong
            yield path, changed


@pytest.mark.parametrize("method", protocol.WITH_ARGUMENTS)
def test_a_wrong_type_in_every_member(busy, method):
    for path, arguments in wrong_types(busy.examples[method]):
        message = refuse(busy, method, json.dumps(arguments).encode())
        named = [step for step in path if isinstance(step, str)]
        assert named[-1] in message, f"{method}: {path} with a wrong type, and the message is {message!r}"
    busy.untouched()


ENDLESS = "7" * 50_000


@pytest.mark.parametrize("method,change", [
    ("IpamDriver.RequestPool", {"Pool": f"10.70.0.0/{ENDLESS}"}), ("IpamDriver.RequestPool", {"Pool": ENDLESS}),
    ("IpamDriver.RequestPool", {"AddressSpace": ENDLESS}), ("IpamDriver.RequestPool", {"Options": {ENDLESS: "1"}}),
    ("IpamDriver.RequestPool", {"Options": {"size": ENDLESS}}), ("IpamDriver.RequestPool", {"Options": {ENDLESS: 1}}),
    ("IpamDriver.RequestAddress", {"PoolID": ENDLESS}), ("IpamDriver.RequestAddress", {"Address": ENDLESS}),
    ("IpamDriver.ReleaseAddress", {"Address": ENDLESS}), ("NetworkDriver.CreateNetwork", {"NetworkID": ENDLESS}),
    ("NetworkDriver.CreateNetwork", {"Options": {"com.docker.network.generic": {"mtu": ENDLESS}}}),
    ("NetworkDriver.CreateNetwork", {"IPv4Data": [{"Pool": "10.70.0.0/24", "AuxAddresses": {ENDLESS: "x"}}]}),
    ("NetworkDriver.Leave", {"EndpointID": ENDLESS}), ("NetworkDriver.NoSuch" + "h" * 5000, {}),
], ids=lambda value: str(value)[:60])
def test_what_a_sentence_repeats_has_a_bound(busy, method, change):
    """The engine shows the sentence to a user, and the log keeps it."""
    with Conn.to(busy.socket) as conn:
        conn.send(request_bytes(method, json.dumps({**busy.examples.get(method, {}), **change}).encode()))
        assert len(error_sentence(conn.read_reply())) < 1100
    busy.untouched()


BAD_VALUES = [
    ("IpamDriver.RequestPool", {"Pool": "10.0.0.0/99"}), ("IpamDriver.RequestPool", {"Pool": "10.0.0.0"}),
    ("IpamDriver.RequestPool", {"Pool": "10.0.0.1/24"}), ("IpamDriver.RequestPool", {"Pool": "abc"}),
    ("IpamDriver.RequestPool", {"AddressSpace": "nowhere"}), ("IpamDriver.RequestPool", {"AddressSpace": ""}),
    ("IpamDriver.RequestPool", {"SubPool": "10.99.0.0/25"}), ("IpamDriver.RequestPool", {"SubPool": "fd00::/64"}),
    ("IpamDriver.RequestPool", {"Pool": "", "SubPool": "10.70.0.0/25"}),
    ("IpamDriver.RequestAddress", {"PoolID": ""}), ("IpamDriver.RequestAddress", {"PoolID": "local/10.99.0.0/24"}),
    ("IpamDriver.RequestAddress", {"Address": "10.99.0.1"}), ("IpamDriver.RequestAddress", {"Address": "10.50.0.5/24"}),
    ("IpamDriver.RequestAddress", {"Address": "fd00::1"}), ("IpamDriver.RequestAddress", {"Address": "10.50.0"}),
    ("IpamDriver.ReleaseAddress", {"Address": "10.50"}), ("IpamDriver.ReleaseAddress", {"Address": ""}),
    ("NetworkDriver.CreateNetwork", {"NetworkID": ""}), ("NetworkDriver.CreateNetwork", {"NetworkID": "a/../b"}),
    ("NetworkDriver.CreateNetwork", {"NetworkID": "a\u0000b"}), ("NetworkDriver.DeleteNetwork", {"NetworkID": ""}),
    ("NetworkDriver.CreateEndpoint", {"EndpointID": ""}), ("NetworkDriver.CreateEndpoint", {"NetworkID": "f" * 64}),
    ("NetworkDriver.Join", {"EndpointID": "f" * 64}), ("NetworkDriver.Join", {"NetworkID": ""}),
    ("NetworkDriver.Leave", {"EndpointID": ""}), ("NetworkDriver.DeleteEndpoint", {"EndpointID": ""}),
    ("NetworkDriver.AllocateNetwork", {"NetworkID": ""}), ("NetworkDriver.FreeNetwork", {"NetworkID": ""}),
    ("NetworkDriver.ProgramExternalConnectivity", {"EndpointID": "f" * 64}),
]


@pytest.mark.parametrize("method,change", BAD_VALUES, ids=lambda value: str(value)[:60])
def test_a_value_that_cannot_be_meant(busy, method, change):
    refuse(busy, method, json.dumps({**busy.examples[method], **change}).encode())
    busy.untouched()


@pytest.mark.parametrize("interface", [
    {"MacAddress": "zz"}, {"MacAddress": "02:42:ac:11:00"}, {"MacAddress": "01:00:5e:00:00:01"},
    {"Address": "10.50.0.9"}, {"Address": "10.50.0.9/99"}, {"AddressIPv6": "10.50.0.9/24"}, {"Address": "fd00::1/64"},
], ids=str)
def test_an_endpoint_with_an_impossible_interface(busy, interface):
    arguments = copy.deepcopy(busy.examples["NetworkDriver.CreateEndpoint"])
    arguments["EndpointID"] = "e" * 64
    arguments["Interface"].update(interface)
    refuse(busy, "NetworkDriver.CreateEndpoint", json.dumps(arguments).encode())
    busy.untouched()


RAW = {
    "chunked": b"POST /IpamDriver.ReleasePool HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "compressed": b"POST /IpamDriver.ReleasePool HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "multipart": b"POST /IpamDriver.ReleasePool HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data\r\n"
                 b"Content-Length: 2\r\n\r\n{}",
    "a verb that HTTP does not have": b"FOO /IpamDriver.ReleasePool HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
    "no length": b"POST /IpamDriver.ReleasePool HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("request_text", RAW.values(), ids=RAW.keys())
def test_framing_that_engines_never_use_is_refused(busy, request_text):
    with Conn.to(busy.socket) as conn:
        conn.send(request_text)
        reply = conn.read_reply()
    error_sentence(reply)
    busy.untouched()


@pytest.mark.parametrize("noise", [b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"POST " + b"a" * 100_000,
                                   b"POST /x HTTP/1.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n"], ids=lambda n: repr(n[:12]))
def test_noise_ends_with_an_error_or_the_end_of_the_connection(busy, noise):
    with Conn.to(busy.socket) as conn:
        try:
            conn.send(noise)
            conn.sock.shutdown(1)
            assert conn.read_reply().status >= 400
        except (Closed, BrokenPipeError):
            pass  # refused without words: this was no HTTP
    busy.untouched()
