"""`viaductctl fsck`: what somebody did to links, addresses and rules behind viaductd's back is said, and mended."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness import wait
from harness.calls import Network


def bridge_of(network):
    return f"vd-{network.id[:12]}"


def host_link(endpoint):
    return f"ve{endpoint.id[:13]}"


def check(ctl, *words):
    done = ctl.run("fsck", "--json", *words)
    assert done.stderr == "", done
    answer = json.loads(done.stdout)
    assert (done.returncode == 0) == (answer["findings"] == []), done
    return answer


def texts(findings):
    return sorted(f"{one['kind']}: {one['text']}" for one in findings)


@pytest.fixture
def pair(running):
    """A network and an endpoint that its container has joined."""
    network = Network(running.client(), "10.50.0.0/24").create()
    endpoint, _ = network.joined()
    yield network, endpoint
    network.caller = running.client()
    network.remove_endpoint(endpoint)
    network.remove()


DAMAGES = {
    "bridge down": (["ip", "link", "set", "{bridge}", "down"], ["bridge: bridge {bridge} is down"]),
    "other MTU": (["ip", "link", "set", "{bridge}", "mtu", "1400"], ["bridge: bridge {bridge} has MTU 1400, not 1500"]),
    "address gone": (["ip", "addr", "del", "10.50.0.1/24", "dev", "{bridge}"], ["address: address 10.50.0.1/24 is missing on bridge {bridge}"]),
    "port detached": (["ip", "link", "set", "{host}", "nomaster"], ["endpoint: link {host} is no port of bridge {bridge}"]),
    "port down": (["ip", "link", "set", "{host}", "down"], ["endpoint: link {host} is down"]),
    "stray link": (["sh", "-c", "ip link add stray0 group 30308 type bridge && ip link set stray0 alias viaduct/{instance}/network/" + "f" * 64],
                   ["link: it is marked as a bridge of network ffffffffffff, which is not on record"]),
    "bridge gone": (["ip", "link", "del", "{bridge}"], ["bridge: bridge {bridge} is missing"]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_said_and_mended(running, ctl, pair, damage):
    network, endpoint = pair
    names = {"bridge": bridge_of(network), "host": host_link(endpoint), "instance": running.admin("/v1/status")[1]["instance"]}
    assert check(ctl) == {"findings": [], "repaired": []}
    command, expected = DAMAGES[damage]
    before = running.kernel()
    running.run(*(word.format(**names) for word in command))
    found = check(ctl)["findings"]
    assert texts(found) == [text.format(**names) for text in expected]
    assert texts(check(ctl)["findings"]) == texts(found), "looking changed something"
    mended = check(ctl, "--repair")
    assert mended["findings"] == [] and texts(mended["repaired"]) == texts(found)
    running.wait_reaped()
    assert running.kernel() == before
    assert ctl.text("fsck") == "state, kernel and rules agree\n"


def test_links_that_went_with_their_sandbox(running, ctl, pair):
    """Scenario 55."""
    _, endpoint = pair
    running.run("ip", "link", "del", host_link(endpoint))
    done = ctl.run("fsck")
    assert done.returncode == 1
    assert f"its link {host_link(endpoint)} is gone, and with it its container's sandbox" in done.stdout
    assert "1 difference; viaductctl fsck --repair" in done.stdout
    assert check(ctl, "--repair")["findings"] == []
    assert running.state.rows("endpoint") == []


def test_what_a_repair_cannot_mend_stays_said(running, ctl, pair):
    network, _ = pair
    running.run("ip", "addr", "add", "10.99.0.1/24", "dev", bridge_of(network))
    for words in ((), ("--repair",)):
        answer = check(ctl, *words)
        assert texts(answer["findings"]) == [f"address: bridge {bridge_of(network)} has address 10.99.0.1/24, which is not viaduct's"]
    running.run("ip", "addr", "del", "10.99.0.1/24", "dev", bridge_of(network))


def test_foreign_elements_in_the_tables_are_said(running, ctl, pair):
    """What is not put right by the keeper in the meantime, who watches the rules and is quick."""
    running.run("nft", "add", "element", "inet", "viaduct", "bridges", "{", '"eth9"', "}")
    wait.until(lambda: check(ctl)["findings"] == [], "the rules as they were")


def test_a_busy_daemon_is_not_a_damaged_one(running, ctl):
    client = running.client()
    for _ in range(20):
        network = Network(client, "10.51.0.0/24").create()
        endpoint, _ = network.joined()
        assert check(ctl)["findings"] == []
        network.remove_endpoint(endpoint)
        network.remove()


def test_calls_at_work_meanwhile_are_no_differences(running, ctl):
    stop = threading.Event()
    rounds = []

    def work(subnet):
        caller = running.client()
        while not stop.is_set():
            network = Network(caller, subnet).create()
            endpoint, _ = network.joined()
            network.remove_endpoint(endpoint)
            network.remove()
            rounds.append(subnet)

    with ThreadPoolExecutor() as pool:
        workers = [pool.submit(work, f"10.{n}.0.0/24") for n in (52, 53, 54)]
        try:
            looks = [check_busy(ctl) for _ in range(40)]
        finally:
            stop.set()
        for worker in workers:
            worker.result()
    assert [texts(findings) for findings in looks if findings] == []
    assert len(rounds) >= 3, "nothing was at work"
    assert check(ctl)["findings"] == []


def check_busy(ctl):
    """Differences, without what could not be looked at now."""
    return [one for one in check(ctl)["findings"] if one["kind"] != "busy"]


def test_doctor_tells_of_a_state_folder_that_others_may_write_to(running, ctl):
    def said():
        return [one for one in json.loads(ctl.run("doctor", "--json").stdout)["advice"] if "state folder" in one["text"]]

    folder = Path(running.admin("/v1/status")[1]["state"])
    assert said() == []
    folder.chmod(0o777)
    assert said() == [{"level": "warning", "text": "others may write to the state folder (mode 0777)", "remedy": f"chmod 0700 {folder}"}]


def test_doctor_tells_of_the_daemon_and_of_its_absence(running, ctl):
    def advice():
        done = ctl.run("doctor", "--json")
        return done.returncode, {one["text"]: one for one in json.loads(done.stdout)["advice"]}

    _, said = advice()
    assert any(text.startswith("viaductd") and text.endswith("answers") for text in said)
    assert said["state, kernel and rules agree"]["level"] == "ok"
    running.daemon.terminate()
    code, said = advice()
    assert code == 1
    assert next(iter(said)).startswith("viaductd does not answer") and next(iter(said.values()))["remedy"]
