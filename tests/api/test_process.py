"""viaductd as a process: start, sockets, signals, flags, log."""

import json
import os
import re
import signal
import socket
import stat
import threading
import time

import pytest
from harness import wait
from harness.calls import Network, pool_request
from harness.http import Closed, Conn, request_bytes
from harness.world import ROOT, World


def test_the_socket_is_for_root_alone_and_goes_with_the_daemon(running):
    assert stat.S_IMODE(os.stat(running.socket).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(running.admin_socket).st_mode) == 0o600
    assert running.daemon.terminate() == 0
    assert not running.socket.exists() and not running.admin_socket.exists()


def test_sigint_ends_like_sigterm(running):
    running.daemon.process.send_signal(signal.SIGINT)
    assert running.daemon.wait_exit(3) == 0
    assert not running.socket.exists()


def test_sigterm_with_idle_connections_ends_at_once(running):
    idle = [Conn.to(running.socket) for _ in range(50)]
    started = time.monotonic()
    assert running.daemon.terminate(seconds=2.0) == 0
    assert time.monotonic() - started < 2.0
    for conn in idle:
        conn.close()


def test_sigterm_under_load_answers_what_is_in_flight(running):
    """What was answered is kept, what was not answered was not half done, and the end comes within 2 s."""
    promised, failures = [], []

    def ask(worker):
        client = running.client()
        try:
            for number in range(250):
                decoded = client.raw("IpamDriver.RequestPool", pool_request(f"10.{worker + 100}.{number}.0/24")).json()
                if decoded.get("Err"):
                    return  # refused while stopping: nothing was promised
                promised.append(decoded["PoolID"])
        except (Closed, ConnectionError, FileNotFoundError):
            return  # ended between two calls: nothing was promised
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)

    workers = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for worker in workers:
        worker.start()
    wait.until(lambda: len(promised) > 40, "a load")
    started = time.monotonic()
    assert running.daemon.terminate(seconds=2.0) == 0, running.daemon.output()
    assert time.monotonic() - started < 2.0
    for worker in workers:
        worker.join(20)
    assert not failures, failures
    assert not running.socket.exists()
    assert set(promised) <= {row["key"] for row in running.state.rows("pool")}


def test_a_stale_socket_is_replaced(world):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(world.socket))
    assert world.socket.exists()
    world.start()


def test_the_socket_of_a_killed_daemon_is_replaced(running):
    running.daemon.kill()
    assert running.socket.exists()
    running.start()


def test_a_socket_that_somebody_serves_is_left_to_them(world):
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(world.socket))
        alive.listen()
        daemon = world.spawn()
        assert daemon.wait_exit() != 0
        assert str(world.socket) in daemon.output()
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(world.socket))


def test_a_file_that_is_no_socket_is_not_unlinked(world):
    world.socket.write_text("precious")
    daemon = world.spawn()
    assert daemon.wait_exit() != 0
    assert str(world.socket) in daemon.output()
    assert world.socket.read_text() == "precious"


def elsewhere(world):
    """Sockets of its own for a second daemon."""
    return {"listen": f"unix://{world.folder}/other.sock", "admin": f"unix://{world.folder}/other-admin.sock"}


def test_a_second_daemon_on_the_same_state_is_refused(running):
    """From another network namespace, as a second managed plugin would be."""
    with World() as other:
        daemon = other.spawn(state=running.state_dir, **elsewhere(other))
        assert daemon.wait_exit() == 1
        assert str(running.state_dir) in daemon.output()
    running.client().call("IpamDriver.RequestPool", pool_request())


def test_a_second_daemon_in_the_same_network_namespace_is_refused(running):
    """Both would take the other's links and rules for their own."""
    other = running.spawn(state=running.folder / "other-state", **elsewhere(running))
    assert other.wait_exit() == 1
    assert "namespace" in other.output()
    running.daemons[0].wait_ready()


def test_two_sockets_serve_one_state(world):
    second = world.folder / "second.sock"
    world.start("--listen", f"unix://{second}")
    pool = world.client().call("IpamDriver.RequestPool", pool_request())["Pool"]
    with Conn.to(second) as conn:
        other = conn.call("IpamDriver.RequestPool", pool_request()).json()["Pool"]
    assert pool != other
    assert world.daemon.terminate() == 0
    assert not second.exists() and not world.socket.exists()


