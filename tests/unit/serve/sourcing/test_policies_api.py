"""Policies through the API; the rules are the entity's (`tests/unit/domain/test_sourcing_policies.py`)."""

import pytest

from actors.domain import sourcing_policies
from actors.domain.sourcing_policy import Limits, Policy
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import Cell, furnish_with

ALL = "/v1/sourcing/policies/all"


def body(reason="peak season", **policy):
    return {"reason": reason, "policy": policy}


def told(answer, status, code, pointer=None):
    found = answer.json()
    assert (answer.status_code, found["code"]) == (status, code), answer.text
    if pointer is not None:
        assert found["errors"][0]["pointer"] == pointer
    return found


async def set_(cell, channel="all", reason="peak season", **policy):
    answer = await cell.write("PUT", f"/v1/sourcing/policies/{channel}", body(reason, **policy))
    assert answer.status_code == 200, answer.text
    return answer.json()["version"]


async def listed(cell):
    found = (await cell.get("/v1/sourcing/policies")).json()["policies"]
    return {one["channel"]: one for one in found}


async def test_the_region_s_own_policy_is_not_told_of_before_another_is_set(cell):
    own = (await listed(cell))["all"]
    assert (own["origin"], own["version"], own["set_at"], own["policy"]["currency"]) == ("built_in", 1, None, "USD")
    await set_(cell, "online", limits={"places": 2})
    assert {channel: one["origin"] for channel, one in (await listed(cell)).items()} == {
        "all": "built_in",
        "online": "set",
    }
    await set_(cell, limits={"places": 1})
    holds = await listed(cell)
    assert {channel: one["version"] for channel, one in holds.items()} == {"all": 3, "online": 2}
    assert (holds["all"]["reason"], holds["all"]["set_at"]) == ("peak season", "2026-01-01T00:00:00Z")


async def test_the_configured_policy_is_told_as_built_in():
    made = Cell()
    made.services.index.steering.begin(Policy(version=7, limits=Limits(places=2)), "USD")
    own = (await listed(made))["all"]
    assert (own["origin"], own["version"], own["policy"]["limits"]["places"]) == ("config", 7, 2)
    assert await set_(made, limits={"places": 1}) == 8
    await made.http.aclose()


async def test_a_change_does_not_reach_the_replica(cell):
    steering = cell.services.index.steering
    assert not steering.in_use
    await set_(cell, "store", limits={"places": 1})
    assert steering.in_use
    assert (steering.policy("store").limits.places, steering.policy("online").limits.places) == (1, 3)
    await set_(cell, limits={"places": 2})
    assert (steering.policy("store").limits.places, steering.policy("online").limits.places) == (1, 2)


async def test_a_row_that_comes_late_brings_an_old_policy_back(cell):
    await set_(cell, limits={"places": 1})
    state, version = cell.gateway.entities["sourcing_policies", "us-sourcing"]
    old = sourcing_policies.feed("us-sourcing", state, version)
    await set_(cell, limits={"places": 2})
    cell.gateway.feed(old)
    assert cell.services.index.steering.policy("").limits.places == 2


