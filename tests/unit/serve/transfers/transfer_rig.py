"""Calls of transfers that their tests have in common."""

from __future__ import annotations

from actors.domain import gs1
from actors.domain.ids import account_id

SEATTLE, PORTLAND, NEWARK = "us-wh-seattle", "us-st-portland", "us-wh-newark"
MIA, TOM = account_id("us", b"m" * 16), account_id("us", b"t" * 16)
SSCC = gs1.sscc("9521234", 42)
TOMORROW = "2026-01-02T00:00:00Z"


def lines(**units):
    return [{"sku": sku, "quantity": n} for sku, n in units.items()]


def wanted(**more):
    body = {"source_id": SEATTLE, "destination_id": PORTLAND, "lines": lines(A1=10), "expected_at": TOMORROW}
    return body | more


async def requested(cell, body=None, key=None, **headers):
    answer = await cell.post("/v1/transfers", body or wanted(), key, **headers)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert answer.headers["location"] == f"/v1/transfers/{told['transfer_id']}"
    return told["transfer_id"]


async def step(cell, identity, path, body, key=None, **headers):
    return await cell.post(f"/v1/transfers/{identity}/{path}", body, key, **headers)


async def done(cell, identity, path, body, **headers):
    answer = await step(cell, identity, path, body, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def read(cell, identity, headers=None):
    return (await cell.http.get(f"/v1/transfers/{identity}", headers=headers)).json()


def stock(cell, place, sku="A1"):
    row = cell.gateway.entities["location", place][0].stock[sku]
    return row.on_hand, row.allocated


async def sent(cell, *packages, **more):
    """A transfer on its way; its id."""
    identity = await requested(cell, wanted(**more))
    await done(cell, identity, "picking", {})
    await done(cell, identity, "dispatches", {"packages": list(packages) or [{"lines": lines(A1=10)}]})
    return identity


def manager(cell, sub=MIA, **more):
    return cell.of_role("manager", sub=sub, **more)
