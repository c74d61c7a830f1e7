"""Scenario 31: foreign hosts on a pool's subnet, each in a namespace of its own beyond a veth pair, on the real daemon."""

import contextlib
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness import wait
from harness.calls import address_request, new_mac, pool_request

MAC = "52:54:00:12:34:56"
MANY = 32  # addresses of the host that answers for everybody


class Foreign:
    """A host on the other end of a link of the daemon's namespace."""

    def __init__(self, world, link):
        self.holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        own = os.readlink("/proc/self/ns/net")
        wait.until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != own
                   and Path(f"/proc/{self.holder.pid}/comm").read_text().strip() == "cat", "a namespace of its own")
        world.run("ip", "link", "add", link, "type", "veth", "peer", "name", "far0", "netns", str(self.holder.pid))
        world.run("ip", "link", "set", link, "up")
        self.run("ip", "link", "set", "far0", "address", MAC, "up")

    def run(self, *command):
        subprocess.run(["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *command], check=True, timeout=30)

    def take(self, *addresses):
        for address in addresses:
            self.run("ip", "addr", "add", address, "dev", "far0", *(["nodad"] if ":" in address else []))

    def end(self):
        self.holder.stdin.close()
        self.holder.wait(10)


@pytest.fixture
def foreign(world):
    """A foreign host on lan0, where this host has 10.91.0.254/24 and 2001:db8:91::fe/64."""
    made = Foreign(world, "lan0")
    world.run("ip", "addr", "add", "10.91.0.254/24", "dev", "lan0")
    world.run("ip", "addr", "add", "2001:db8:91::fe/64", "dev", "lan0", "nodad")
    yield made
    made.end()


@pytest.fixture
def caller(foreign, running):
    client = running.client()
    yield client
    client.close()


def pool_of(caller, subnet, **how):
    return caller.call("IpamDriver.RequestPool", pool_request(subnet, **how))["PoolID"]


def ask(caller, pool, address="", mac=None):
    answer = caller.call("IpamDriver.RequestAddress", address_request(pool, address, mac=mac or new_mac()))
    return answer["Address"].partition("/")[0]


def read(world, url):
    status, answer = world.admin(url)
    assert status == 200, answer
    return answer


def view(world, pool):
    return next(p for p in read(world, "/v1/pools")["pools"] if p["id"] == pool)


@contextlib.contextmanager
def within(seconds):
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


def test_an_address_that_a_foreign_host_has_is_passed(caller, foreign, running, ctl):
    """Scenario 31: also the very first request of a pool that was made a moment ago."""
    foreign.take("10.91.0.1/24", "10.91.0.3/24")
    with within(3.0):
        pool = pool_of(caller, "10.91.0.0/24")
        assert [ask(caller, pool) for _ in range(3)] == ["10.91.0.2", "10.91.0.4", "10.91.0.5"]
    (story,) = read(running, "/v1/address/10.91.0.3")["stories"]
    assert (story["state"], story["answered_by"]) == ("aside", MAC)
    assert story["answered_at"] < story["set_aside_until"]
    seen = view(running, pool)
    assert (seen["probe"], seen["watch"], seen["watch_detail"], seen["set_aside"]) == ("auto", "watched", "lan0", 2)
    assert read(running, "/v1/status")["set_aside"] == 2
    why = " ".join(ctl.text("address", "why", "10.91.0.3").split())
    assert f"Answered by a foreign host with MAC {MAC} at {story['answered_at']}; set aside until" in why
    aside = [row for row in ctl.json("address", "ls")["addresses"] if row["state"] == "aside"]
    assert [(row["address"], row["mac"]) for row in aside] == [("10.91.0.1", MAC), ("10.91.0.3", MAC)]
    shown = ctl.text("pool", "show", pool)
    assert "foreign hosts are looked for on lan0" in shown and "set aside" in shown
    wait.until(lambda: "a foreign host answers for an address of a pool" in running.daemon.output(), "a line in the log")


def test_ipv6_neighbours_are_foreign_hosts_too(caller, foreign, running):
    """Scenario 31, by neighbour discovery."""
    foreign.take("2001:db8:91::1/64", "2001:db8:91::2/64")
    pool = pool_of(caller, "2001:db8:91::/64", v6=True)
    assert ask(caller, pool) == "2001:db8:91::3"
    assert view(running, pool)["set_aside"] == 2


def test_a_named_address_is_given_with_a_warning(caller, foreign, running):
    """Scenario 31: whoever names an address decides."""
    foreign.take("10.91.0.1/24", "10.91.0.2/24")
    pool = pool_of(caller, "10.91.0.0/24")
    assert ask(caller, pool) == "10.91.0.3"
    assert ask(caller, pool, "10.91.0.2") == "10.91.0.2"
    assert "address given although a foreign host answers for it" in running.daemon.output()
    assert MAC in running.daemon.output()


def test_an_operator_ends_the_time_aside(caller, foreign, running, ctl):
    """Scenario 31: released by hand, and looked for again."""
    foreign.take("10.91.0.1/24")
    pool = pool_of(caller, "10.91.0.0/24", options={"policy": "lowest"})
    assert ask(caller, pool) == "10.91.0.2"
    foreign.run("ip", "addr", "flush", "dev", "far0")
    ctl.text("address", "release", "10.91.0.1")
    assert ask(caller, pool) == "10.91.0.1"
    assert "nobody holds" in ctl.refused("address", "release", "10.91.0.9")


def test_a_host_that_answers_for_everybody_is_not_believed(caller, foreign, running, ctl):
    """Scenario 31: proxy ARP must not empty a pool."""
    foreign.take(*(f"10.91.0.{i}/24" for i in range(1, MANY)))
    pool = pool_of(caller, "10.91.0.0/24")
    assert ask(caller, pool) == "10.91.0.1"
    assert view(running, pool)["disbelieved"] == [MAC]
    assert view(running, pool)["set_aside"] == 0
    assert f"{MAC} answers for many" in ctl.text("pool", "show", pool)


def test_a_pool_full_of_foreign_hosts_says_so(caller, foreign, running):
    """Scenario 31: the counts and the remedy."""
    foreign.take(*(f"10.91.0.{i}/24" for i in range(1, 6)))
    pool = pool_of(caller, "10.91.0.0/29")
    assert ask(caller, pool) == "10.91.0.6"
    sentence = caller.fails("IpamDriver.RequestAddress", address_request(pool, mac=new_mac()))
    assert "5 set aside because foreign hosts answer there" in str(sentence) and "probe=off" in str(sentence)


def test_probe_off_asks_nobody(caller, foreign, running):
    foreign.take("10.91.0.1/24")
    pool = pool_of(caller, "10.91.0.0/24", options={"probe": "off"})
    assert ask(caller, pool) == "10.91.0.1"
    assert view(running, pool)["watch_detail"] == "probe=off"
    sentence = caller.fails("IpamDriver.RequestPool", pool_request("10.92.0.0/24", options={"probe": "maybe"}))
    assert 'IPAM option probe=\\"maybe\\"' in str(sentence) or 'probe="maybe"' in str(sentence)


def test_a_bridge_of_containers_costs_nothing(caller, running):
    """Scenario 31: only where foreign hosts may be."""
    running.run("ip", "link", "add", "br7", "type", "bridge")
    running.run("ip", "addr", "add", "10.93.0.1/24", "dev", "br7")
    running.run("ip", "link", "set", "br7", "up")
    pool = pool_of(caller, "10.93.0.0/24")
    wait.until(lambda: view(running, pool)["watch"] == "none", "a look at the links")
    assert view(running, pool)["watch_detail"] == "only containers are on bridge br7"
    assert ask(caller, pool, mac=new_mac()) == "10.93.0.1"


def test_parallel_requests_get_addresses_that_nobody_has(caller, foreign, running):
    """Scenario 31, with calls side by side: each in time, none twice, none of a foreign host."""
    taken = {f"10.91.0.{i}" for i in (1, 4, 9, 16, 20)}
    foreign.take(*(f"{address}/24" for address in taken))
    pool = pool_of(caller, "10.91.0.0/24")

    def one(_):
        client = running.client()
        begun = time.monotonic()
        given = ask(client, pool)
        client.close()
        return given, time.monotonic() - begun

    with ThreadPoolExecutor(16) as threads:
        results = list(threads.map(one, range(48)))
    given = [address for address, _ in results]
    assert len(set(given)) == 48 and not taken & set(given)
    assert max(took for _, took in results) < 5