async def test_versions_are_lost_between_pages(cell):
    for number in range(5):
        cell.clock.now += 1000
        await set_(cell, reason=f"change {number}", limits={"places": 1 + number % 2})
    found, cursor = [], None
    while True:
        page = (await cell.get(f"{ALL}/versions", limit=2, **({"cursor": cursor} if cursor else {}))).json()
        found += [(one["version"], one["reason"]) for one in page["versions"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [(6 - number, f"change {4 - number}") for number in range(5)]
    assert (await cell.get("/v1/sourcing/policies/store/versions")).json() == {"versions": [], "next_cursor": None}


async def test_a_repeated_change_is_made_twice(cell):
    first = await cell.write("PUT", ALL, body(limits={"places": 1}), "k")
    assert (await cell.write("PUT", ALL, body(limits={"places": 1}), "k")).text == first.text
    assert await set_(cell, limits={"places": 1}) == first.json()["version"], "what is no change is a version"


async def test_a_policy_of_one_channel_is_told_as_set_for_another(cell):
    assert (await cell.write("PUT", ALL, body(limits={"places": 1}), "k")).status_code == 200
    told(
        await cell.write("PUT", "/v1/sourcing/policies/store", body(limits={"places": 1}), "k"),
        422,
        "idempotency.key_reused",
    )


BAD = [
    (body(limits={"places": 6}), "body.invalid", "/policy/limits/places"),
    (body(costs={"split": 3}), "body.unknown_field", "/policy/costs/split"),
    (body(currency="usd"), "body.invalid", "/policy/currency"),
    (body(currency="EUR"), "sourcing.currency_not_accepted", "/policy/currency"),
    (body(reason=""), "body.invalid", "/reason"),
    ({"policy": {}}, "body.missing_field", "/reason"),
    (body(bans=[{"goods": "alcohol"}]), "sourcing.policy_invalid", None),
    (body(bans=[{"goods": "alcohol", "to": ["US\n"]}]), "body.invalid", "/policy/bans/0/to/0"),
    (body(bans=[{"goods": "alcohol\n", "to": ["US"]}]), "body.invalid", "/policy/bans/0/goods"),
    (body(bans=[{"goods": "alcohol", "to": ["US"], "source": "\0"}]), "body.invalid", "/policy/bans/0/source"),
    (body(bans=[{"goods": "alcohol", "to": ["US"], "source": "x" * 201}]), "body.invalid", "/policy/bans/0/source"),
    (body(carriers=[{"name": "ground\n", "zones": []}]), "body.invalid", "/policy/carriers/0/name"),
    (body(limits={"by_value": [{"below_minor": 5, "places": 3}, {"below_minor": 5, "places": 3}]}), "sourcing.policy_invalid", None),
    (body(carriers=[]), "sourcing.policy_excludes_all", None),
    (body(rules={"location_types": []}), "sourcing.policy_excludes_all", None),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "code", "pointer"), BAD)
async def test_a_policy_that_can_not_be_is_taken(cell, sent, code, pointer):
    before = cell.state()
    told(await cell.write("PUT", ALL, sent), 422, code, pointer)
    assert cell.state()[1:3] == before[1:3]
    assert not cell.services.index.steering.in_use


async def test_a_channel_that_there_is_not_gets_a_policy(cell):
    answer = await cell.write("PUT", "/v1/sourcing/policies/phone", body())
    told(answer, 422, "request.parameter_invalid")


async def test_a_manager_of_one_store_sets_the_policy_of_the_region(tmp_path):
    cell = GuardedCell(tmp_path)
    await furnish_with(cell, cell.bearer())
    before = cell.state()
    for headers in (cell.of_role("manager", locs=("us-st-portland",)), cell.bearer(locs=("us-wh-seattle",))):
        told(await cell.write("PUT", ALL, body(limits={"places": 1}), **headers), 403, "auth.location_forbidden")
    assert cell.state() == before
    assert not cell.services.index.steering.in_use
    answer = await cell.write("PUT", ALL, body(limits={"places": 1}), **cell.of_role("manager"))
    assert answer.status_code == 200, answer.text


async def test_a_policy_is_set_by_nobody(tmp_path):
    cell = GuardedCell(tmp_path)
    await furnish_with(cell, cell.bearer())
    headers = cell.of_role("manager", sub="us-acct-mia")
    assert (await cell.write("PUT", ALL, body(limits={"places": 1}), **headers)).status_code == 200
    stale = cell.of_role("manager", sub="us-acct-mia", auth_time=0)
    assert (await cell.write("PUT", ALL, body(limits={"places": 2}), **stale)).json()["code"] == "auth.step_up_required"
    page = await cell.http.get(f"{ALL}/versions", headers=cell.of_role("associate"))
    assert [one["set_by"] for one in page.json()["versions"]] == ["us-acct-mia"]
    (line,) = [line for line in cell.gateway.audited if line.act.action == "sourcing.set_policy"]
    assert line.act.changes == {"all.version": (None, 2)}
    await cell.http.aclose()
