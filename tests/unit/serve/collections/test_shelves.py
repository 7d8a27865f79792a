"""Where goods wait is told in the words of whoever put them there, and people write a customer's name: it stays when
the person is erased, or is read and nobody knows."""

import pytest

from actors.runtime.mailbox import UNAVAILABLE
from serve.audit import trail
from tests.unit.serve.collections.collection_rig import associate, done, made_ready, manager, only, placed
from tests.unit.serve.post_office import MIA
from tests.unit.serve.privacy.office import asked, exported, proved, stepped

NAMED = "Mia Quillfeather +12065550188"


@pytest.fixture
def cell(guarded, monkeypatch):
    monkeypatch.setattr(trail, "GATHER_S", 0.0)
    return guarded


async def expired(cell):
    told = await placed(cell, ("A1", 1), headers=cell.bearer(), customer={"email": MIA})
    name = only(told)
    found = [{"sku": "A1", "quantity": 1}]
    await done(cell, name, "located", {"found": found, "shelf": NAMED}, associate(cell))
    await done(cell, name, "ready", {}, associate(cell))
    await done(cell, name, "end", {"why": "expired"}, manager(cell))
    return told


async def shelves(cell):
    answer = await cell.http.get("/v1/collections", headers=associate(cell))
    assert answer.status_code == 200, answer.text
    return [one["shelf"] for one in answer.json()["collections"]]


async def noted(cell):
    await cell.services.trail.close()
    found = [
        (line.act.action, line.act.changes) for line in cell.gateway.audited if line.act.action == "collection.search"
    ]
    cell.gateway.audited.clear()
    return found


async def test_an_erased_person_stays_on_the_shelf(cell):
    told = await expired(cell)
    assert await shelves(cell) == [NAMED]
    if (await cell.http.get(f"/v1/orders/{told['order_id']}", headers=cell.bearer())).json()["status"] != "cancelled":
        sent = {"update": "cancel"}
        assert (await cell.post(f"/v1/orders/{told['order_id']}/updates", sent, **cell.bearer())).status_code == 200
    request = await asked(cell, "gdpr", "erasure", email=MIA, customer_ref=None)
    await stepped(cell, request, "confirm_identity", method="id_document", evidence="case-1", covers=["email"])
    await stepped(cell, request, "erase")
    assert (await stepped(cell, request, "complete"))["status"] == "completed"
    assert await shelves(cell) == [""]
    kept = (cell.gateway.entities, cell.gateway.events)
    assert "Quillfeather" not in f"{kept}"


async def test_a_person_is_not_told_what_was_written_on_the_shelf(cell):
    await expired(cell)
    request = await proved(cell, "gdpr", "access", email=MIA, customer_ref=None)
    assert [one["shelf"] for one in (await exported(cell, request)).json()["pickups"]] == [NAMED]
    for language, heading in (("en", "Shelf, as"), ("es", "Estante, según"), ("pt", "Prateleira, segundo")):
        page = (await exported(cell, request, "?format=html", **{"accept-language": language})).text
        assert f'<th scope="col">{heading}' in page
        assert f"<td>{NAMED}</td>" in page


async def test_shelves_are_read_and_nobody_knows_or_a_line_is_kept_of_each_page_without_any(cell):
    told = await placed(cell, ("A1", 1), headers=cell.bearer(), customer={"email": MIA})
    assert await shelves(cell) == [""]
    assert await noted(cell) == []
    await made_ready(cell, told, associate(cell))
    assert await shelves(cell) == ["shelf 12"]
    assert await noted(cell) == [("collection.search", {"shelves": (None, 1)})]
    cell.gateway.fault = UNAVAILABLE
    answer = await cell.http.get("/v1/collections", headers=associate(cell))
    assert (answer.status_code, answer.json()["code"]) == (503, "audit.unavailable")
