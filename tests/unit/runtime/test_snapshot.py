"""A gateway that knows nothing is told of what is none of its business, not of everything, or of all at once."""

from actors.domain.catalogue import Catalogue
from actors.runtime.shard import Entity, Shard
from actors.runtime.snapshot import Snapshot
from tests.unit.runtime.counter import Counter
from tests.unit.runtime.rig import CODECS, shard


def stocked(number: int, *names: str, each: int = 2) -> Shard:
    """A shard with an order-like entity and catalogues of two SKUs each."""
    one = shard(number)
    one.entities["counter", "us-1"] = Entity(Counter(), 1, 0.0)
    for name in names:
        one.entities["catalogue", name] = Entity(Catalogue({f"{name}{n}": "" for n in range(each)}), 1, 0.0)
    return one


def skus(rows) -> list[str]:
    return [row.sku for _, row in rows]


def state_of(one: Shard, name: str) -> Catalogue:
    return one.entities["catalogue", name].state


def test_the_snapshot_for_availability_has_orders_in_it():
    shards = {0: stocked(0, "a"), 2: stocked(2)}
    snapshot = Snapshot(CODECS, shards)
    assert skus(snapshot.piece(shards, 100)) == ["a0", "a1"]
    assert snapshot.told
    assert Snapshot(CODECS, {0: stocked(0)}).told


def test_a_piece_is_as_long_as_the_snapshot_or_the_rows_of_one_resident():
    shards = {0: stocked(0, "a", "b"), 1: stocked(1, "c", each=5)}
    snapshot, told = Snapshot(CODECS, shards), []
    while not snapshot.told:
        rows = snapshot.piece(shards, 3)
        assert len(rows) <= 3
        told += [(one.number, row.sku) for one, row in rows]
    assert told == [(0, "a0"), (0, "a1"), (0, "b0"), (0, "b1"), *((1, f"c{n}") for n in range(5))]


def test_a_resident_is_told_as_he_was_when_his_first_rows_were():
    shards = {0: stocked(0, "a", each=4)}
    snapshot = Snapshot(CODECS, shards)
    assert skus(snapshot.piece(shards, 2)) == ["a0", "a1"]
    # What is new is told by itself, once it is durable.
    state_of(shards[0], "a").descriptions.update(a2="changed", a9="new")
    rest = snapshot.piece(shards, 5)
    assert [(row.sku, row.description) for _, row in rest] == [("a2", "changed"), ("a3", "")]
    assert snapshot.told


def test_a_resident_that_was_built_again_is_told_by_halves():
    shards = {0: stocked(0, "a", "b"), 1: stocked(1, "c")}
    snapshot = Snapshot(CODECS, shards)
    assert skus(snapshot.piece(shards, 1)) == ["a0"]
    shards[0].entities["catalogue", "a"].state = Catalogue({"a0": "", "a5": ""})
    assert skus(snapshot.piece(shards, 1)) == ["a0"]
    shards[0] = stocked(0, "a", "b")
    assert skus(snapshot.piece(shards, 3)) == ["a0", "a1", "b0"]


def test_whom_nobody_heard_of_is_never_told_again_or_by_halves():
    shards = {0: stocked(0, "a", "b", each=3)}
    snapshot = Snapshot(CODECS, shards)
    assert skus(snapshot.piece(shards, 4)) == ["a0", "a1", "a2", "b0"]
    snapshot.take_back()
    assert skus(snapshot.piece(shards, 100)) == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert snapshot.told
    snapshot.take_back()
    assert not snapshot.told


def test_a_resident_is_told_although_he_went_with_his_shard_or_never_when_he_comes_again():
    shards = {0: stocked(0, "a"), 1: stocked(1, "b"), 2: stocked(2, "c")}
    snapshot = Snapshot(CODECS, shards)
    assert skus(snapshot.piece(shards, 1)) == ["a0"]
    del shards[0]
    shards[1] = stocked(1)
    assert skus(snapshot.piece(shards, 100)) == ["c0", "c1"]
    assert snapshot.told
    shards[1] = stocked(1, "b")
    snapshot.add(1, ("catalogue", "b"))
    assert not snapshot.told
    assert skus(snapshot.piece(shards, 100)) == ["b0", "b1"]
