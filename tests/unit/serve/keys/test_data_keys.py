import asyncio

import msgspec
import pytest

from actors.domain.data_key import DestroyKey, Restrict
from actors.runtime.errors import StoreUnavailable
from actors.runtime.wire import UNAVAILABLE, Reply
from serve.identity.keyring import KeyringWatch, create, drop_wrapping, load, rotate_wrapping
from serve.keys import data_keys
from serve.keys.data_keys import KEEP_S, DataKeys, Erased
from serve.keys.file_key import FileKey
from serve.keys.port import KeyUnavailable, KeyUnusable
from serve.problems import Problem
from tests.unit.serve.fake_gateway import FakeClock, FakeGateway
from tests.unit.serve.fake_read_model import FakeReadModel

MIA, BEN = "a" * 32, "b" * 32


class Office:
    """Two replicas of one cell, and the counts of what they ask for."""

    def __init__(self, folder):
        self.path = folder / "secrets" / "keyring.json"
        create(self.path, 1)
        self.clock = FakeClock()
        self.gateway = FakeGateway(self.clock)
        self.read_model = FakeReadModel(self.gateway)
        self.one, self.other = self.replica(), self.replica()
        self.views, self.viewed = 0, asyncio.Event()
        view = self.gateway.view

        async def counted(*given, **more):
            self.views += 1
            self.viewed.set()
            await asyncio.sleep(0)
            return await view(*given, **more)

        self.gateway.view = counted

    def replica(self):
        watch = KeyringWatch(self.path)
        return DataKeys("us", self.gateway, self.read_model, FileKey(watch, self.clock), watch, self.clock)

    def key_ids(self):
        return sorted(key_id for kind, key_id in self.gateway.entities if kind == "data_key")

    async def change(self, key_id, command, *, heard=True):
        await self.gateway.ask("data_key", key_id, command, command_id=f"c{self.clock.now}{command}", digest=0)
        state, _ = self.gateway.entities["revocations", "us-revocations"]
        if heard:
            for entry in state.until_ms:
                self.one.changed(entry)
                self.other.changed(entry)


@pytest.fixture
def office(tmp_path):
    return Office(tmp_path)


async def test_another_replica_can_not_read_what_one_sealed(office):
    sealed = await office.one.seal(MIA, b"Mia Quillfeather", "p", "r")
    assert await office.other.unseal(sealed, "p", "r") == (b"Mia Quillfeather", False)
    assert b"Quillfeather" not in sealed
    assert await office.other.seal(MIA, b"x", "p", "r")
    assert len(office.key_ids()) == 1, "a person whom the store knows has a second key"


async def test_many_at_once_make_many_keys_for_one_new_person(office):
    await asyncio.gather(
        *(office.one.seal(MIA, b"Mia", "p", "r") for _ in range(50)), office.one.seal(BEN, b"Ben", "p", "r")
    )
    assert len(office.key_ids()) == 2


async def test_an_order_waits_for_the_store_to_seal_something(office):
    office.read_model.away = True
    with pytest.raises(StoreUnavailable):
        await office.read_model.data_keys(MIA)
    sealed = await office.one.seal(MIA, b"Mia", "p", "r")
    office.read_model.away = False
    again = await office.replica().seal(MIA, b"Mia", "p", "r")
    assert sealed != again
    assert len(office.key_ids()) == 1


async def test_every_order_waits_for_a_store_that_does_not_answer(office, monkeypatch):
    asked = []

    async def never(person):
        asked.append(person)
        await asyncio.Event().wait()

    monkeypatch.setattr(data_keys, "LOOK_UP_S", 0.01)
    monkeypatch.setattr(office.read_model, "data_keys", never)
    for person in (MIA, BEN, "c" * 32):
        await office.one.seal(person, b"x", "p", "r")
    assert asked == [MIA]
    office.clock.now += int(data_keys.AWAY_S * 1000)
    await office.one.seal("d" * 32, b"x", "p", "r")
    assert len(asked) == 2


async def test_a_key_is_asked_for_with_every_read(office):
    sealed = await office.one.seal(MIA, b"Mia", "p", "r")
    await asyncio.gather(*(office.other.unseal(sealed, "p", "r") for _ in range(20)))
    await office.other.unseal(sealed, "p", "r")
    assert office.views == 1
    office.clock.now += int(KEEP_S * 1000)
    await office.other.unseal(sealed, "p", "r")
    assert office.views == 2, "a replica that hears nothing believes in its keys for ever"


