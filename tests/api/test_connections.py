"""Connections as engines and others hold them: kept alive, many, silent, slow, broken off."""

import resource
import select
import threading
import time

import pytest
from harness import wait
from harness.calls import Network, pool_request
from harness.http import Closed, Conn, encode, request_bytes

CAPABILITIES = request_bytes("NetworkDriver.GetCapabilities")


@pytest.fixture
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def answers_quickly(world, seconds=1.0):
    started = time.monotonic()
    with Conn.to(world.socket) as conn:
        assert conn.call("NetworkDriver.GetCapabilities").status == 200
    took = time.monotonic() - started
    assert took < seconds, f"an ordinary call took {took:.2f} s"


def test_a_connection_is_never_closed_silently_after_a_reply(running):
    """T6: an engine that finds its idle connection closed retries with an empty body. HTTP libraries close idle ones after 5 s
    (cpp-httplib, which viaductd parses with, is one), so these are watched for longer: after one call, after many, after errors."""
    kept = []
    for calls in (["Plugin.Activate"], ["NetworkDriver.GetCapabilities"] * 200, ["IpamDriver.RequestPool"], ["No.Such"]):
        conn = Conn.to(running.socket)
        replies = [conn.call(method) for method in calls]
        assert not any(reply.announces_close for reply in replies), calls
        kept.append(conn)
    closed, _, _ = select.select([conn.sock for conn in kept], [], [], 6.5)
    assert not closed, f"{len(closed)} of {len(kept)} idle connections were closed"
    for conn in kept:
        assert conn.call("NetworkDriver.GetCapabilities").status == 200
        conn.close()


def test_every_reply_carries_a_length_errors_included(running):
    """The client asserts Content-Length and refuses chunks; here for each sort of reply."""
    client = running.client()
    client.raw("Plugin.Activate")
    client.raw("No.Such")
    client.raw("IpamDriver.RequestPool", b"")
    client.raw("IpamDriver.RequestPool", b"{" * 500_000)
    client.raw("IpamDriver.RequestPool", pool_request("10.50.0.0/24"))


def test_one_connection_carries_a_whole_life_when_the_server_keeps_it(running):
    client = running.client()
    network = Network(client).create()
    endpoint, _ = network.joined()
    network.remove_endpoint(endpoint)
    network.remove()


def test_two_requests_in_one_write_get_two_replies_in_order(running):
    with Conn.to(running.socket) as conn:
        conn.send(CAPABILITIES + request_bytes("Plugin.Activate"))
        first = conn.read_reply()
        assert b"Scope" in first.body
        if first.announces_close:
            with pytest.raises(Closed):
                conn.read_reply()
        else:
            assert b"Implements" in conn.read_reply().body


def test_a_probe_that_connects_and_closes_is_no_request(running):
    for _ in range(20):
        Conn.to(running.socket).close()
    answers_quickly(running)
    assert "probe" not in running.daemon.output().lower() and "error" not in running.daemon.output().lower()


def test_a_burst_of_connections_is_accepted_and_answered(running):
    conns = [Conn.to(running.socket) for _ in range(64)]
    for conn in conns:
        conn.send(CAPABILITIES)
    for conn in conns:
        assert conn.read_reply().status == 200
        conn.close()


def test_a_thousand_idle_connections_delay_nobody(running, many_descriptors):
    idle = [Conn.to(running.socket) for _ in range(1000)]
    answers_quickly(running)
    for conn in idle[:10]:
        conn.send(CAPABILITIES)
        assert conn.read_reply().status == 200
    for conn in idle:
        conn.close()
    answers_quickly(running)


def test_silent_clients_with_half_a_request_delay_nobody(running):
    half = [Conn.to(running.socket) for _ in range(100)]
    for conn in half:
        conn.send(CAPABILITIES[: len(CAPABILITIES) // 2])
    answers_quickly(running)
    for conn in half:
        conn.close()
    answers_quickly(running)


def test_a_half_request_is_given_up_within_its_time(running):
    """The descriptors of clients that never finish come back."""
    body = encode(pool_request("10.50.0.0/24"))
    with Conn.to(running.socket, timeout=12) as conn:
        conn.send(request_bytes("IpamDriver.RequestPool", body)[:-10])
        started = time.monotonic()
        try:
            assert conn.read_reply().status >= 400
        except Closed:
            pass
        assert time.monotonic() - started < 12
    assert running.state.counts()["pool"] == 0


def test_a_client_that_sends_byte_by_byte_is_answered(running):
    body = encode(pool_request("10.50.0.0/24"))
    with Conn.to(running.socket) as conn:
        for byte in request_bytes("IpamDriver.RequestPool", body):
            conn.send(bytes([byte]))
        assert b"local/10.50.0.0/24" in conn.read_reply().body


def test_header_and_body_may_arrive_apart(running):
    body = encode(pool_request("10.50.0.0/24"))
    whole = request_bytes("IpamDriver.RequestPool", body)
    with Conn.to(running.socket) as conn:
        conn.send(whole[: -len(body)])
        answers_quickly(running)
        conn.send(body)
        assert conn.read_reply().status == 200


def test_a_client_gone_in_mid_request_changes_nothing(running):
    body = encode(pool_request("10.50.0.0/24"))
    whole = request_bytes("IpamDriver.RequestPool", body)
    for cut in (1, 20, len(whole) - len(body), len(whole) - 1):
        with Conn.to(running.socket) as conn:
            conn.send(whole[:cut])
    answers_quickly(running)
    assert running.state.counts()["pool"] == 0


def test_a_client_gone_before_the_reply_leaves_the_call_done(running):
    """The engine repeats such a call with an empty body and then rolls back; the call itself was whole."""
    client = running.client()
    network = Network(client, "10.50.0.0/24").create()
    endpoint = network.endpoint()
    with Conn.to(running.socket) as conn:
        conn.send(request_bytes("NetworkDriver.Join", encode(endpoint.joining())))
    client.fails("NetworkDriver.Join", b"")
    client.call("NetworkDriver.DeleteEndpoint", endpoint.ids)
    client.call("IpamDriver.ReleaseAddress", endpoint.releasing())
    wait.until(lambda: not [n for n in running.own_links() if n.startswith("ve")], "the endpoint's links gone")
    assert running.state.counts()["endpoint"] == 0


def test_descriptors_do_not_leak(running):
    def open_descriptors():
        return len(list((running.proc / "fd").iterdir()))

    answers_quickly(running)
    before = open_descriptors()
    for _ in range(300):
        with Conn.to(running.socket) as conn:
            conn.call("NetworkDriver.GetCapabilities")
        Conn.to(running.socket).close()
    wait.until(lambda: open_descriptors() <= before + 2, f"about {before} descriptors, not {open_descriptors()}")


def test_calls_on_different_networks_run_side_by_side(running):
    """Eight networks' worth of containers at once, none of them gets another's address."""
    lives = []
    failures = []

    def live():
        try:
            client = running.client()
            network = Network(client).create()
            endpoints = [network.joined()[0] for _ in range(5)]
            lives.append((network, endpoints))
            for endpoint in endpoints:
                network.remove_endpoint(endpoint)
            network.remove()
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)

    threads = [threading.Thread(target=live) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures, failures
    assert len({network.subnet for network, _ in lives}) == 8
    for network, endpoints in lives:
        assert len({endpoint.address for endpoint in endpoints}) == 5
        assert all(network.has(endpoint.address) for endpoint in endpoints)
    assert running.state.counts() == {"network": 0, "endpoint": 0, "pool": 0, "address": 0}
    assert running.own_links() == []