def test_a_socket_handed_over_by_systemd_is_served_and_not_unlinked(world):
    """Scenario 14: what the socket unit does at boot. sd_listen_fds(3): descriptors from 3 on, LISTEN_PID is the daemon's own."""
    path = world.folder / "handed.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(64)
        script = 'exec 3<&"$1"; shift; export LISTEN_PID=$$; exec "$@"'
        world.spawn(listen="fd://", pass_fds=[listening.fileno()], environment={"LISTEN_FDS": "1"},
                    prepare=["bash", "-c", script, "hand-over", str(listening.fileno())])
        world.daemon.wait_ready(path)
        assert world.daemon.terminate() == 0
        assert path.exists()


def test_a_call_made_before_the_daemon_starts_is_answered_when_it_does(world):
    """Scenario 14: at boot the engine dials the socket that the socket unit holds; nothing is refused, and nobody waits 15 s for a
    file that is not there yet."""
    path = world.folder / "handed.sock"
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as early:
        listening.bind(str(path))
        listening.listen(64)
        early.connect(str(path))
        engine = Conn(early)
        engine.send(request_bytes("Plugin.Activate"))
        script = 'exec 3<&"$1"; shift; export LISTEN_PID=$$; exec "$@"'
        world.spawn(listen="fd://", pass_fds=[listening.fileno()], environment={"LISTEN_FDS": "1"},
                    prepare=["bash", "-c", script, "hand-over", str(listening.fileno())])
        assert "Implements" in engine.read_reply().json()


def test_descriptors_promised_and_not_given_are_an_error(world):
    daemon = world.spawn(listen="fd://")
    assert daemon.wait_exit() not in (0, None)
    assert "LISTEN_FDS" in daemon.output() or "fd://" in daemon.output()


LIFE = ["IpamDriver.RequestPool", "IpamDriver.RequestAddress", "NetworkDriver.CreateNetwork",
        "NetworkDriver.CreateEndpoint", "NetworkDriver.Join", "NetworkDriver.Leave", "NetworkDriver.DeleteEndpoint",
        "IpamDriver.ReleaseAddress", "IpamDriver.ReleasePool", "NetworkDriver.DeleteNetwork"]


def a_logged_life(world):
    client = world.client()
    network = Network(client, "10.50.0.0/24").create()
    endpoint, _ = network.joined()
    network.remove_endpoint(endpoint)
    network.remove()
    client.fails("NetworkDriver.Join", endpoint.joining())
    assert world.daemon.terminate() == 0
    return network, endpoint


def test_one_line_of_text_for_each_call(world):
    world.start(log_format="text")
    network, endpoint = a_logged_life(world)
    lines = world.daemon.stdout().splitlines()
    for method in LIFE:
        assert [line for line in lines if method in line or method.partition(".")[2] in line], method
    joins = [line for line in lines if "Join" in line]
    assert len(joins) == 2, joins
    for line in joins:
        assert network.id in line or network.id[:12] in line, line
        assert endpoint.id in line or endpoint.id[:12] in line, line
    assert all(len(line) < 4096 for line in lines)


def test_one_json_object_for_each_call(world):
    world.start(log_format="json")
    network, endpoint = a_logged_life(world)
    events = [json.loads(line) for line in world.daemon.stdout().splitlines()]
    assert all(isinstance(event, dict) for event in events)
    joins = [event for event in events if any(str(v).endswith("Join") for v in event.values())]
    assert len(joins) == 2, events
    for event in joins:
        assert network.id in json.dumps(event) and endpoint.id in json.dumps(event), event
        assert event["us"], event
    assert joins[0] != joins[1]
    for method in LIFE:
        assert any(method in map(str, event.values()) or method.partition(".")[2] in map(str, event.values())
                   for event in events), method


def test_what_a_client_sends_cannot_forge_a_log_line(world):
    world.start(log_format="text")
    world.client().fails("NetworkDriver.Leave", {"NetworkID": "x\nlevel=error forged", "EndpointID": "y\x1b[2J"})
    assert world.daemon.terminate() == 0
    output = world.daemon.output()
    assert "\nlevel=error forged" not in output and "\x1b" not in output


