"""What was answered is kept; what cannot be read or written is said, and never guessed."""

import os
import shutil
import sqlite3
import threading
import time

import pytest
from harness import wait
from harness.calls import Network, address_request, new_mac, pool_request
from harness.http import Conn, encode, error_sentence, request_bytes

DOCKER_DEADLINE = 10.0  # seconds within which every call is answered


@pytest.fixture
def client(running):
    return running.client()


@pytest.mark.parametrize("beforehand", ["nothing", "an empty folder"])
def test_a_missing_state_folder_is_a_first_start(world, beforehand):
    """Scenarios 22 and 23: there is nothing to lose. An empty folder is what a managed plugin's mount begins with."""
    if beforehand == "an empty folder":
        world.state_dir.mkdir(mode=0o755)
    world.start()
    assert world.state.path.is_file()
    assert os.stat(world.state.path).st_mode & 0o077 == 0
    if beforehand == "nothing":
        assert os.stat(world.state_dir).st_mode & 0o077 == 0


def test_a_state_folder_without_its_parent_is_refused(world):
    """Scenario 23: a disk that is not mounted must not be taken for a first start, with another state once it is."""
    lost = world.folder / "not-mounted" / "viaduct"
    daemon = world.spawn(state=lost)
    assert daemon.wait_exit() not in (0, None)
    assert str(lost.parent) in daemon.output()
    assert not lost.parent.exists() and not world.socket.exists()


def test_nothing_answered_is_lost_by_kill_nine(running, client):
    """Every kind of promise, each followed by kill -9 at once."""
    network = Network(client, "10.50.0.0/24")

    def survives(step):
        value = step()
        before = running.state.dump()
        client.close()
        running.restart("kill")
        assert running.state.dump() == before
        return value

    survives(network.allocate)
    survives(lambda: client.call("NetworkDriver.CreateNetwork", network.creation()))
    endpoint = survives(network.endpoint)
    answer = survives(lambda: client.call("NetworkDriver.Join", endpoint.joining()))
    assert answer["InterfaceName"]["SrcName"] in running.links()
    assert client.call("NetworkDriver.Join", endpoint.joining()) == answer
    survives(lambda: client.call("NetworkDriver.Leave", endpoint.ids))
    survives(lambda: client.call("NetworkDriver.DeleteEndpoint", endpoint.ids))
    survives(lambda: client.call("IpamDriver.ReleaseAddress", endpoint.releasing()))
    survives(network.remove)
    assert running.state.counts() == {"network": 0, "endpoint": 0, "pool": 0, "address": 0}
    assert running.own_links() == []


def test_kill_nine_under_load_loses_nothing_that_was_answered(running):
    promised = []

    def ask(worker):
        try:
            client = running.client()
            for number in range(200):
                promised.append(client.call("IpamDriver.RequestPool", pool_request(f"10.{worker + 100}.{number}.0/24"))["PoolID"])
        except Exception:  # noqa: BLE001 - the daemon is killed in the middle of this
            return

    workers = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for worker in workers:
        worker.start()
    wait.until(lambda: len(promised) > 100, "a load")
    running.daemon.kill()
    for worker in workers:
        worker.join(20)
    answered = set(promised)
    running.start()
    assert answered <= {row["key"] for row in running.state.rows("pool")}


def test_the_kernel_is_repaired_from_the_store_at_start(running, client):
    network = Network(client, "10.50.0.0/24").create()
    bridge = f"vd-{network.id[:12]}"
    running.daemon.kill()
    running.run("ip", "link", "del", bridge)
    running.run("nft", "delete", "table", "inet", "viaduct", check=False)
    running.start()
    assert running.addresses(bridge) == [network.gateway]
    assert running.run("nft", "list", "table", "inet", "viaduct").stdout