async def test_what_a_destroyed_key_sealed_can_still_be_read(office):
    sealed = await office.one.seal(MIA, b"Mia", "p", "r")
    await office.other.unseal(sealed, "p", "r")
    (key_id,) = office.key_ids()
    await office.change(key_id, DestroyKey())
    for replica in (office.one, office.other, office.replica()):
        with pytest.raises(Erased):
            await replica.unseal(sealed, "p", "r")
        with pytest.raises(Erased):
            await replica.seal_beside(sealed, b"more", "p", "r")
    # Who comes back is somebody new.
    await office.one.seal(MIA, b"Mia", "p", "r")
    assert len(office.key_ids()) == 2


async def test_an_answer_from_before_the_change_is_kept_after_it(office):
    sealed = await office.one.seal(MIA, b"Mia", "p", "r")
    (key_id,) = office.key_ids()
    asked = asyncio.ensure_future(office.other.unseal(sealed, "p", "r"))
    unwrap, held = office.other.region_key.unwrap, asyncio.Event()

    async def slow(*given):
        await held.wait()
        return await unwrap(*given)

    office.other.region_key.unwrap = slow
    await office.viewed.wait()
    await asyncio.sleep(0)
    await office.change(key_id, DestroyKey())
    held.set()
    assert await asked == (b"Mia", False)
    with pytest.raises(Erased):
        await office.other.unseal(sealed, "p", "r")


async def test_a_restricted_key_says_nothing_of_it(office):
    sealed = await office.one.seal(MIA, b"Mia", "p", "r")
    (key_id,) = office.key_ids()
    await office.change(key_id, Restrict(True))
    assert await office.one.unseal(sealed, "p", "r") == (b"Mia", True)
    await office.change(key_id, Restrict(False))
    assert await office.other.unseal(sealed, "p", "r") == (b"Mia", False)


class Away:
    """A region's key that nobody reaches, or that does not know what it wrapped."""

    def __init__(self, error):
        self.error = error

    def wrapping(self):
        return "away"

    async def learn(self):
        raise self.error

    async def wrap(self, key, place):
        raise self.error

    async def unwrap(self, wrapped, wrapping, place):
        raise self.error


async def test_without_the_regions_key_something_is_kept_unsealed_or_the_fault_told_to_callers(office, caplog):
    sealed = await office.one.seal(MIA, b"Mia", "p", "r")
    before = len(office.gateway.entities)
    office.other.region_key = Away(KeyUnavailable("connection refused by vault.internal"))
    for work in (office.other.seal(BEN, b"Ben", "p", "r"), office.other.unseal(sealed, "p", "r")):
        with pytest.raises(Problem) as told:
            await work
        assert told.value.code == "keys.unavailable"
        assert "vault" not in told.value.detail
    office.other.region_key = Away(KeyUnusable("no such key"))
    with pytest.raises(Problem) as told:
        await office.other.unseal(sealed, "p", "r")
    assert told.value.code == "keys.unreadable"
    assert len(office.gateway.entities) == before
    assert "keys.unreadable" in caplog.text


async def test_a_key_that_was_moved_to_another_id_opens(office):
    first = await office.one.seal(MIA, b"Mia", "p", "r")
    await office.one.seal(BEN, b"Ben", "p", "r")
    mine, other = office.key_ids()
    if data_keys.envelope.key_of(first) != mine:
        mine, other = other, mine
    state, version = office.gateway.entities["data_key", other]
    state.wrapped = office.gateway.entities["data_key", mine][0].wrapped
    with pytest.raises(Problem) as told:
        await office.other.opened(other, "r")
    assert told.value.code == "keys.unreadable"
    assert version == 1


async def test_a_rotation_loses_a_key_or_leaves_one_that_the_old_one_opens(office):
    sealed = [await office.one.seal(person, b"Mia", "p", "r") for person in (MIA, BEN, "c" * 32)]
    await office.change(data_keys.envelope.key_of(sealed[2]), DestroyKey())
    copies = {key_id: office.gateway.entities["data_key", key_id][0].wrapped for key_id in office.key_ids()}
    assert rotate_wrapping(office.path) == 2
    office.clock.now += 5_000
    found = await office.read_model.wrapped_otherwise(office.one.region_key.wrapping(), "", 100)
    assert found == sorted(data_keys.envelope.key_of(one) for one in sealed[:2])
    assert [await office.one.rewrap(key_id, "r", None) for key_id in found] == ["done", "done"]
    assert [await office.other.rewrap(key_id, "r", None) for key_id in office.key_ids()] == ["unneeded"] * 3
    assert await office.read_model.wrapped_otherwise("file:2", "", 100) == []
    assert drop_wrapping(office.path, 2) == [1]
    assert load(office.path).wrapping_ids == [2]
    office.clock.now += 5_000
    fresh = office.replica()
    assert [await fresh.unseal(one, "p", "r") for one in sealed[:2]] == [(b"Mia", False)] * 2
    for key_id, copy in copies.items():
        if copy:
            with pytest.raises(KeyUnusable):
                await fresh.region_key.unwrap(copy, "file:1", f"data-key:{key_id}")