def test_the_outcome_is_in_the_log_whatever_a_client_sends(world):
    """A line is bounded; duration and outcome must not be what is cut off, nor the line be cut in two."""
    world.start(log_format="json")
    client = world.client()
    for filler in ("x", "\x01", "\u00fc"):
        long = filler * 6000
        client.raw("IpamDriver.ReleaseAddress", {"PoolID": long, "Address": "10.0.0.1"})
        client.fails("NetworkDriver.Leave", {name: long for name in (
            "NetworkID", "EndpointID", "PoolID", "Address", "AddressSpace", "Pool", "SubPool", "SandboxKey")})
    assert world.daemon.terminate() == 0
    events = [json.loads(line) for line in world.daemon.stdout().splitlines()]
    calls = [event for event in events if event["msg"] in ("IpamDriver.ReleaseAddress", "NetworkDriver.Leave")]
    assert len(calls) == 6, events
    for event in calls:
        assert int(event["us"]) >= 0 and event["outcome"] == ("ok" if "Release" in event["msg"] else "invalid_argument")
        assert "6000 bytes" in event["pool"] or "12000 bytes" in event["pool"], event


def test_one_line_for_each_request_that_is_no_call(world):
    world.start(log_format="json")
    for data, status in ((request_bytes("NetworkDriver.Unheard", b"{}"), 404),
                         (request_bytes("Plugin.Activate", verb="GET"), 405),
                         (b"POST /Plugin.Activate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 411)):
        with Conn.to(world.socket) as conn:
            conn.send(data)
            reply = conn.read_reply()
        assert reply.status == status
    with Conn.to(world.admin_socket) as conn:
        conn.send(b"POST /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")
        assert conn.read_reply().status == 413
    assert world.daemon.terminate() == 0
    refused = [event for event in map(json.loads, world.daemon.stdout().splitlines()) if "status" in event]
    assert [event["status"] for event in refused] == ["404", "405", "411", "413"], refused
    assert all(event["level"] == "warning" for event in refused)
    assert "Unheard" in refused[0]["error"] and "GET" in refused[1]["error"]
    assert [event.get("socket") for event in refused[2:]] == ["plugin", "admin"]


def test_a_flood_of_refusals_does_not_fill_the_log(running):
    for _ in range(300):
        with Conn.to(running.socket) as conn:
            conn.send(b"POST /Plugin.Activate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            assert conn.read_reply().status == 411
    assert running.daemon.stdout().count("request refused") < 100


def test_check_config_says_yes_and_touches_nothing(world):
    daemon = world.spawn("--check-config")
    assert daemon.wait_exit() == 0, daemon.output()
    assert not world.state_dir.exists() and not world.socket.exists()


BAD_FLAGS = [("scope", "universe"), ("pools", "10.0.0.0/8:7"), ("pools", "10.0.0.0/8"), ("pools", "abc"),
             ("log_level", "loud"), ("log_format", "xml"), ("listen", "nothing://x"), ("listen", "unix://relative"),
             ("admin", "tcp://127.0.0.1:1"), ("state", "")]


@pytest.mark.parametrize("flag,value", BAD_FLAGS, ids=lambda v: v[:24])
def test_a_wrong_value_of_a_flag_is_named(world, flag, value):
    for more in (["--check-config"], []):
        daemon = world.spawn(*more, **{flag: value})
        assert daemon.wait_exit() == 2, daemon.output()
        output = daemon.output()
        assert f"--{flag.replace('_', '-')}" in output and (value in output or not value), output
        assert not world.socket.exists()


def test_a_socket_path_that_is_too_long_is_named(world):
    path = "/tmp" + "/x" * 60
    daemon = world.spawn(listen=f"unix://{path}")
    assert daemon.wait_exit() != 0
    assert path in daemon.output() and "107" in daemon.output()


def test_an_unknown_flag_is_named(world):
    daemon = world.spawn("--no-such-flag", "1")
    assert daemon.wait_exit() == 2
    assert "--no-such-flag" in daemon.output()


def test_a_flag_without_its_value_is_named(world):
    daemon = world.spawn("--scope")
    assert daemon.wait_exit() == 2
    assert "--scope" in daemon.output()


def test_flags_have_twins_in_the_environment_and_win_over_them(world):
    world.spawn(scope=None, environment={"VIADUCT_SCOPE": "global"}).wait_ready()
    assert world.client().call("NetworkDriver.GetCapabilities")["Scope"] == "global"
    assert world.daemon.terminate() == 0
    world.spawn(scope="local", environment={"VIADUCT_SCOPE": "global"}).wait_ready()
    assert world.client().call("NetworkDriver.GetCapabilities")["Scope"] == "local"
    assert world.daemon.terminate() == 0
    daemon = world.spawn(scope=None, environment={"VIADUCT_SCOPE": "universe"})
    assert daemon.wait_exit() == 2
    assert "scope" in daemon.output() and "universe" in daemon.output()


def test_an_empty_environment_twin_is_an_unset_one(world):
    """`docker plugin set VIADUCT_SCOPE=` and a settable entry without value both arrive empty."""
    world.spawn(environment={"VIADUCT_CLUSTER": "", "VIADUCT_LOG_LEVEL": "", "VIADUCT_POOLS": ""}).wait_ready()


README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_has_every_flag_and_its_twin(world):
    daemon = world.spawn("--help")
    assert daemon.wait_exit() == 0
    flags = set(re.findall(r"^ +(?:-\w,)?(--[a-z-]+)", daemon.output(), re.MULTILINE))
    table = README.partition("### Flags of viaductd")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `--")]
    assert flags == {flag for row, _ in rows for flag in re.findall(r"--[a-z-]+", row)}
    twins = {flag.strip(" `"): twin.strip(" `") for flag, twin in rows if twin.strip()}
    assert all(twin == "VIADUCT_" + flag[2:].upper().replace("-", "_") for flag, twin in twins.items()), twins
    for flag, twin in twins.items():  # each is read, and its value judged
        daemon = world.spawn("--check-config", environment={twin: "nothing://of-the-kind"}, **{flag[2:].replace("-", "_"): None})
        assert daemon.wait_exit() == 2, f"{twin} is not read"
    plugin = json.loads((ROOT / "plugin/config.json").read_text(encoding="utf-8"))
    assert {entry["name"] for entry in plugin["env"]} <= set(twins.values())


def test_a_list_of_sockets_may_stand_in_the_environment(world):
    second = world.folder / "second.sock"
    world.spawn(listen=None, environment={"VIADUCT_LISTEN": f"unix://{world.socket},unix://{second}"}).wait_ready(second)
    world.daemon.wait_ready(world.socket)


ADMIN = ("/v1/status", "/v1/networks", "/v1/endpoints", "/v1/pools", "/v1/addresses", "/v1/reservations", "/v1/export")


def test_the_admin_api_shows_what_there_is(running):
    client = running.client()
    for url in ADMIN:
        assert running.admin(url)[0] == 200, url
    network = Network(client, "10.50.0.0/24").create()
    endpoint, _ = network.joined()
    shown = {url: running.admin(url)[1] for url in ADMIN}
    status = shown["/v1/status"]
    assert (status["networks"], status["endpoints"], status["pools"], status["addresses"]) == (1, 1, 1, 2), status
    assert status["pid"] == running.daemon.pid and status["methods"]["NetworkDriver.Join"]["calls"] == 1
    (row,) = shown["/v1/networks"]["networks"]
    assert row["id"] == network.id and row["subnets"][0]["gateway"] == network.gateway
    (row,) = shown["/v1/endpoints"]["endpoints"]
    assert (row["id"], row["address"], row["mac"]) == (endpoint.id, endpoint.address, endpoint.mac)
    (row,) = shown["/v1/pools"]["pools"]
    assert (row["id"], row["pool"], row["refs"], row["used"]) == (network.pool_id, network.subnet, 1, 2)
    assert sorted(row["class"] for row in shown["/v1/addresses"]["addresses"]) == ["endpoint", "gateway"]


def test_the_admin_api_and_the_plugin_are_apart(running):
    assert running.admin("/v1/nothing")[0] == 404
    with Conn.to(running.admin_socket) as conn:
        assert conn.call("IpamDriver.RequestPool", pool_request()).status in (404, 405)
    assert running.state.counts()["pool"] == 0