def test_containers_removed_while_away_give_their_addresses_back(running, client):
    """Their pairs went with their sandboxes, and no call will come for them."""
    network = Network(client, "10.50.0.0/29").create()
    peers = [network.joined(address=address)[1]["InterfaceName"]["SrcName"] for address in ("10.50.0.3", "10.50.0.4")]
    kept, _ = network.joined(address="10.50.0.5")
    client.close()
    running.daemon.kill()
    for peer in peers:
        running.run("ip", "link", "del", peer)
    running.start()
    assert running.state.counts()["endpoint"] == 1
    assert network.endpoint("10.50.0.3").address == "10.50.0.3/29", "as --ip asks for it"
    assert {network.endpoint().address for _ in range(3)} == {f"10.50.0.{n}/29" for n in (2, 4, 6)}
    client.fails("IpamDriver.RequestAddress", address_request(network.pool_id, "10.50.0.5", mac=new_mac()))
    network.remove_endpoint(kept)


def filled(world):
    """Ends a daemon whose state has grown over several pages; the path of the file."""
    client = world.client()
    for number in range(5):
        Network(client, f"10.50.{number}.0/24").create()
    for number in range(60):
        client.call("IpamDriver.RequestPool", pool_request(f"10.51.{number}.0/24"))
    assert world.daemon.terminate() == 0
    return world.state_dir / "state.db"


def refuses(world, *, saying=None):
    """viaductd will not start, says what it is about and what to do, and leaves the file alone."""
    path = world.state_dir / "state.db"
    before = path.read_bytes() if path.is_file() else None
    daemon = world.spawn()
    assert daemon.wait_exit() not in (0, None), daemon.output()
    output = daemon.output()
    assert ";" in output or "restore" in output or "move" in output, f"no remedy: {output}"
    for word in saying or [str(path)]:
        assert word in output, output
    assert not world.socket.exists()
    if before is not None:
        assert path.read_bytes() == before
    return output


def flip(path, offset, count=64):
    with open(path, "r+b") as file:
        file.seek(offset)
        old = file.read(count)
        file.seek(offset)
        file.write(bytes(b ^ 0xFF for b in old))


@pytest.mark.parametrize("offset", [0, 16, 100, 4096, 4096 * 3], ids=lambda n: f"at {n}")
def test_flipped_bytes_in_the_state_are_found_at_start(running, offset):
    """Scenario 22."""
    flip(filled(running), offset)
    refuses(running)


