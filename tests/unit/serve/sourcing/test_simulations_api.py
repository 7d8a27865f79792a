"""What-ifs through the API, from orders that were placed through it; the play itself is in
`tests/unit/domain/test_what_if.py`."""

import asyncio
import copy

import pytest

from actors.domain.data_key import DestroyKey, Restrict
from actors.domain.simulations import LEASE_MS
from actors.domain.what_if_report import WhatIf
from actors.domain.what_if_terms import Past, WhatIfTerms
from serve.keys.envelope import key_of
from serve.sourcing.playing import PlayerGone, spawned
from tests.unit.serve.guarded_cell import GuardedCell
from tests.unit.serve.small_cell import furnish_with, order

URL = "/v1/sourcing/simulations"
FROM, TO = "2026-01-01T00:00:00Z", "2026-01-01T06:00:00Z"
HOUR = 3_600_000
PORTLAND, NEWARK = "us-st-portland", "us-wh-newark"


async def here(pieces, told):
    """Plays in the test's own process, as `player.py` does in another."""
    past = None
    async for piece in pieces:
        if isinstance(piece, WhatIfTerms):
            past = Past(piece)
        else:
            past.add(piece)
    what_if = WhatIf(past)
    for done in what_if.steps():
        await told(done, what_if.total)
    return what_if.report


def asked(policy=None, **more):
    return {"policy": policy or {}, "from": FROM, "to": TO} | more


async def set_policy(cell, headers=None, **policy):
    body = {"reason": "test", "policy": policy}
    answer = await cell.write("PUT", "/v1/sourcing/policies/all", body, **(headers or {}))
    assert answer.status_code == 200, answer.text


async def over(cell, answer, headers=None):
    """What came of it."""
    assert answer.status_code == 202, answer.text
    path = answer.headers["location"]
    for _ in range(2_000):
        found = await cell.http.get(path, headers=headers or {})
        if found.status_code != 202:
            assert found.status_code == 200, found.text
            return found.json()
        await asyncio.sleep(0)
    raise AssertionError("it does not end")


async def placed_past(cell, headers=None):
    """A policy, and orders over four hours: two that Portland has nearest, one with two SKUs, one of which there is not
    enough, one that is cancelled."""
    headers = headers or {}
    await set_policy(cell, headers)
    cell.services.playing = here
    portland = {"country": "US", "lat": 45.5, "lon": -122.7}
    out = []
    for to, *lines in (
        (portland, ("A1", 2)),
        (portland, ("A1", 2)),
        ({}, ("B 2", 1), ("C3", 1)),
        ({}, ("C3", 9)),
        ({}, ("A1", 1)),
    ):
        cell.clock.now += HOUR // 2
        body = order(*lines, **({"ship_to": to} if to else {}))
        answer = await cell.post("/v1/orders", body, **headers)
        assert answer.status_code == 201, answer.text
        out.append(answer.json()["order_id"])
    answer = await cell.post(f"/v1/orders/{out[-1]}/updates", {"update": "cancel"}, **headers)
    assert answer.status_code == 200, answer.text
    cell.clock.now += 8 * HOUR
    return out


def told(answer, status, code, pointer=None):
    found = answer.json()
    assert (answer.status_code, found["code"]) == (status, code), answer.text
    if pointer is not None:
        assert found["errors"][0]["pointer"] == pointer


async def test_a_replay_of_what_happened_is_something_else_or_a_policy_changes_nothing(cell):
    await placed_past(cell)
    done = await over(cell, await cell.post(URL, asked({"rules": {"ship_from_store": False}})))
    assert (done["status"], done["code"], done["channel"]) == ("done", "", "all")
    result = done["result"]
    assert (result["in_period"], result["sampled"], result["left_out"]) == (5, 5, {})
    assert result["agreement"] == {
        "orders": 5, "same": 5, "same_percent": 100.0, "units": 11, "units_same": 11, "units_missing": 0,
    }  # fmt: skip
    record, replay, changed = result["record"], result["replay"], result["changed"]
    assert record["costs_milli"] == replay["costs_milli"]
    assert (record["units_at_once"], record["units_waiting"], record["stock_outs"]) == (
        replay["units_at_once"], replay["units_waiting"], replay["stock_outs"],
    )  # fmt: skip
    assert {one["location_id"]: one["units"] for one in replay["places"]}[PORTLAND] == 2
    assert PORTLAND not in {one["location_id"] for one in changed["places"]}
    assert (replay["orders"], replay["units"], replay["stock_out_units"], replay["stock_outs"]) == (
        5, 16, 5, [{"sku": "C3", "orders": 1, "units": 5}],
    )  # fmt: skip
    assert result["differences"]["split"] == changed["split"] - replay["split"] == 0
    assert result["differences"]["km_mean"] > 0
    assert replay["km_told"] > 0
    assert replay["km_unknown"] == 0


