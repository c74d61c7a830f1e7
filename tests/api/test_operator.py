"""What operators change and ask through viaductctl, on the real daemon."""

import datetime
import json
import sqlite3

import pytest
from harness.calls import GATEWAY, Network, address_request, new_mac, pool_request
from harness.http import error_sentence, post_json
from harness.world import World

NAME_OPTION = "com.docker.network.endpoint.name"


@pytest.fixture
def caller(running):
    client = running.client()
    yield client
    client.close()


def pool_of(caller, subnet, **how):
    return caller.call("IpamDriver.RequestPool", pool_request(subnet, **how))["PoolID"]


def bare(interface_address):
    return interface_address.partition("/")[0]


def ask(caller, pool, *, mac=None, name=None, address=""):
    """The address that an endpoint gets."""
    options = {NAME_OPTION: name} if name else None
    return bare(caller.call("IpamDriver.RequestAddress",
                            address_request(pool, address, mac=mac or new_mac(), options=options))["Address"])


def give_back(caller, pool, address):
    caller.call("IpamDriver.ReleaseAddress", {"PoolID": pool, "Address": address})


def held(ctl):
    return {row["address"]: row for row in ctl.json("address", "ls")["addresses"] if row["state"] == "held"}


def map_counts(ctl, pool):
    counts = {}
    for cell in ctl.json("pool", "show", pool)["cells"]:
        for state in ("size", "held", "quarantined", "retained", "reserved", "excluded", "free"):
            counts[state] = counts.get(state, 0) + cell.get(state, 0)
    return counts


# -- reservations


def test_a_reserved_address_goes_to_its_mac_alone(caller, ctl):
    pool, mac = pool_of(caller, "10.81.0.0/29"), new_mac()
    assert "10.81.0.3 of space local is reserved" in ctl.text("address", "reserve", "10.81.0.3", "--mac", mac)
    others = {ask(caller, pool) for _ in range(5)}
    assert others == {f"10.81.0.{i}" for i in (1, 2, 4, 5, 6)}
    caller.fails("IpamDriver.RequestAddress", address_request(pool, mac=new_mac()))
    assert ask(caller, pool, mac=mac) == "10.81.0.3"


def test_a_reserved_address_goes_to_its_name(caller, ctl):
    pool = pool_of(caller, "10.81.0.0/24")
    ctl.text("address", "reserve", "10.81.0.77", "--name", "db", "--note", "the database")
    assert ask(caller, pool, name="web") != "10.81.0.77"
    assert ask(caller, pool, name="db") == "10.81.0.77"
    (row,) = ctl.json("reservation", "ls")["reservations"]
    assert (row["address"], row["name"], row["note"]) == ("10.81.0.77", "db", "the database")
    assert "the database" in ctl.text("reservation", "ls")


def test_reservations_survive_a_restart(running, ctl):
    mac = new_mac()
    ctl.text("address", "reserve", "10.81.0.77", "--mac", mac)
    running.restart()
    client = running.client()
    pool = pool_of(client, "10.81.0.0/24")
    assert ask(client, pool, mac=mac) == "10.81.0.77"
    client.close()


def test_an_address_that_is_unreserved_is_for_everybody(caller, ctl):
    pool = pool_of(caller, "10.81.0.0/30")
    ctl.text("address", "reserve", "10.81.0.1", "--name", "a")
    assert ask(caller, pool) == "10.81.0.2"
    ctl.text("address", "unreserve", "10.81.0.1")
    ctl.text("address", "unreserve", "10.81.0.1")
    assert ctl.json("reservation", "ls") == {"reservations": []}
    assert ask(caller, pool) == "10.81.0.1"