def test_a_truncated_state_is_found_at_start(running):
    """Scenario 22."""
    path = filled(running)
    os.truncate(path, path.stat().st_size // 2)
    refuses(running)


def written(log):
    """Up to where the log holds anything but the zeros that it was made with."""
    return len(log.read_bytes().rstrip(b"\0"))


def test_a_torn_last_record_costs_that_record_alone(running):
    """Scenario 22: the end of the log is cut off (kill -9 or power, in the middle of a write). All before it is there."""
    client = running.client()
    promised = [client.call("IpamDriver.RequestPool", pool_request(f"10.51.{number}.0/24"))["PoolID"] for number in range(5)]
    log = running.state_dir / "state.db-wal"
    before = written(log)
    client.call("IpamDriver.RequestPool", pool_request("10.52.0.0/24"))
    running.daemon.kill()
    assert written(log) > before
    os.truncate(log, written(log) - 100)
    running.start()
    assert {row["key"] for row in running.state.rows("pool")} == set(promised)


def test_the_state_of_an_older_viaduct_is_taken_over(running, client):
    """Scenario 22: schema 1 had no columns beside key and value, and no reservations. A copy of it is kept."""
    network = Network(client, "10.50.0.0/24").create()
    endpoint = network.endpoint()
    client.close()
    assert running.daemon.terminate() == 0
    path = running.state_dir / "state.db"
    db = sqlite3.connect(path)
    with db:
        for (view,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
            db.execute(f"DROP VIEW {view}")
        db.execute("DROP TABLE reservation")
        db.execute("PRAGMA user_version = 1")
    db.close()
    running.start()
    assert running.state.rows("address")[0]["address"], "the columns of the present schema"
    assert client.call("NetworkDriver.EndpointOperInfo", endpoint.ids) is not None
    assert endpoint.address in {f"{row['address']}/24" for row in running.state.rows("address")}
    copy = sqlite3.connect(f"{path}.v1")
    assert copy.execute("PRAGMA user_version").fetchone() == (1,)
    assert copy.execute("SELECT key FROM network").fetchall() == [(network.id,)]
    copy.close()


def test_a_file_that_is_no_database_is_not_replaced(world):
    world.state_dir.mkdir(mode=0o700)
    (world.state_dir / "state.db").write_text("these are not the bytes you are looking for\n" * 100)
    refuses(world)


def test_an_empty_state_file_is_not_taken_for_lost_state(world):
    """A file of no bytes is what SQLite itself leaves when a first start was cut off: nothing was promised yet."""
    world.state_dir.mkdir(mode=0o700)
    (world.state_dir / "state.db").touch()
    world.start()
    world.client().call("IpamDriver.RequestPool", pool_request())


def test_somebody_elses_database_is_not_taken_over(world):
    world.state_dir.mkdir(mode=0o700)
    db = sqlite3.connect(world.state_dir / "state.db")
    with db:
        db.execute("CREATE TABLE photographs (name TEXT)")
    db.close()
    refuses(world)


def test_a_record_that_cannot_be_read_is_named(running, client):
    """Scenario 22."""
    network = Network(client, "10.50.0.0/24").create()
    assert running.daemon.terminate() == 0
    for table in ("network", "pool", "address"):
        shutil.copy(running.state_dir / "state.db", running.folder / "kept.db")
        db = sqlite3.connect(running.state_dir / "state.db")
        with db:
            db.execute(f"UPDATE {table} SET value = '{{\"surprise\": 1}}'")
        db.close()
        refuses(running, saying=[network.id if table == "network" else "local/10.50.0.0/24"])
        shutil.copy(running.folder / "kept.db", running.state_dir / "state.db")
    running.start()


def test_the_state_of_a_newer_viaduct_is_refused(running):
    """Scenario 22."""
    path = filled(running)
    db = sqlite3.connect(path)
    with db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute(f"PRAGMA user_version = {version + 1000}")
    db.close()
    refuses(running, saying=[str(version + 1000)])


def test_a_state_folder_that_is_a_file_is_refused(world):
    world.state_dir.write_text("x")
    daemon = world.spawn()
    assert daemon.wait_exit() not in (0, None)
    assert str(world.state_dir) in daemon.output()


def test_a_read_only_state_folder_is_refused(world):
    """Scenario 22."""
    world.state_dir.mkdir(mode=0o700)
    world.run("mount", "-t", "tmpfs", "-o", "ro", "none", str(world.state_dir))
    daemon = world.spawn()
    assert daemon.wait_exit() not in (0, None)
    assert str(world.state_dir) in daemon.output()


class SmallDisk:
    """The state folder on a tmpfs of two MiB in the world's own mount namespace, with room or without."""

    def __init__(self, world):
        self.world = world
        world.state_dir.mkdir(mode=0o700)
        world.run("mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "none", str(world.state_dir))
        world.state.enter = world.enter

    def fill(self):
        self.world.run("dd", "if=/dev/zero", f"of={self.world.state_dir}/filler", "bs=4k", check=False)

    def free(self):
        self.world.run("rm", f"{self.world.state_dir}/filler")


def test_a_full_disk_is_an_error_and_nothing_is_half_made(world):
    """Scenario 22."""
    disk = SmallDisk(world)
    world.start()
    client = world.client()
    network = Network(client, "10.50.0.0/24").create()
    endpoint, _ = network.joined()
    disk.fill()
    promised = []
    message = None
    for number in range(600):  # what SQLite has reserved may take a few more
        reply = client.raw("IpamDriver.RequestPool", pool_request(f"10.{100 + number // 250}.{number % 250}.0/24"))
        if reply.json().get("Err"):
            message = error_sentence(reply)
            break
        promised.append(reply.json()["PoolID"])
    assert message, "600 pools fitted on a full disk"
    assert "disk" in message or "space" in message, message
    kernel = world.kernel()
    refused = Network(client, "10.52.0.0/24", pool_id="", gateway="10.52.0.1/24")
    client.fails("NetworkDriver.CreateNetwork", refused.creation())
    client.fails("IpamDriver.RequestAddress", address_request(network.pool_id, mac=new_mac()))
    assert world.kernel() == kernel
    for method in ("NetworkDriver.GetCapabilities", "IpamDriver.GetDefaultAddressSpaces"):
        client.call(method)
    client.call("NetworkDriver.EndpointOperInfo", endpoint.ids)
    disk.free()
    assert {row["key"] for row in world.state.rows("pool")} == {network.pool_id, *promised}
    client.call("NetworkDriver.CreateNetwork", refused.creation())
    network.remove_endpoint(endpoint)
    assert world.daemon.terminate() == 0
    world.start()
    assert {row["key"] for row in world.state.rows("network")} == {network.id, refused.id}


def test_a_locked_state_is_an_error_in_time_and_heals(running, client):
    """Scenario 16: somebody holds state.db (a backup, an operator's shell); calls end within the engine's patience."""
    network = Network(client, "10.50.0.0/24").create()
    endpoint, _ = network.joined()
    before = running.kernel()
    locker = sqlite3.connect(running.state.path, timeout=10, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    try:
        started = time.monotonic()
        waiting = [Conn.to(running.socket) for _ in range(3)]
        waiting[0].send(request_bytes("IpamDriver.RequestPool", encode(pool_request("10.51.0.0/24"))))
        waiting[1].send(request_bytes("IpamDriver.RequestAddress", encode(address_request(network.pool_id, mac=new_mac()))))
        refused = Network(client, "10.52.0.0/24", gateway="10.52.0.1/24")
        waiting[2].send(request_bytes("NetworkDriver.CreateNetwork", encode(refused.creation())))
        for method in ("NetworkDriver.GetCapabilities", "IpamDriver.GetDefaultAddressSpaces"):
            client.call(method)
        client.call("NetworkDriver.EndpointOperInfo", endpoint.ids)
        assert time.monotonic() - started < 2.0, "calls that read only waited for the lock"
        for conn in waiting:
            message = error_sentence(conn.read_reply())
            assert "lock" in message or "busy" in message or "state.db" in message, message
            conn.close()
        assert time.monotonic() - started < DOCKER_DEADLINE
        assert running.kernel() == before
        # An engine that starts now must not be turned away: that would last until its next start (T7).
        started = time.monotonic()
        running.engine().register()
        assert time.monotonic() - started < 2.0, "a registration waits for no disk"
    finally:
        locker.execute("ROLLBACK")
        locker.close()
    client.call("IpamDriver.RequestPool", pool_request("10.53.0.0/24"))
    client.call("NetworkDriver.CreateNetwork", refused.creation())
    client.close()
    running.restart("kill")
    keys = {row["key"] for row in running.state.rows("pool")}
    assert keys == {network.pool_id, "local/10.53.0.0/24"}


def test_sigterm_ends_in_time_although_the_state_is_locked(running):
    """What waits for the lock in the background (the new engine's epoch) does not hold the process."""
    locker = sqlite3.connect(running.state.path, timeout=10, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    try:
        running.engine().register()
        started = time.monotonic()
        assert running.daemon.terminate() == 0
        assert time.monotonic() - started < 5.0, "the lock's patience is 8 s"
    finally:
        locker.execute("ROLLBACK")
        locker.close()


def test_the_state_can_be_read_while_the_daemon_runs(running, client):
    """An operator opens state.db with sqlite3; here with Python's."""
    network = Network(client, "10.50.0.0/24").create()
    assert [row["key"] for row in running.state.rows("network")] == [network.id]
    client.call("IpamDriver.RequestPool", pool_request())