async def test_demand_has_no_part_in_a_play_or_goods_that_end_are_served_by_nobody_in_it(cell):
    await placed_past(cell)
    for place, units in ((PORTLAND, 0.01), ("us-wh-seattle", 50)):
        rate = {"sku": "A1", "units_per_day": units, "from": "2025-10-01", "until": "2025-12-31"}
        assert (await cell.write("PUT", f"/v1/locations/{place}/demand-rates", {"rates": [rate]})).is_success
    skus = [{"sku": "A1", "tracking": "lot", "expires": True, "min_life_days": 30}]
    assert (await cell.post("/v1/skus", {"skus": skus})).is_success
    done = await over(cell, await cell.post(URL, asked({"costs": {"supply_minor": 2_000}})))
    units = {
        name: {one["location_id"]: one["units"] for one in done["result"][name]["places"]}
        for name in ("replay", "changed")
    }
    assert (units["replay"][PORTLAND], units["changed"][PORTLAND]) == (2, 3)
    assert done["result"]["replay"]["stock_out_units"] == done["result"]["changed"]["stock_out_units"] == 5


async def test_a_simulation_moves_stock_or_sends_a_command_to_anything_but_its_own(cell):
    await placed_past(cell)
    before = copy.deepcopy({key: one for key, one in cell.gateway.entities.items() if key[0] != "simulations"})
    ledger = list(cell.gateway.ledger)
    calls, asks = cell.gateway.calls, []
    original = cell.gateway.ask

    async def watched(kind, entity_id, command, **more):
        asks.append(kind)
        return await original(kind, entity_id, command, **more)

    cell.gateway.ask = watched
    calls.clear()
    done = await over(cell, await cell.post(URL, asked({"limits": {"places": 1}})))
    assert done["status"] == "done"
    assert set(asks) == {"simulations"}
    assert {kind for kind, _ in calls} <= {"simulations", "sourcing_policies"}
    assert not any(kind == "location" for kind, _ in calls)
    after = {key: one for key, one in cell.gateway.entities.items() if key[0] != "simulations"}
    assert after.keys() == before.keys()
    assert {key: version for key, (_, version) in after.items()} == {
        key: version for key, (_, version) in before.items()
    }
    assert cell.gateway.ledger == ledger
    assert not cell.gateway.outbox


async def test_a_second_one_runs_beside_the_first_or_a_cancelled_one_goes_on(cell):
    await placed_past(cell)
    gate, ended = asyncio.Event(), []

    async def waiting(pieces, tell):
        async for _ in pieces:
            pass
        await gate.wait()
        cell.clock.now += 10_000
        try:
            await tell(1, 2)
        finally:
            ended.append(True)
        raise AssertionError("it was not told that it is over")

    cell.services.playing = waiting
    first = await cell.post(URL, asked(), "k")
    await asyncio.sleep(0)
    path = first.headers["location"]
    running = await cell.http.get(path)
    assert (running.status_code, running.json()["status"], running.json()["result"]) == (202, "running", None)
    assert (await cell.post(URL, asked(), "k")).json()["simulation_id"] == first.json()["simulation_id"]
    told(await cell.post(URL, asked()), 429, "simulation.busy")
    cancelled = await cell.post(f"{path}/cancellation", {})
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    cell.services.playing = here
    second = await cell.post(URL, asked())
    gate.set()
    assert (await over(cell, second))["status"] == "done"
    for _ in range(100):
        await asyncio.sleep(0)
    assert ended == [True]
    listed = (await cell.get(URL)).json()["simulations"]
    assert [(one["status"], one["result"]) for one in listed] == [("done", None), ("cancelled", None)]
    told(await cell.post(f"{second.headers['location']}/cancellation", {}), 409, "simulation.over")


