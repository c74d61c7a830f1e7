"""viaductctl against the real daemon: every command, as text and as JSON, and the exit codes."""

import json
import socket
import subprocess

import pytest
from harness import wait
from harness.calls import Network, new_id
from harness.ctl import program, run

LISTS = {
    "networks": ("network", "ls"),
    "endpoints": ("endpoint", "ls"),
    "pools": ("pool", "ls"),
    "addresses": ("address", "ls"),
}


@pytest.fixture
def two_networks(running):
    """A network with two endpoints, one of them joined, and an empty one."""
    client = running.client()
    full = Network(client, "10.80.0.0/24", generic={"mtu": "1400"}).create()
    empty = Network(client, "10.80.1.0/24").create()
    joined, _ = full.joined()
    created = full.endpoint()
    yield full, empty, joined, created
    client.close()


def rows(table):
    """The lines below the heading, cut into words."""
    return [line.split() for line in table.splitlines()[1:]]


# -- answers


def test_status_shows_the_daemon_that_runs(running, ctl):
    shown = ctl.json("status")
    assert shown["pid"] == running.daemon.pid
    assert shown["state"] == str(running.state_dir)
    assert f"unix://{running.socket}" in ctl.text("status")
    assert "NetworkDriver.GetCapabilities" in ctl.text("status")


def test_json_of_a_list_is_the_daemons_answer(running, two_networks, ctl):
    for key, words in LISTS.items():
        status, answer = running.admin(f"/v1/{key}")
        assert status == 200 and answer[key], key
        assert ctl.json(*words) == answer


def test_network_ls_counts_endpoints_and_shortens_ids(two_networks, ctl):
    full, empty, _, _ = two_networks
    shown = {row[0]: row for row in rows(ctl.text("network", "ls"))}
    assert shown[full.id[:12]][1:] == ["bridge", f"vd-{full.id[:12]}", "1400", "2", "10.80.0.0/24"]
    assert shown[empty.id[:12]][4:] == ["0", "10.80.1.0/24"]
    whole = ctl.text("network", "ls", "--no-trunc")
    assert full.id in whole and empty.id in whole


def test_network_show_takes_the_beginning_of_an_id(two_networks, ctl):
    full, _, joined, created = two_networks
    text = ctl.text("network", "show", full.id[:20])
    assert full.id in text and "mtu=1400" in text
    assert "10.80.0.0/24, gateway 10.80.0.1, space local" in text
    assert joined.id[:12] in text and created.id[:12] in text
    assert ctl.json("network", "show", full.id)["id"] == full.id


def test_endpoint_ls_of_one_network(two_networks, ctl):
    full, empty, joined, created = two_networks
    shown = {row[0]: row for row in rows(ctl.text("endpoint", "ls", "--network", full.id[:12]))}
    assert set(shown) == {joined.id[:12], created.id[:12]}
    assert shown[joined.id[:12]][1:4] == [full.id[:12], joined.address.partition("/")[0], joined.mac]
    assert ctl.json("endpoint", "ls", "--network", empty.id) == {"endpoints": []}


def test_pool_ls_and_show_count_what_is_held(two_networks, ctl):
    full, empty, _, _ = two_networks
    shown = {row[0]: row for row in rows(ctl.text("pool", "ls"))}
    assert set(shown) == {full.pool_id, empty.pool_id}
    pool = ctl.json("pool", "show", full.pool_id)
    assert pool["used"] == 3 and pool["capacity"] == 254
    text = ctl.text("pool", "show", "10.80.0.0")
    assert "3 of 254, 1.2 %" in text
    assert "2 endpoint, 1 gateway" in text
    assert "\n10.80.0." in text and text.count("#") == 1 + 3 + text.split("[")[1].split("]")[0].count("#")  # legend, map, bar


