"""Recorded traffic of real engines, replayed: every answer fits the engine, and nothing is left that was taken back."""

import pytest
from harness.recording import ROLLED_BACK, Replay, load, names
from harness.world import World

# Killing the daemon after every call costs a start each time; these cover every engine and every kind of recording.
SHORT = [name for name in names() if name.startswith(("restart-", "swarm-worker-"))
         or name in ("lifecycle-26.1", "failures-head", "concurrency-head", "swarm-leader-head")]


def settings(name):
    return {"scope": "global" if name.startswith("swarm-") else "local"}


def check_kept_promises(replay):
    """state.db and the kernel hold exactly what the answers promised and no later call took back."""
    world = replay.world

    def keys(table):
        return {row["key"] for row in world.state.rows(table)}

    assert keys("pool") == replay.held_pools
    # Sub-pools share the addresses of their pool: "local/10.1.0.0/24/10.1.0.7".
    assert keys("address") == {"/".join([*pool.split("/")[:3], address]) for pool, address in replay.held_addresses}
    assert keys("network") == set(replay.networks)
    assert keys("endpoint") == {f"{sent['NetworkID']}/{id}" for id, sent in replay.endpoints.items()}
    world.wait_reaped()
    links = world.own_links()
    assert [n for n in links if n.startswith("vd-")] == sorted(f"vd-{id[:12]}" for id in replay.networks)
    if not replay.endpoints:
        assert [n for n in links if not n.startswith("vd-")] == []
    assert set(replay.joined.values()) <= set(world.links())
    if not replay.networks:
        assert world.nft_elements() == {}


@pytest.mark.parametrize("with_macs", [False, True], ids=["as recorded", "with MACs"])
@pytest.mark.parametrize("name", names())
def test_replay_in_order(name, with_macs):
    with World(**settings(name)) as world:
        world.start()
        replay = Replay(world, name, with_macs=with_macs)
        replay.run()
        check_kept_promises(replay)
        recorded = {call.seq for call in replay.calls if call.error and call.method in ROLLED_BACK}
        assert recorded <= replay.failed, "engines rolled back what had not failed here"
        assert world.daemon.terminate() == 0, world.daemon.output()[-8000:]


@pytest.mark.parametrize("name", [n for n in names() if len({c.conn for c in load(n)}) > 1])
def test_replay_with_calls_overlapping_as_recorded(name):
    with World(**settings(name)) as world:
        world.start()
        replay = Replay(world, name, with_macs=True)
        replay.run_overlapping()
        check_kept_promises(replay)


@pytest.mark.parametrize("name", SHORT)
def test_replay_with_the_daemon_killed_after_every_call(name):
    """Whatever was answered is there after kill -9, and the engine notices nothing."""
    with World(**settings(name)) as world:
        world.start()
        replay = Replay(world, name)

        def kill_and_restart(_index):
            replay.forget_connections()
            world.restart("kill")

        replay.run(between=kill_and_restart)
        check_kept_promises(replay)
