"""Where a customer waits at a store: as it is kept, as the store sees it, and what becomes of it."""

from __future__ import annotations

import pytest

from actors.domain.data_key import DestroyKey, Restrict
from serve.keys.envelope import key_of
from serve.requests import Write
from tests.unit.serve.collections.collection_rig import associate, made_ready, only, placed
from tests.unit.serve.guarded_cell import furnished
from tests.unit.serve.post_office import MIA, bearer, code_in, coded, joined, without_waiting
from tests.unit.serve.privacy.office import proved, stepped
from tests.unit.serve.test_sealed_orders import kept

SPOT = "silver Quillmobile, bay 3"


@pytest.fixture
async def cell(tmp_path, monkeypatch):
    without_waiting(monkeypatch)
    async with furnished(tmp_path) as made:
        yield made


async def waiting(cell, headers=None, **more):
    """The order of somebody who has said where he waits."""
    told = await placed(cell, ("A1", 2), headers=headers or cell.bearer(), **({"customer": {"email": MIA}} | more))
    await made_ready(cell, told, associate(cell))
    answer = await cell.post(f"/v1/orders/{told['order_id']}/here", {"spot": SPOT}, **(headers or associate(cell)))
    assert answer.status_code == 200, answer.text
    return told


async def seen(cell, told, headers=None):
    answer = await cell.http.get(f"/v1/collections/{only(told)}", headers=headers or associate(cell))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def with_key(cell, told, command):
    sealed = cell.gateway.entities["collection", only(told)][0].sealed_spot
    await cell.gateway.ask("data_key", key_of(sealed), command, command_id=f"{command}", digest=0)


async def test_where_somebody_waits_lies_somewhere_in_the_clear(cell):
    told = await waiting(cell)
    everything = kept(cell)
    assert "quillmobile" not in everything
    assert "bay 3" not in everything
    assert (await seen(cell, told))["here_spot"] == SPOT
    assert "collection.read" in [line.act.action for line in cell.gateway.audited]


async def test_it_is_kept_after_the_goods_were_collected(cell):
    told = await waiting(cell)
    for path, sent in (("verification", {"code": code_in(cell)}), ("hand-over", {})):
        answer = await cell.post(f"/v1/collections/{only(told)}/{path}", sent, **associate(cell))
        assert answer.status_code == 200, answer.text
    state = cell.gateway.entities["collection", only(told)][0]
    assert (state.sealed_spot, state.here_spot) == (b"", "")
    assert (await seen(cell, told))["here_spot"] == ""


async def test_who_may_not_be_told_of_is_looked_for_in_the_car_park(cell):
    told = await waiting(cell)
    await with_key(cell, told, Restrict(restricted=True))
    assert (await seen(cell, told))["here_spot"] == ""
    await with_key(cell, told, Restrict(restricted=False))
    assert (await seen(cell, told))["here_spot"] == SPOT
    await with_key(cell, told, DestroyKey())
    assert (await seen(cell, told))["here_spot"] == ""
    # Somebody whose key is gone can still say that he is here.
    path = f"/v1/orders/{told['order_id']}/here"
    assert (await cell.post(path, {"spot": "bay 5"}, **associate(cell))).status_code == 200


async def test_a_spot_is_under_nobody_s_key_when_the_order_tells_nothing_else(cell):
    mia = bearer(await joined(cell))
    told = await waiting(cell, mia, customer={}, order_ref="")
    order = cell.gateway.entities["order", told["order_id"]][0]
    assert (order.sealed, bool(order.owner)) == (b"", True)
    sealed = cell.gateway.entities["collection", only(told)][0].sealed_spot
    person = cell.services.data_keys.digest("person", order.owner)
    assert cell.gateway.entities["data_key", key_of(sealed)][0].person == person
    assert (await seen(cell, told))["here_spot"] == SPOT


@pytest.mark.parametrize("restricted", [False, True])
async def test_a_person_s_export_leaves_out_where_she_waits(cell, restricted):
    mia = bearer(await joined(cell))
    await waiting(cell, mia, customer={"email": MIA})
    if restricted:
        await stepped(cell, await proved(cell, "gdpr", "restriction", email=MIA, customer_ref=None), "restrict")
    sent = {"law": "gdpr", "right": "access"}
    assert (await cell.post("/v1/customers/me/privacy-requests", sent, **mia)).status_code == 201
    answer = await cell.http.post("/v1/customers/me/data", headers=mia)
    assert answer.status_code == 200, answer.text
    assert [one["here_spot"] for one in answer.json()["pickups"]] == [SPOT]


async def test_saying_it_again_is_another_request_or_is_tried_out_by_its_digest(cell):
    told = await waiting(cell)
    path, headers = f"/v1/orders/{told['order_id']}/here", associate(cell)
    first = await cell.post(path, {"spot": "bay 7"}, "again", **headers)
    again = await cell.post(path, {"spot": "bay 7"}, "again", **headers)
    assert (first.status_code, first.json()) == (200, again.json())
    assert coded(await cell.post(path, {"spot": "bay 8"}, "again", **headers)) == (422, "idempotency.key_reused")
    assert (await seen(cell, told))["here_spot"] == "bay 7"
    write = Write("again", b'{"spot":"bay 7"}', 0).to(only(told))
    assert write.digest not in [digest for digest, _ in cell.gateway.remembered.values()]