def test_address_ls_of_one_pool(two_networks, ctl):
    full, empty, joined, created = two_networks
    shown = rows(ctl.text("address", "ls", "--pool", full.pool_id))
    held = {row[0]: row[1:3] for row in shown}
    assert held == {"10.80.0.1": ["held", "gateway"], joined.address.partition("/")[0]: ["held", "endpoint"],
                    created.address.partition("/")[0]: ["held", "endpoint"]}
    only = ctl.json("address", "ls", "--pool", empty.pool_id)["addresses"]
    assert [(a["address"], a["class"]) for a in only] == [("10.80.1.1", "gateway")]


def test_every_table_fits_eighty_columns(two_networks, ctl):
    for words in [*LISTS.values(), ("network", "show", two_networks[0].id), ("pool", "show", "10.80.0")]:
        assert max(map(len, ctl.text(*words).splitlines())) <= 80, words


def test_empty_daemon_gives_headings_alone(running, ctl):
    for key, words in LISTS.items():
        assert ctl.text(*words).count("\n") == 1
        assert ctl.json(*words) == {key: []}


# -- where the socket is named


def test_socket_may_be_named_by_the_environment(running):
    done = run("status", "--json", environment={"VIADUCT_ADMIN": f"unix://{running.admin_socket}"})
    assert done.returncode == 0 and json.loads(done.stdout)["pid"] == running.daemon.pid


# -- exit codes


@pytest.mark.parametrize("words", [("network", "show"), ("endpoint", "ls", "--network"), ("pool", "show"),
                                   ("address", "ls", "--pool")])
def test_unknown_id_is_trouble(two_networks, ctl, words):
    done = ctl.run(*words, "zz" + new_id())
    assert done.returncode == 1 and done.stdout == ""
    assert "has an id that begins with" in done.stderr and done.stderr.count("\n") == 1


def test_ambiguous_id_is_trouble_and_names_the_matches(two_networks, ctl):
    full, empty, _, _ = two_networks
    done = ctl.run("pool", "show", "local/10.80.")
    assert done.returncode == 1 and done.stdout == ""
    assert full.pool_id in done.stderr and empty.pool_id in done.stderr


@pytest.mark.parametrize("words", [(), ("frob",), ("network",), ("network", "show"), ("status", "--frob"),
                                   ("status", "--socket", "/no/scheme"), ("pool", "show", "a", "b"),
                                   ("address", "why", "10.0.0.0/8"), ("address", "reserve", "10.0.0.2"),
                                   ("address", "release", "10.0.0"), ("import",)])
def test_mistakes_are_usage(words):
    done = run(*words)
    assert done.returncode == 2 and done.stdout == "" and done.stderr


def test_help_and_version_end_well():
    assert run("--help").returncode == 0
    version = run("--version")
    assert version.returncode == 0 and version.stdout.startswith("viaductctl ")


def test_daemon_away_is_said_with_the_socket_and_the_reason(world, ctl):
    for words in [("status",), *LISTS.values(), ("network", "show", "a"), ("pool", "show", "a")]:
        done = ctl.run(*words)
        assert done.returncode == 3 and done.stdout == "", done
        assert ctl.socket in done.stderr and "No such file" in done.stderr and "start viaductd" in done.stderr


def test_daemon_killed_leaves_a_socket_that_refuses(running, ctl):
    running.daemon.kill()
    done = ctl.run("status")
    assert done.returncode == 3
    assert "Connection refused" in done.stderr


def test_someone_else_answering_is_not_taken_for_viaductd(world, ctl):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(world.admin_socket))
        listener.listen(8)
        process = subprocess.Popen([str(program()), "--socket", ctl.socket, "status"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        listener.settimeout(10)
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(10)
            request = b""
            while b"\r\n\r\n" not in request:
                request += peer.recv(4096)
            assert request.startswith(b"GET /v1/status HTTP/1.1\r\n")
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
            out, err = process.communicate(timeout=20)
    assert process.returncode == 1 and out == ""
    assert "is it viaduct's admin socket?" in err


def test_daemon_starting_again_is_found_again(running, ctl):
    before = ctl.json("status")
    running.restart()
    after = wait.until(lambda: ctl.json("status"), "an answer")
    assert after["instance"] == before["instance"] and after["pid"] != before["pid"]
