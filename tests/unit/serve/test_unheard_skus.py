"""Whoever asks about made-up SKUs must not keep the catalogue busy, and a SKU that was just
defined is found at once."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from actors.domain.catalogue import KnownSkus, KnownSkusView
from actors.runtime.wire import OK, UNAVAILABLE, Reply
from serve.catalogue import asking
from serve.catalogue.asking import ASK_EVERY_S, UnheardSkus
from serve.problems import Problem
from tests.unit.runtime.rig import until
from tests.unit.serve.fake_gateway import FakeClock, refusal
from tests.unit.serve.small_cell import Cell


class Paced(FakeClock):
    """Sleeps until the test moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.moved = asyncio.Event()
        self.sleeping = 0

    async def sleep(self, seconds: float) -> None:
        until_s = self.monotonic() + seconds
        self.sleeping += 1
        while self.monotonic() < until_s - 1e-6:
            self.moved.clear()
            await self.moved.wait()
        self.sleeping -= 1

    def move(self, seconds: float) -> None:
        self.now += round(seconds * 1000)
        self.moved.set()


class Catalogue:
    """Has `skus`; `fault`: what it answers instead. It answers while its `gate` is open."""

    def __init__(self) -> None:
        self.skus = {"A1"}
        self.asked: list[list[str]] = []
        self.fault: Reply | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def view(self, kind: str, entity_id: str, query: KnownSkus, *, cause: str = "") -> Reply:
        self.asked.append(query.skus)
        found = [sku for sku in query.skus if sku in self.skus]
        await self.gate.wait()
        return self.fault or Reply(OK, msgspec.json.encode(KnownSkusView(found)))


@pytest.fixture
def clock() -> Paced:
    return Paced()


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue()


@pytest.fixture
def unheard(catalogue: Catalogue, clock: Paced) -> UnheardSkus:
    made: Any = catalogue
    return UnheardSkus(made, "us-catalogue", clock)


async def test_each_of_many_questions_is_a_call(unheard: UnheardSkus, catalogue: Catalogue, clock: Paced) -> None:
    first = [asyncio.create_task(unheard.known([f"x{number}", "A1"], "r")) for number in range(50)]
    assert all("A1" in known and "x7" not in known for known in await asyncio.gather(*first))
    assert [len(skus) for skus in catalogue.asked] == [51]
    later = [asyncio.create_task(unheard.known([f"y{number}"], "r")) for number in range(50)]
    await until(lambda: clock.sleeping)
    later += [asyncio.create_task(unheard.known([f"z{number}"], "r")) for number in range(50)]
    clock.move(ASK_EVERY_S / 2)
    await asyncio.sleep(0.01)
    assert len(catalogue.asked) == 1
    clock.move(ASK_EVERY_S / 2)
    assert not any(await asyncio.gather(*later))
    assert [len(skus) for skus in catalogue.asked] == [51, 100]


async def test_a_question_is_answered_by_a_call_that_began_before_it(
    unheard: UnheardSkus, catalogue: Catalogue, clock: Paced
) -> None:
    catalogue.gate.clear()
    before = asyncio.create_task(unheard.known(["new"], "r"))
    await until(lambda: catalogue.asked)
    catalogue.skus.add("new")  # and that is acknowledged
    after = asyncio.create_task(unheard.known(["new"], "r"))
    await asyncio.sleep(0)
    catalogue.gate.set()
    assert "new" not in await before
    await until(lambda: clock.sleeping)
    clock.move(ASK_EVERY_S)
    assert "new" in await after


async def test_questions_pile_up_without_a_limit(
    unheard: UnheardSkus, catalogue: Catalogue, clock: Paced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "GATHERED_MAX", 10)
    # One that is larger by itself is no pile.
    assert await unheard.known([f"x{number}" for number in range(11)], "r") == frozenset()
    waiting = asyncio.create_task(unheard.known([f"y{number}" for number in range(8)], "r"))
    await until(lambda: clock.sleeping)
    with pytest.raises(Problem) as refused:
        await unheard.known(["a", "b", "c"], "r")
    assert (refused.value.code, refused.value.status) == ("cell.busy", 429)
    clock.move(ASK_EVERY_S)
    assert await waiting == frozenset()


async def test_a_caller_who_goes_away_ends_the_call_for_the_others(unheard: UnheardSkus, catalogue: Catalogue) -> None:
    catalogue.gate.clear()
    leaving = asyncio.create_task(unheard.known(["x"], "r"))
    staying = asyncio.create_task(unheard.known(["A1"], "r"))
    await until(lambda: catalogue.asked)
    leaving.cancel()
    await asyncio.sleep(0)
    catalogue.gate.set()
    assert "A1" in await staying
    assert len(catalogue.asked) == 1


async def test_a_fault_of_the_cell_is_taken_for_an_unknown_sku(
    unheard: UnheardSkus, catalogue: Catalogue, clock: Paced
) -> None:
    catalogue.fault = Reply(UNAVAILABLE, refusal("cell.unavailable", "away"))
    with pytest.raises(Problem, match=r"cell.unavailable"):
        await unheard.known(["A1"], "r")
    catalogue.fault = None
    again = asyncio.create_task(unheard.known(["A1"], "r"))
    await until(lambda: clock.sleeping)
    clock.move(ASK_EVERY_S)
    assert "A1" in await again


async def test_availability_of_made_up_skus_is_asked_of_the_catalogue_each_time(cell: Cell) -> None:
    began = cell.clock.monotonic()
    asked_before = cell.gateway.calls.count(("catalogue", "us-catalogue"))
    queries = ["&".join(f"sku=made-up-{number}-{one}" for one in range(50)) for number in range(40)]
    answers = await asyncio.gather(*(cell.http.get(f"/v1/availability?{query}") for query in queries))
    assert {answer.json()["code"] for answer in answers} == {"sku.unknown"}
    asked = cell.gateway.calls.count(("catalogue", "us-catalogue")) - asked_before
    assert 1 <= asked <= 1 + (cell.clock.monotonic() - began) / ASK_EVERY_S


async def test_a_sku_that_was_unknown_a_moment_ago_is_not_found_once_it_is_defined(cell: Cell) -> None:
    cell.gateway.feeding = False
    assert (await cell.http.get("/v1/availability?sku=new")).json()["code"] == "sku.unknown"
    defined = await cell.post("/v1/skus", {"skus": [{"sku": "new"}]})
    assert defined.status_code == 200, defined.text
    found = await cell.http.get("/v1/availability?sku=new")
    assert (found.status_code, found.json()["skus"][0]["available"]) == (200, 0)