async def test_what_its_replica_took_with_it_runs_for_ever(cell):
    await placed_past(cell)

    async def gone(pieces, tell):
        await asyncio.get_running_loop().create_future()

    cell.services.playing = gone
    first = await cell.post(URL, asked())
    cell.clock.now += LEASE_MS
    cell.services.playing = here
    second = await over(cell, await cell.post(URL, asked()))
    assert second["status"] == "done"
    lost = (await cell.http.get(first.headers["location"])).json()
    assert (lost["status"], lost["code"]) == ("failed", "simulation.interrupted")


@pytest.mark.parametrize(
    ("error", "code"), [(PlayerGone(), "player_gone"), (TimeoutError(), "too_long"), (KeyError(), "fault")]
)
async def test_what_goes_wrong_is_not_told(cell, error, code):
    await placed_past(cell)

    async def failing(pieces, tell):
        raise error

    cell.services.playing = failing
    assert (await over(cell, await cell.post(URL, asked())))["code"] == f"simulation.{code}"


async def test_it_is_not_told_that_the_store_is_away(cell):
    await placed_past(cell)
    cell.read_model.away = True
    assert (await over(cell, await cell.post(URL, asked())))["code"] == "simulation.store_unavailable"


async def test_more_orders_than_asked_for_are_played_or_others_the_next_time(cell):
    await placed_past(cell)
    once, again = [(await over(cell, await cell.post(URL, asked(orders_max=2))))["result"] for _ in range(2)]
    assert once == again
    assert (once["in_period"], once["sampled"] <= 2) == (5, True)
    assert once["agreement"]["same"] == once["agreement"]["orders"] == once["sampled"]


async def test_orders_of_another_channel_or_time_are_played(cell):
    await placed_past(cell)
    for more in ({"channel": "store"}, {"from": "2026-01-01T04:00:00Z"}):
        result = (await over(cell, await cell.post(URL, asked(**more))))["result"]
        assert (result["in_period"], result["replay"]["orders"], result["replay"]["km_p90"]) == (0, 0, None)


async def test_orders_without_a_decision_are_played_or_not_counted(cell):
    cell.services.playing = here
    await cell.placed(("A1", 2))
    cell.clock.now += 8 * HOUR
    result = (await over(cell, await cell.post(URL, asked())))["result"]
    assert (result["sampled"], result["left_out"], result["replay"]["orders"]) == (1, {"no_decision": 1}, 0)


BAD = [
    (asked(to=FROM), "simulation.period_invalid", "/to"),
    (asked(to="2027-01-01T00:00:00Z"), "simulation.period_invalid", "/to"),
    (asked(**{"from": "2025-06-01T00:00:00Z"}), "simulation.period_invalid", "/to"),
    (asked(orders_max=0), "body.invalid", "/orders_max"),
    (asked(orders_max=5_001), "body.invalid", "/orders_max"),
    (asked(channel="web"), "body.invalid", "/channel"),
    (asked({"currency": "EUR"}), "sourcing.currency_not_accepted", "/policy/currency"),
    (asked({"carriers": []}), "sourcing.policy_excludes_all", None),
    (asked({"limits": {"places": 1, "by_value": [{"below_minor": 5, "places": 2}]}}), "sourcing.policy_invalid", None),
    (asked(stock="live"), "body.unknown_field", "/stock"),
    ({"policy": {}, "to": TO}, "body.missing_field", "/from"),
]


@pytest.mark.parametrize(("body", "code", "pointer"), BAD, ids=range(len(BAD)))
async def test_what_can_t_be_played_begins(cell, body, code, pointer):
    cell.clock.now += 8 * HOUR
    before = cell.state()
    told(await cell.post(URL, body), 422, code, pointer)
    assert cell.state()[:2] == before[:2]


