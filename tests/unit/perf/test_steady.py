"""The mix of the steady run must be legal, and its watch must not invent what the cell doesn't say."""

import itertools
import json
from collections import Counter, defaultdict

import pytest

from perf import orders, steady


def test_every_order_alternates_so_that_each_update_is_legal() -> None:
    ids = [f"us-{n}" for n in range(200)]
    told: dict[str, list[str]] = defaultdict(list)
    for shot in itertools.islice(steady.shots("h", ids), 800):
        head, body = shot.raw.split(b"\r\n\r\n")
        content = json.loads(body)
        if "updates" in content:
            assert shot.updates == len(content["updates"]) == 20
            for item in content["updates"]:
                told[item["order_id"]].append(item["update"])
        else:
            told[head.split(b"/")[3].decode()].append(content["update"])
    assert len(told) == 200
    for updates in told.values():
        assert updates == list(itertools.islice(itertools.cycle(steady.UPDATES), len(updates)))


def test_half_of_the_updates_travel_alone() -> None:
    taken = list(itertools.islice(steady.shots("h", [f"us-{n}" for n in range(100)]), 210))
    assert sum(shot.updates for shot in taken if shot.updates == 1) == 200
    assert sum(shot.updates for shot in taken if shot.updates > 1) == 200


def test_no_key_is_used_twice() -> None:
    taken = itertools.islice(steady.shots("h", [f"us-{n}" for n in range(100)]), 500)
    keys = Counter(shot.raw.split(b"Idempotency-Key: ")[1].split(b"\r\n")[0] for shot in taken)
    assert max(keys.values()) == 1


def test_lag_and_growth_are_taken_from_the_worst_host_and_the_sum_of_memory() -> None:
    watch = steady.Watch()
    for size in (50, 100, 101, 102, 105):
        hosts = [{"lag_ms": 10, "rss_mb": size}, {"lag_ms": size, "rss_mb": size}]
        watch.take(json.dumps({"hosts": hosts}).encode())
    extras = watch.extras({})
    assert extras.lag_p99_ms == 105
    assert (extras.memory_start_mb, extras.memory_end_mb) == (200, 210)
    assert extras.memory_growth_percent == pytest.approx(5)


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'{"hosts": 3}', b'{"hosts": [{}]}'])
def test_what_the_cell_does_not_say_stays_unknown(body: bytes) -> None:
    watch = steady.Watch()
    watch.take(body)
    extras = watch.extras({})
    assert extras.lag_p99_ms is None
    assert extras.memory_growth_percent is None


def test_a_unit_promised_twice_is_found_from_replies_and_stock() -> None:
    place, sku = "us-wh-bench-east", "BENCH-SCARCE-001"
    before = {(place, sku): (100, 0)}
    assert orders.wrongly_promised(before, {(place, sku): (100, 7)}, Counter({(place, sku): 7})) == []
    assert orders.wrongly_promised(before, {(place, sku): (100, 7)}, Counter({(place, sku): 8}))
    assert orders.wrongly_promised(before, {(place, sku): (100, 8)}, Counter({(place, sku): 7}))
    assert orders.wrongly_promised(before, {(place, sku): (100, 101)}, Counter({(place, sku): 101}))
    assert orders.wrongly_promised(before, {}, Counter({(place, sku): 1}))