def test_a_file_of_reservations_is_taken_whole_or_not(running, ctl, tmp_path):
    good = [{"address": "10.81.0.7", "mac": new_mac()}, {"address": "fd00:81::7", "name": "db", "space": "local"}]
    file = tmp_path / "reservations.json"
    for bad in ({"address": "10.81.0.8"}, {"address": "10.81.0.8", "name": "x", "owner": "x"},
                {"address": "10.81.0.7", "name": "twice"}, {"address": "10.81.0.8", "name": "x", "space": "nowhere"}):
        file.write_text(json.dumps([*good, bad]))
        ctl.refused("address", "reserve", "--file", file)
        assert ctl.json("reservation", "ls") == {"reservations": []}, bad
    file.write_text(json.dumps(good))
    ctl.text("address", "reserve", "--file", file)
    listed = ctl.json("reservation", "ls")
    assert [row["address"] for row in listed["reservations"]] == ["10.81.0.7", "fd00:81::7"]
    # What is listed can be given back, here through standard input.
    for row in listed["reservations"]:
        ctl.text("address", "unreserve", row["address"])
    ctl.text("address", "reserve", "--file", "-", input=json.dumps(listed))
    assert [row["address"] for row in ctl.json("reservation", "ls")["reservations"]] == ["10.81.0.7", "fd00:81::7"]


# -- release


def test_release_frees_what_nothing_uses(caller, ctl):
    pool = pool_of(caller, "10.82.0.0/30")
    first, second = ask(caller, pool), ask(caller, pool)
    ctl.text("address", "release", first)
    assert set(held(ctl)) == {second}
    assert ask(caller, pool) == first
    assert "nobody holds" in ctl.refused("address", "release", "10.82.0.3")


def test_release_ends_a_rest(caller, ctl):
    pool = pool_of(caller, "10.82.0.0/24")
    address = ask(caller, pool)
    give_back(caller, pool, address)
    assert [row["state"] for row in ctl.json("address", "ls")["addresses"]] == ["resting"]
    ctl.text("address", "release", address)
    assert ctl.json("address", "ls") == {"addresses": []}


def test_release_refuses_what_is_in_use_and_gateways(caller, ctl):
    network = Network(caller, "10.82.0.0/24").create()
    endpoint, _ = network.joined()
    assert endpoint.id[:12] in ctl.refused("address", "release", bare(endpoint.address))
    ctl.refused("address", "release", bare(network.gateway))
    assert set(held(ctl)) == {bare(endpoint.address), bare(network.gateway)}


# -- why


def test_why_says_who_uses_an_address(caller, ctl):
    network = Network(caller, "10.83.0.0/24").create()
    endpoint, _ = network.joined()
    address = bare(endpoint.address)
    (story,) = ctl.json("address", "why", address)["stories"]
    assert (story["state"], story["class"], story["mac"]) == ("held", "endpoint", endpoint.mac)
    assert endpoint.id[:12] in story["bound_to"] and not story["orphan"]
    text = " ".join(ctl.text("address", "why", address).split())
    assert f"Held for an endpoint (MAC {endpoint.mac})" in text and f"In use by endpoint {endpoint.id[:12]}" in text
    assert "a network's gateway" in ctl.text("address", "why", bare(network.gateway))


def test_why_tells_an_orphan_and_another_drivers_address(caller, ctl):
    network = Network(caller, "10.83.0.0/24").create()
    orphan = ask(caller, network.pool_id)
    assert "orphan" in ctl.text("address", "why", orphan)
    foreign = ask(caller, pool_of(caller, "10.83.1.0/24"))
    assert "another driver" in " ".join(ctl.text("address", "why", foreign).split())


