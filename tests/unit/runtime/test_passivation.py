"""Memory must be given back, but never anything that is nowhere else, nor what readers rely on."""

from actors.runtime.limits import Limits
from actors.runtime.passivation import ENTITY_BYTES, passivate
from actors.runtime.shard import Entity, Shard
from tests.unit.runtime.counter import Counter
from tests.unit.runtime.rig import CODECS, shard


def filled(count: int, used_at: float = 0.0, *, dirty: int = 0, kind: str = "counter", number: int = 0) -> Shard:
    one = shard(number)
    for n in range(count):
        entity = Entity(Counter(), 1, used_at)
        entity.dirty = dirty
        one.entities[kind, f"us-{n}"] = entity
    return one


def test_an_idle_entity_does_not_stay_for_ever():
    shards = {0: filled(10, used_at=0.0)}
    assert passivate(CODECS, shards, Limits(idle_passivate_s=900), 899.0) == 0
    assert passivate(CODECS, shards, Limits(idle_passivate_s=900), 900.0) == 10
    assert not shards[0].entities


def test_an_entity_in_use_does_not_leave_with_the_idle_ones():
    one = filled(10, used_at=0.0)
    one.use(("counter", "us-3"), 899.0)
    passivate(CODECS, {0: one}, Limits(idle_passivate_s=900), 1000.0)
    assert list(one.entities) == [("counter", "us-3")]


def test_an_entity_whose_turns_are_not_in_the_store_never_leaves():
    shards = {0: filled(10, dirty=1)}
    assert passivate(CODECS, shards, Limits(idle_passivate_s=0, memory_cap_mb=0), 1e9) == 0


def test_a_resident_never_leaves_however_idle_and_full():
    shards = {0: filled(10, kind="location")}
    assert passivate(CODECS, shards, Limits(idle_passivate_s=0, memory_cap_mb=0), 1e9) == 0


def test_dirty_entities_at_the_front_do_not_shelter_the_idle_ones_behind():
    one = filled(5, dirty=1)
    one.entities.update({("counter", f"us-clean-{n}"): Entity(Counter(), 1, 0.0) for n in range(5)})
    assert passivate(CODECS, {0: one}, Limits(), 1e9) == 5


def test_past_the_memory_cap_the_least_recently_used_leave_of_every_shard():
    shards = {n: filled(1000, used_at=100.0, number=n) for n in range(4)}
    for one in shards.values():
        one.use(("counter", "us-0"), 101.0)
    room = 1_000_000 // ENTITY_BYTES
    dropped = passivate(CODECS, shards, Limits(memory_cap_mb=1), 102.0)
    left = [len(one.entities) for one in shards.values()]
    assert abs(sum(left) - room) <= 4
    assert dropped == 4000 - sum(left)
    assert max(left) - min(left) <= 1
    assert all(("counter", "us-0") in one.entities for one in shards.values())


def test_a_host_below_its_cap_keeps_everything():
    shards = {0: filled(1000, used_at=100.0), 1: filled(0)}
    assert passivate(CODECS, shards, Limits(memory_cap_mb=100), 101.0) == 0
    assert passivate(CODECS, {}, Limits(), 1e9) == 0