async def test_what_is_not_written_down_yet_is_left_out_in_silence(cell):
    told(
        await cell.post(URL, asked(to="2026-01-01T00:00:00Z", **{"from": "2025-12-31T00:00:00Z"})),
        503,
        "simulation.not_fresh",
    )
    told(await cell.get(f"{URL}/us-whatif-x"), 404, "simulation.unknown")
    told(await cell.post(f"{URL}/us-whatif-x/cancellation", {}), 404, "simulation.unknown")
    told(await cell.get(f"{URL}/eu-whatif-x"), 421, "region.misdirected")
    told(await cell.post(f"{URL}/eu-whatif-x/cancellation", {}), 421, "region.misdirected")


# --- people ---------------------------------------------------------------------------------------------------------
@pytest.fixture
async def guarded(tmp_path):
    made = GuardedCell(tmp_path)
    headers = made.bearer(acr="2", auth_time=made.clock.now // 1000)
    await furnish_with(made, headers)
    yield made
    await made.http.aclose()


def all_rights(cell):
    return cell.bearer(acr="2", auth_time=cell.clock.now // 1000)


async def test_distances_are_opened_without_a_line_in_the_audit_or_of_whom_nobody_may_read(guarded):
    cell = guarded
    headers = all_rights(cell)
    await set_policy(cell, headers)
    cell.services.playing = here
    ids = []
    for number in range(4):
        cell.clock.now += 10_000
        body = order(("A1", 1), customer={"customer_ref": f"c-{number}", "country": "US"})
        answer = await cell.post("/v1/orders", body, **headers)
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["order_id"])
    sealed = [cell.gateway.entities["order", one][0].sealed for one in ids]
    for number, command in ((0, DestroyKey()), (1, Restrict(restricted=True))):
        key = key_of(sealed[number])
        reply = await cell.gateway.ask("data_key", key, command, command_id=f"x{number}", digest=number)
        assert reply.status == 0, reply
    cell.clock.now += 8 * HOUR
    headers = all_rights(cell)
    cell.gateway.audited.clear()
    answer = await cell.post(URL, asked(), **headers)
    result = (await over(cell, answer, headers))["result"]
    assert result["left_out"] == {"erased": 1, "restricted": 1}
    assert (result["replay"]["orders"], result["agreement"]["same"]) == (2, 2)
    actions = [line.act.action for line in cell.gateway.audited]
    assert actions.count("order.read_distances") == 1
    assert actions.count("simulation.begin") == 1
    for secret in ("47.61", "98101", "c-2"):
        assert secret not in str(result)


@pytest.mark.parametrize("role", ["associate", "fulfilment", "support", "driver", "auditor", "privacy"])
async def test_somebody_who_may_not_set_policies_tries_them(guarded, role):
    told(await guarded.post(URL, asked(), **guarded.of_role(role)), 403, "auth.forbidden")
    told(await guarded.http.get(f"{URL}/us-whatif-x", headers=guarded.of_role(role)), 403, "auth.forbidden")


async def test_a_manager_of_one_place_or_with_an_old_proof_tries_them(guarded):
    cell = guarded
    told(await cell.post(URL, asked(), **cell.of_role("manager", locs=(PORTLAND,))), 403, "auth.location_forbidden")
    told(await cell.post(URL, asked(), **cell.of_role("manager", auth_time=1)), 401, "auth.step_up_required")
    told(await cell.http.get(f"{URL}/us-whatif-x", headers=cell.of_role("manager")), 404, "simulation.unknown")


# --- the process ----------------------------------------------------------------------------------------------------
async def test_a_player_of_its_own_tells_something_else_or_stays_when_it_is_not_wanted(cell):
    await placed_past(cell)
    seen = {}

    async def both(pieces, tell):
        kept = [piece async for piece in pieces]

        async def again():
            for piece in kept:
                yield piece

        seen["here"] = await here(again(), tell)
        seen["there"] = await spawned(again(), tell)

        async def broken():
            yield kept[0]

        with pytest.raises(PlayerGone):
            await spawned(broken(), tell)
        return seen["there"]

    cell.services.playing = both
    answer = await cell.post(URL, asked({"limits": {"places": 2}}))
    (task,) = [task for task in asyncio.all_tasks() if task.get_coro().__name__ == "_run"]
    await task
    done = (await cell.http.get(answer.headers["location"])).json()
    assert done["status"] == "done", done
    assert seen["here"] == seen["there"]
