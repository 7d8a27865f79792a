"""Promises 1, 4 and 6 on real processes: what was acknowledged outlives SIGKILL of one of them or of all at once, keys
are remembered, Postgres may be away."""

import signal
import time

import pytest

from actors.runtime.sharding import shard_of
from cells.processes import is_alive, send, wait_until
from perf.chaos import faults, world
from perf.chaos.background import Background
from perf.chaos.gaps import IN_FLIGHT_S
from perf.chaos.run import Settings, make_clients
from tests.system.cell.test_cell_orders import write

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

# Wide, since machines that run tests are shared: a shard that never comes back is found. The target is 3 s, kept by
# `python -m perf.chaos.takeover`.
SERVES_AGAIN_S = 30.0


def load(cell, tag, per_s=150.0):
    settings = Settings(per_s=per_s, shoppers=6, tag=f"{tag}-", seed=11)
    return Background(make_clients(cell.cell, cell.notebook, settings)[len(world.PLACES) :], cell.notebook)


def acknowledged_since(cell, count):
    return cell.notebook.acknowledged[count:]


def until_more(cell, more, deadline_s=120.0):
    """Waits until clients were told of `more` further updates."""
    target = len(cell.notebook.acknowledged) + more
    deadline = time.monotonic() + deadline_s
    while len(cell.notebook.acknowledged) < target:
        assert time.monotonic() < deadline, f"{len(cell.notebook.acknowledged)} of {target}\n{cell.cell.logs()}"
        time.sleep(0.02)


def test_a_killed_host_takes_updates_or_keys_with_it_or_stays_away(cell, api):
    key, order = world.key_in_shard(0, 64, "twice"), {"lines": [], **world.order({world.PROBE: 1}, _Same())}
    first = write(api, "POST", "/v1/orders", order, key)
    assert first.status_code == 201, first.text
    path = f"/v1/orders/{first.json()['order_id']}"
    picked = write(api, "POST", f"{path}/updates", {"update": "start_picking"}, "pick-once")
    assert picked.status_code == 200, picked.text
    with load(cell, "host-kill"):
        until_more(cell, 200)
        hosts = {mark.pid: mark for mark in faults.find(cell.cell, "host")}
        shards_by_pid = {pid: faults.shards_of(cell.cell, pid) for pid in hosts}
        pid = next(
            pid for pid, shards in shards_by_pid.items() if shard_of("order", path.rpartition("/")[2], 64) in shards
        )
        killed_at = time.monotonic()
        assert send(hosts[pid], signal.SIGKILL)

        again = write(api, "POST", f"{path}/updates", {"update": "start_picking"}, "pick-once")
        assert (again.status_code, again.json()) == (200, picked.json())
        placed = write(api, "POST", "/v1/orders", order, key)
        assert (placed.status_code, placed.json()["order_id"]) == (201, first.json()["order_id"])
        gap_s = _until_all_serve(cell, shards_by_pid[pid], killed_at)
    print(f"all {len(shards_by_pid[pid])} shards of the killed host served again after {gap_s:.2f} s")
    assert gap_s < SERVES_AGAIN_S
    cell.wait_whole()
    cell.check_promises()


class _Same:
    """Chance without chance: the same body each time."""

    def randrange(self, most):
        return 1

    def uniform(self, low, high):
        return low


def _until_all_serve(cell, shards, killed_at):
    """Seconds until the last of the shards acknowledged something after the kill."""
    first = {}
    deadline = time.monotonic() + SERVES_AGAIN_S + 5
    while shards - first.keys():
        for told in list(cell.notebook.acknowledged):
            if told.at > killed_at + IN_FLIGHT_S:
                first.setdefault(shard_of(told.kind, told.entity_id, 64), told.at - killed_at)
        assert time.monotonic() < deadline, f"shards {sorted(shards - first.keys())} do not serve\n{cell.cell.logs()}"
        time.sleep(0.05)
    return max(first[shard] for shard in shards)


def test_a_killed_redis_takes_acknowledged_updates_with_it(cell):
    with load(cell, "redis-kill"):
        for _ in range(2):
            until_more(cell, 150)
            (redis,) = faults.find(cell.cell, "redis")
            assert send(redis, signal.SIGKILL)
            until_more(cell, 150)
            cell.wait_whole()
    assert cell.cell.state().restarts["Redis"] >= 2
    cell.check_promises()


def test_all_processes_killed_at_once_take_acknowledged_updates_with_them(cell):
    with load(cell, "all-kill"):
        until_more(cell, 200)
        before = [*cell.cell.marks(), cell.cell.state().keeper]
        killed = cell.cell.kill_all()
        assert killed >= sum(cell.counts.values()) + 1  # the keeper, so that nobody brings them back
        assert wait_until(lambda: not any(map(is_alive, before)), 60)
        told = len(cell.notebook.acknowledged)
        cell.cell.start()
        until_more(cell, 200, deadline_s=120)
        assert not {mark.pid for mark in before} & {mark.pid for mark in cell.cell.marks()}
        cell.wait_whole()
    assert len(acknowledged_since(cell, told)) >= 200
    cell.check_promises()


def test_orders_stop_while_postgres_is_down_or_the_drain_forgets_or_repeats(cell, api):
    keeper = cell.cell.state().keeper
    with load(cell, "postgres-down"):
        until_more(cell, 100)
        assert send(keeper, signal.SIGSTOP)  # so that it does not bring PostgreSQL back at once
        try:
            (postgres,) = faults.find(cell.cell, "postgres")
            assert send(postgres, signal.SIGKILL)
            deadline = time.monotonic() + 60
            while (ready := api.get("/readyz")).json()["status"] != "degraded":
                assert time.monotonic() < deadline, ready.text
                time.sleep(0.1)
            assert ready.status_code == 200
            assert ready.json()["store"] != "ok"
            until_more(cell, 300)
            assert sum(host["tail_turns"] for host in api.get("/readyz").json()["hosts"]) > 0
        finally:
            send(keeper, signal.SIGCONT)
        cell.wait_whole()
    cell.check_promises()