def make_older(world, address, seconds):
    """The address has been held for so much longer. The daemon must not run."""
    (row,) = [row for row in world.state.rows("address") if row["address"] == address]
    value = json.loads(row["value"])
    since = datetime.datetime.fromisoformat(value["since"]) - datetime.timedelta(seconds=seconds)
    value["since"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    db = sqlite3.connect(world.state.path)
    try:
        with db:
            db.execute("UPDATE address SET value = ? WHERE key = ?", (json.dumps(value), row["key"]))
    finally:
        db.close()


def test_status_counts_orphans_that_are_ten_minutes_old(running, caller, ctl):
    network = Network(caller, "10.83.0.0/24").create()
    endpoint, _ = network.joined()
    orphan = ask(caller, network.pool_id)
    foreign = ask(caller, pool_of(caller, "10.83.1.0/24"))
    assert ctl.json("status")["orphans"] == 0
    assert "orphaned" not in ctl.text("status")
    caller.close()
    assert running.daemon.terminate() == 0
    for address in (orphan, foreign):
        make_older(running, address, 601)
    running.start()
    assert ctl.json("status")["orphans"] == running.admin("/v1/status")[1]["orphans"] == 1
    assert "1 orphaned: their endpoints are gone (see viaductctl address why)" in ctl.text("status")


def test_why_tells_every_state_of_what_is_not_held(caller, ctl):
    pool = pool_of(caller, "10.84.0.0/24", sub_pool="10.84.0.128/25", options={"exclude": "10.84.0.200"})
    address = ask(caller, pool, name="web")
    give_back(caller, pool, address)
    ctl.text("address", "reserve", "10.84.0.150", "--name", "db", "--note", "the database")
    ctl.text("address", "reserve", "10.99.0.1", "--name", "later")
    told = {address: "In quarantine", "10.84.0.0": "Never given", "10.84.0.200": "excluded",
            "10.84.0.9": "outside of the range", "10.84.0.140": "Free.", "10.84.0.150": "Reserved for name db: the database.",
            "10.99.0.1": "No pool of this space has it now. Reserved for name later.", "10.99.0.2": "gives it to nobody"}
    for which, words in told.items():
        text = ctl.text("address", "why", which)
        assert words in " ".join(text.split()), (which, text)
        assert max(map(len, text.splitlines())) <= 80


def test_why_tells_each_space(caller, ctl):
    pool_of(caller, "10.84.0.0/24")
    pool_of(caller, "10.84.0.0/24", space="global")
    assert [story["space"] for story in ctl.json("address", "why", "10.84.0.9")["stories"]] == ["global", "local"]
    assert [story["space"] for story in ctl.json("address", "why", "10.84.0.9", "--space", "local")["stories"]] == ["local"]


# -- the map


def test_the_map_agrees_with_the_addresses(caller, ctl):
    pool = pool_of(caller, "10.85.0.0/24", options={"exclude": "10.85.0.200-10.85.0.209"})
    caller.call("IpamDriver.RequestAddress", address_request(pool, options=GATEWAY))
    given = [ask(caller, pool) for _ in range(9)]
    for address in given[:4]:
        give_back(caller, pool, address)
    ctl.text("address", "reserve", "10.85.0.100", "--name", "db")
    counts = map_counts(ctl, pool)
    shown = ctl.json("pool", "show", pool)
    states = [row["state"] for row in ctl.json("address", "ls", "--pool", pool)["addresses"]]
    assert counts["held"] == shown["used"] == states.count("held") == 6
    assert counts["quarantined"] + counts.get("retained", 0) == shown["resting"] == states.count("resting") == 4
    assert counts["reserved"] == shown["reserved"] == 1
    assert counts["excluded"] == shown["excluded"] == 10
    assert counts["free"] == 254 - 6 - 4 - 1 - 10
    drawn = ctl.text("pool", "show", pool).split("\n\n")[2]
    cells = "".join(line.split()[1] for line in drawn.splitlines())
    assert {mark: cells.count(mark) for mark in "#qrx."} == {"#": 6, "q": 4, "r": 1, "x": 10, ".": 254 - 21}


@pytest.mark.parametrize("subnet", ["10.86.0.0/16", "10.0.0.0/8", "fd00:86::/64", "fd00::/8", "10.86.0.4/32"])
def test_pools_of_every_size_have_a_map(caller, ctl, subnet):
    pool = pool_of(caller, subnet)
    ask(caller, pool)
    text = ctl.text("pool", "show", pool)
    assert max(map(len, text.splitlines())) <= 80
    drawn = text.split("\n\n")[2].splitlines()
    assert len(drawn) <= 33 and sum(line.split()[1].count(".") for line in drawn) == sum(
        len(line.split()[1]) for line in drawn) - 1
    assert map_counts(ctl, pool)["held"] == 1


def test_a_map_of_an_unknown_pool_is_not_found(running):
    status, answer = running.admin("/v1/pool-map/64/local/10.1.0.0/24")
    assert status == 404 and "10.1.0.0/24" in answer["Err"]
    for cells in ("0", "65537", "x", "-1"):
        assert running.admin(f"/v1/pool-map/{cells}/local/10.1.0.0/24")[0] == 400, cells


# -- export and import


def test_an_export_makes_a_fresh_daemon_give_the_same_addresses(running, caller, ctl, tmp_path):
    mac, resting, reserved = new_mac(), new_mac(), new_mac()
    pool = pool_of(caller, "10.87.0.0/24", options={"policy": "lowest"})
    address = ask(caller, pool, mac=mac)
    former = ask(caller, pool, mac=resting)
    give_back(caller, pool, former)
    ctl.text("address", "reserve", "10.87.0.99", "--mac", reserved)
    file = tmp_path / "export.json"
    file.write_text(ctl.text("export"))
    with World() as other:
        other.start()
        other_ctl = type(ctl)(other.admin_socket)
        other_ctl.text("import", file)
        other_ctl.text("import", "-", input=file.read_text())  # once more is the same
        client = other.client()
        assert pool_of(client, "10.87.0.0/24", options={"policy": "lowest"}) == pool
        assert ask(client, pool, mac=reserved) == "10.87.0.99"
        assert ask(client, pool, mac=resting) == former
        assert ask(client, pool, mac=new_mac()) not in (address, former, "10.87.0.99")
        assert held(other_ctl)[address]["mac"] == mac
        other.restart()
        assert address in held(other_ctl)
        client.close()


def test_an_import_that_contradicts_changes_nothing(running, caller, ctl):
    pool = pool_of(caller, "10.88.0.0/24")
    ask(caller, pool, address="10.88.0.5")
    whole = ctl.json("export")
    with World() as other:
        other.start()
        other_ctl = type(ctl)(other.admin_socket)
        client = other.client()
        pool_of(client, "10.88.0.0/16")
        before = other_ctl.json("export")
        whole["pools"].insert(0, {**whole["pools"][0], "id": "local/10.99.0.0/24", "pool": "10.99.0.0/24"})
        assert "10.88.0.0/16" in other_ctl.refused("import", "-", input=json.dumps(whole))
        after = other_ctl.json("export")
        assert {**before, "exported": ""} == {**after, "exported": ""}
        other.restart()
        again = other_ctl.json("export")
        assert {**before, "exported": ""} == {**again, "exported": ""}
        client.close()


@pytest.mark.parametrize("text", ["", "[]", "{}", "{\"format\":", "{\"format\": \"other\", \"version\": 1}"])
def test_what_is_no_export_is_refused(running, ctl, text):
    ctl.refused("import", "-", input=text)
    assert ctl.json("address", "ls") == {"addresses": []}


# -- the API itself


CHANGES = ("/v1/reservations", "/v1/reservations/remove", "/v1/addresses/release", "/v1/import", "/v1/pools/remove")


@pytest.mark.parametrize("url", CHANGES)
def test_changes_take_an_object_of_known_members(running, url):
    for body in (b"", b"[]", b"text", b"{}", {"surprise": 1}, {"address": 7}, {"address": "10.0.0.1", "surprise": 1}):
        reply = post_json(running.admin_socket, url, body)
        assert reply.status == 400, (body, reply.body)
        error_sentence(reply)


def test_verbs_have_their_paths(running):
    assert post_json(running.admin_socket, "/v1/pools", {}).status == 405
    assert post_json(running.admin_socket, "/v1/nothing", {}).status == 404
    assert running.admin("/v1/import")[0] == 405
    assert running.admin("/v1/reservations")[0] == 200
    assert running.admin("/v1/address/10.0.0.0/8")[0] == 400


def test_an_import_may_be_larger_than_a_plugin_call(running):
    padding = {"format": "other", "note": "x" * (3 << 20)}
    reply = post_json(running.admin_socket, "/v1/import", padding)
    assert reply.status == 400 and "export" in error_sentence(reply)


def test_every_change_leaves_a_line_in_the_log(running, ctl):
    ctl.text("address", "reserve", "10.89.0.7", "--name", "db")
    ctl.refused("address", "release", "10.89.0.8")
    log = running.daemon.stdout()
    reserve = next(line for line in log.splitlines() if "operator: reserve" in line)
    assert "local/10.89.0.7" in reserve and "outcome=ok" in reserve
    release = next(line for line in log.splitlines() if "operator: release" in line)
    assert "10.89.0.8" in release and "outcome=not_found" in release.lower()


# -- networks


def test_a_network_that_the_engine_forgot_is_removed_with_its_pool(running, caller, ctl):
    network = Network(caller, "10.87.0.0/24").create()
    other = Network(caller, "10.87.0.0/24")
    other.allocate()
    assert "viaductctl network rm" in caller.fails("NetworkDriver.CreateNetwork", other.creation())
    caller.call("IpamDriver.ReleaseAddress", {"PoolID": other.pool_id, "Address": bare(other.gateway)})
    caller.call("IpamDriver.ReleasePool", {"PoolID": other.pool_id})
    ctl.text("network", "rm", network.id[:12])
    assert running.state.counts() == {"network": 0, "endpoint": 0, "pool": 0, "address": 0}
    Network(caller, "10.87.0.0/24").create()


def test_a_network_with_a_living_endpoint_is_not_removed(running, caller, ctl):
    network = Network(caller, "10.88.0.0/24").create()
    endpoint = network.endpoint()
    assert endpoint.id[:12] in ctl.refused("network", "rm", network.id)
    assert [row["key"] for row in running.state.rows("network")] == [network.id]
    assert [row["key"] for row in running.state.rows("pool")] == ["local/10.88.0.0/24"]


# -- pools


def test_a_pool_that_no_network_has_is_removed_with_what_rests_in_it(running, caller, ctl):
    pool = pool_of(caller, "10.90.0.0/24")
    caller.call("IpamDriver.RequestAddress", address_request(pool, options=GATEWAY))
    give_back(caller, pool, ask(caller, pool))
    running.restart()
    assert "pool local/10.90.0.0/24 is removed" in ctl.text("pool", "rm", "10.90")
    assert running.state.counts() == {"network": 0, "endpoint": 0, "pool": 0, "address": 0}
    ctl.refused("pool", "rm", "10.90")


def test_a_pool_in_use_is_not_removed(running, caller, ctl):
    network = Network(caller, "10.91.0.0/24").create()
    assert network.id[:12] in ctl.refused("pool", "rm", "10.91", "--with-addresses")
    foreign = pool_of(caller, "10.92.0.0/24")
    address = ask(caller, foreign)
    assert "1 addresses of pool" in ctl.refused("pool", "rm", "10.92")
    assert address in held(ctl)
    ctl.text("pool", "rm", "10.92", "--with-addresses")
    assert [row["key"] for row in running.state.rows("pool")] == ["local/10.91.0.0/24"]
    assert address not in held(ctl)


# -- what else forwards


def test_others_chains_are_told_as_they_are_now(running):
    def chains():
        status, answer = running.admin("/v1/forwarding")
        assert status == 200
        return answer["chains"]

    assert chains() == []
    running.run("nft", "add table inet own; add chain inet own f { type filter hook forward priority 5; policy drop; }")
    assert chains() == [
        {"family": "inet", "table": "own", "chain": "f", "refuses": True, "lets_pass": False, "jumps": False}]