async def restricted(office, person=MIA):
    """A key of the person's that a request restricts, and that no replica has in memory."""
    await office.one.seal(person, b"Mia", "p", "r")
    (key_id,) = office.key_ids()
    await office.change(key_id, Restrict(True, "r-1"))
    office.one, office.other = office.replica(), office.replica()
    return key_id


async def test_what_is_sealed_while_the_store_is_away_is_told_of_somebody_who_is_restricted(office):
    before = await restricted(office)
    office.read_model.away = True
    sealed = await office.one.seal(MIA, b"Mia", "p", "r")
    for replica in (office.one, office.other, office.replica()):
        assert await replica.unseal(sealed, "p", "r") == (b"Mia", True)
    office.read_model.away = False
    office.clock.now += int(data_keys.AWAY_S * 1000)
    for replica in (office.one, office.other, office.replica()):
        assert await replica.unseal(sealed, "p", "r") == (b"Mia", True)
    # Whoever lifts it, lifts it from both.
    for key_id in office.key_ids():
        office.clock.now += 1
        await office.change(key_id, Restrict(False, "r-1"))
    assert await office.other.unseal(sealed, "p", "r") == (b"Mia", False)
    assert len(office.key_ids()) == 2
    assert before in office.key_ids()


async def test_who_is_new_while_the_store_is_away_stays_withheld_once_it_has_answered(office):
    office.read_model.away = True
    sealed = await office.one.seal(MIA, b"Mia", "p", "r")
    assert await office.other.unseal(sealed, "p", "r") == (b"Mia", True)
    office.read_model.away = False
    office.clock.now += int(data_keys.AWAY_S * 1000)
    for replica in (office.one, office.other):
        assert await replica.unseal(sealed, "p", "r") == (b"Mia", False)
    # It is known for good, so nobody has to be asked again.
    office.read_model.away = True
    assert await office.replica().unseal(sealed, "p", "r") == (b"Mia", False)


async def test_a_replica_makes_another_key_every_few_seconds_while_the_store_is_away(office):
    office.read_model.away = True
    for _ in range(4):
        await office.one.seal(MIA, b"Mia", "p", "r")
        office.clock.now += int(data_keys.AWAY_S * 1000)
    (key_id,) = office.key_ids()
    await office.change(key_id, DestroyKey())
    await office.one.seal(MIA, b"Mia", "p", "r")
    assert len(office.key_ids()) == 2, "what is sealed for somebody who was erased is lost"


async def test_a_key_is_believed_free_by_a_row_that_is_behind_or_while_the_other_key_can_not_be_asked(
    office, monkeypatch
):
    before = await restricted(office)
    office.read_model.away = True
    sealed = await office.one.seal(MIA, b"Mia", "p", "r")
    office.read_model.away = False
    office.clock.now += int(data_keys.AWAY_S * 1000)
    view, listed = office.gateway.view, office.read_model.data_keys

    async def behind(person):
        return [msgspec.structs.replace(row, restricted=0, requests="") for row in await listed(person)]

    async def unreachable(kind, entity_id, *rest, **more):
        return Reply(UNAVAILABLE, b"{}") if entity_id == before else await view(kind, entity_id, *rest, **more)

    monkeypatch.setattr(office.read_model, "data_keys", behind)
    monkeypatch.setattr(office.gateway, "view", unreachable)
    assert await office.other.unseal(sealed, "p", "r") == (b"Mia", True)
    monkeypatch.setattr(office.gateway, "view", view)
    office.clock.now += int(data_keys.AWAY_S * 1000)
    assert await office.other.unseal(sealed, "p", "r") == (b"Mia", True)
    state, _ = office.gateway.entities["data_key", data_keys.envelope.key_of(sealed)]
    assert state.requests == ["r-1"]
