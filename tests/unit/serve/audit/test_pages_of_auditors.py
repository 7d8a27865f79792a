"""A page of the audit leaves a line out, or shows one of where its reader has no rights."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.audit import Audited
from actors.runtime.audit_lines import Place
from tests.unit.serve.audit.test_audit_search import NOW_MS, ask
from tests.unit.serve.fake_audit import line
from tests.unit.serve.guarded_cell import GuardedCell

AUSTIN, PORTLAND = "us-st-austin", "us-st-portland"


@pytest.fixture
async def cell(tmp_path):
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


async def refusals(cell) -> list[Audited]:
    await cell.services.trail.close()
    return [found for found in cell.gateway.audited if found.act.action == "request.refused"]


@pytest.mark.parametrize("form", ["json", "csv", "ndjson"])
async def test_an_auditor_of_one_store_names_another_or_nobody_knows_which(cell, form):
    answer = await ask(cell, f"?location_id={PORTLAND}&format={form}", locs=(AUSTIN,), sub="us-acct-ada")
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.location_forbidden")
    assert cell.audit.asked == []
    [refused] = await refusals(cell)
    assert (refused.who.subject, refused.outcome, refused.entity_id) == (
        "us-acct-ada",
        "auth.location_forbidden",
        PORTLAND,
    )


async def test_an_auditor_of_two_stores_sees_neither_or_both_at_once(cell):
    both = (AUSTIN, PORTLAND)
    for place in both:
        assert (await ask(cell, f"?location_id={place}", locs=both)).status_code == 200
    asked = len(cell.audit.asked)
    assert (await ask(cell, locs=both)).json()["code"] == "auth.location_forbidden"
    assert len(cell.audit.asked) == asked


async def test_lines_between_a_full_page_and_where_the_search_was_broken_off_are_left_out(cell):
    cell.audit.broken_off = Place(NOW_MS + 1, 3, 1)
    first = (await ask(cell, "?limit=2")).json()
    assert [found["number"] for found in first["lines"]] == [5, 4]
    second = (await ask(cell, f"?limit=2&cursor={first['next_cursor']}")).json()
    assert [found["number"] for found in second["lines"]] == [3, 2]


async def test_a_page_goes_on_at_another_shard_s_line_of_the_same_moment(cell):
    cell.audit.found = [line(2), line(1)]
    cursor = (await ask(cell, "?limit=1")).json()["next_cursor"]
    await ask(cell, f"?limit=1&cursor={cursor}")
    assert cell.audit.asked[-1][1] == Place(NOW_MS + 2, 3, 2)


async def test_a_device_of_another_region_is_taken_for_none(cell):
    answer = await ask(cell, f"?device=eu-device-{'0' * 26}&action=order.")
    assert (answer.status_code, answer.json()["code"], answer.json()["region"]) == (421, "region.misdirected", "eu")
    assert cell.audit.asked == []


async def test_what_is_kept_elsewhere_has_no_chain_to_be_checked_by(cell):
    cell.audit.found = [msgspec.structs.replace(line(1), chain=b"\x0a\xff")]
    assert (await ask(cell)).json()["lines"][0]["chain"] == "0aff"


@pytest.mark.parametrize("text", ["+1", "-1", "@x", "\t=1", "\r=1", "=1"])
async def test_a_word_that_a_spreadsheet_takes_for_a_formula_is_run_there(cell, text):
    cell.audit.found = [line(1, why=text)]
    assert f"'{text}" in (await ask(cell, "?format=csv")).text


async def test_a_time_is_written_for_a_spreadsheet_in_another_way(cell):
    cell.audit.found = [line(1)]
    assert "\r\n2026-01-01T00:00:00.001000+00:00," in (await ask(cell, "?format=csv")).text


@pytest.mark.parametrize("query", ["?address=203.0.113.7", "?behalf=c-77&action=order."])
async def test_whoever_is_looked_for_without_keys_is_everybody(cell, monkeypatch, query):
    monkeypatch.setattr(cell.services, "keys", None)
    answer = await ask(cell, query)
    assert (answer.status_code, answer.json()["code"]) == (503, "auth.unavailable")
    assert cell.audit.asked == []
