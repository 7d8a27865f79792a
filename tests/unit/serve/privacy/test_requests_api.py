"""A request is written down wrongly, handled before it is known who asks, by somebody who may not, or too late. What
the request itself decides: tests/unit/domain/."""

import msgspec
import pytest

from actors.domain.privacy_commands import ConfirmIdentity
from actors.domain.times import DAY_MS, moment
from actors.runtime.sharding import digest_of
from serve.privacy import steps
from serve.privacy.endpoints import RECEIVED_AGO_DAYS
from tests.unit.serve.post_office import bearer, coded, joined
from tests.unit.serve.privacy.office import (
    DATA,
    EMAIL,
    PATH,
    PLANTED,
    REF,
    asked,
    customer,
    exported,
    kept,
    over,
    proved,
    step,
    stepped,
)


async def test_what_was_typed_to_find_the_person_is_kept(cell):
    request_id = await asked(cell)
    everything = kept(cell)
    assert request_id in everything
    assert [word for word in PLANTED if word in everything] == []
    # Nor a digest by which somebody could try out what was typed.
    _, orders = await customer(cell)
    typed = msgspec.json.encode({"law": "gdpr", "right": "access", "email": EMAIL})
    assert (await cell.post(PATH, typed, **cell.of_role("privacy"))).status_code == 201
    request_id = await proved(cell, "gdpr", "rectification")
    step_typed = msgspec.json.encode(
        {"step": "rectify", "order_id": orders[2], "correction": {"street": "14 Larkspur Close"}}
    )
    answer = await cell.post(f"{PATH}/{request_id}/steps", step_typed, **cell.of_role("privacy"))
    assert answer.status_code == 200, answer.text
    digests = {digest for digest, _ in cell.gateway.remembered.values()}
    assert not {digest_of(typed), digest_of(step_typed)} & digests


@pytest.mark.parametrize(
    ("sent", "code", "pointer"),
    [
        ({"law": "gdpr", "right": "access"}, "body.invalid", ""),
        ({"law": "gdpr", "right": "access", "email": "not one"}, "email.invalid", "/email"),
        ({"law": "gdpr", "right": "access", "customer_id": "eu-cust-" + "0" * 26}, "body.invalid", "/customer_id"),
        ({"law": "gdpr", "right": "access", "customer_ref": "c", "agent": "a b"}, "body.invalid", "/agent"),
        ({"law": "gdpr", "right": "access", "customer_ref": "c", "received_at": "2031-01-01T00:00:00Z"}, "body.invalid", "/received_at"),
        ({"law": "gdpr", "right": "access", "customer_ref": "c", "received_at": "2020-01-01T00:00:00Z"}, "body.invalid", "/received_at"),
    ],
)  # fmt: skip
async def test_a_request_that_names_nobody_or_nonsense_is_written_down(cell, sent, code, pointer):
    before = cell.state()
    answer = await cell.post(PATH, sent, **cell.of_role("privacy"))
    assert (*coded(answer), answer.json()["errors"][0]["pointer"]) == (422, code, pointer)
    assert cell.state() == before


async def test_a_right_of_another_law_is_written_down(cell):
    sent = {"law": "gdpr", "right": "opt_out", "customer_ref": REF}
    assert coded(await cell.post(PATH, sent, **cell.of_role("privacy"))) == (422, "privacy.right_not_of_law")


async def test_the_deadline_counts_from_when_it_was_written_down(cell):
    received = cell.clock.now - 10 * DAY_MS
    at = _iso(received)
    answer = await cell.post(
        PATH, {"law": "lgpd", "right": "access", "customer_ref": REF, "received_at": at}, **cell.of_role("privacy")
    )
    assert answer.json()["deadline_at"] == _iso(received + 15 * DAY_MS)


async def test_a_request_that_was_written_down_is_refused_as_too_old_when_it_is_sent_again(cell):
    at = _iso(cell.clock.now - RECEIVED_AGO_DAYS * DAY_MS + 60_000)
    sent = {"law": "lgpd", "right": "access", "customer_ref": REF, "received_at": at}
    first = await cell.post(PATH, sent, "the-key", **cell.of_role("privacy"))
    assert first.status_code == 201, first.text
    cell.clock.now += 120_000
    again = await cell.post(PATH, sent, "the-key", **cell.of_role("privacy"))
    assert (again.status_code, again.json()) == (201, first.json())
    late = await cell.post(PATH, sent, "another-key", **cell.of_role("privacy"))
    assert (*coded(late), late.json()["errors"][0]["pointer"]) == (422, "body.invalid", "/received_at")


def _iso(ms):
    return moment(ms).isoformat().replace("+00:00", "Z")


async def test_an_extension_is_given_twice_or_where_the_law_has_none(cell):
    request_id = await asked(cell, "gdpr", "access")
    told = await stepped(cell, request_id, "extend", reason="complex")
    assert told["extended"] == "complex"
    assert coded(await step(cell, request_id, "extend", reason="complex")) == (409, "privacy.extended_already")
    assert coded(await step(cell, await asked(cell, "lgpd", "access"), "extend", reason="complex")) == (
        409, "privacy.no_extension",
    )  # fmt: skip


async def test_something_is_done_before_it_is_known_who_asks(cell):
    _, orders = await customer(cell)
    await over(cell, *orders)
    for law, right, name, more in (
        ("gdpr", "erasure", "erase", {}), ("ccpa", "delete", "erase", {}), ("gdpr", "restriction", "restrict", {}),
        ("gdpr", "object", "opt_out", {}),
        ("lgpd", "rectification", "rectify", {"order_id": orders[0], "correction": {"street": "x"}}),
    ):  # fmt: skip
        request_id = await asked(cell, law, right)
        before = cell.state()[0]
        assert coded(await step(cell, request_id, name, **more)) == (409, "privacy.identity_unconfirmed")
        assert coded(await step(cell, request_id, "complete")) == (409, "privacy.identity_unconfirmed")
        assert cell.state()[0] == before
    request_id = await asked(cell, "gdpr", "access")
    answer = await exported(cell, request_id)
    assert coded(answer) == (409, "privacy.identity_unconfirmed")
    assert answer.json()["missing"] == ["email", "customer_ref"]
    assert [word for word in PLANTED if word in answer.text.lower()] == []


async def test_an_agent_acts_for_somebody_who_has_not_said_so(cell):
    request_id = await asked(cell, "ccpa", "know", agent="agent-7", customer_ref=None)
    told = await stepped(cell, request_id, "confirm_identity", method="agent_mandate", evidence="mandate-7")
    assert (told["status"], told["missing"]) == ("received", ["email"])
    assert coded(await exported(cell, request_id)) == (409, "privacy.identity_unconfirmed")
    told = await stepped(cell, request_id, "confirm_identity", method="code_by_email", evidence="code-8")
    assert told["status"] == "confirmed"
    assert (await exported(cell, request_id)).status_code == 200


async def test_a_proof_of_ones_own_address_opens_what_is_kept_under_somebody_elses_reference(cell):
    _, orders = await customer(cell)
    await over(cell, *orders)
    mallory = await joined(cell, "mallory@example.net")
    for right, name, more in (
        ("access", "", {}), ("erasure", "erase", {}), ("restriction", "restrict", {}),
        ("rectification", "rectify", {"order_id": orders[2], "correction": {"street": "x"}}),
    ):  # fmt: skip
        request_id = await asked(cell, "gdpr", right, email="mallory@example.net")
        told = await stepped(cell, request_id, "confirm_identity", method="code_by_email", evidence="case-9")
        assert (told["status"], told["missing"]) == ("received", ["customer_ref"])
        before = cell.state()[0]
        answer = await (step(cell, request_id, name, **more) if name else exported(cell, request_id))
        assert (coded(answer), answer.json()["missing"]) == ((409, "privacy.identity_unconfirmed"), ["customer_ref"])
        assert cell.state()[0] == before
    # One that was carried to its end by such a proof, before it was asked of what: he reads
    # what was done with it himself.
    old = await asked(cell, "gdpr", "access", email="mallory@example.net")
    await stepped(cell, old, "confirm_identity", method="code_by_email", evidence="case-9")
    cell.gateway.entities["privacy_request", old][0].status = "completed"
    answer = await cell.http.post(DATA, headers=bearer(mallory))
    assert coded(answer) == (403, "privacy.no_request")


@pytest.mark.parametrize("sent", [
    {"step": "confirm_identity", "method": "id_document", "evidence": "x", "covers": []},
    {"step": "confirm_identity", "method": "code_by_email", "evidence": "x", "covers": ["customer_ref"]},
    {"step": "confirm_identity", "method": "id_document", "covers": ["email"]}, {"step": "extend"}, {"step": "refuse", "reason": "complex"},
    {"step": "extend", "reason": "no_data"}, {"step": "erase", "order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab"},
    {"step": "rectify", "order_id": "us-01kah2v3nq7h3k2m9qk4t1x0ab"}, {"step": "export"}, {"step": "complete", "evidence": "x"},
])  # fmt: skip
async def test_a_step_lacks_something_or_has_anothers(cell, sent):
    request_id = await proved(cell)
    before = cell.state()
    answer = await cell.post(f"{PATH}/{request_id}/steps", sent, **cell.of_role("privacy"))
    assert answer.status_code == 422, answer.text
    assert cell.state() == before


async def test_an_old_proof_of_the_officer_is_enough_to_tell_or_change_somebodys_data(cell):
    _, orders = await customer(cell)
    await over(cell, *orders)
    request_id = await proved(cell, "gdpr", "access")
    stale = cell.of_role("privacy", auth_time=cell.clock.now // 1000 - 301)
    before = cell.state()
    for answer in (
        await cell.http.post(f"{PATH}/{request_id}/export", headers=stale),
        await cell.post(f"{PATH}/{request_id}/steps", {"step": "erase"}, **stale),
    ):
        assert coded(answer) == (401, "auth.step_up_required")
    assert cell.state() == before


async def test_somebody_with_rights_at_one_place_handles_requests_of_the_region(cell):
    here = cell.of_role("privacy", locs=("us-wh-seattle",))
    request_id = await asked(cell)
    answers = [
        await cell.post(PATH, {"law": "gdpr", "right": "access", "customer_ref": REF}, **here),
        await cell.http.get(PATH, headers=here),
        await cell.http.get(f"{PATH}/{request_id}", headers=here),
        await cell.http.post(f"{PATH}/{request_id}/export", headers=here),
        await cell.post(f"{PATH}/{request_id}/steps", {"step": "complete"}, **here),
    ]
    assert [coded(answer) for answer in answers] == [(403, "auth.location_forbidden")] * 5


async def test_the_list_leaves_the_nearest_deadline_for_the_last_page(cell):
    ids = [await asked(cell, law, right, received_at=None) for law, right in (
        ("ccpa", "delete"), ("gdpr", "erasure"), ("lgpd", "erasure"), ("gdpr", "access"),
    )]  # fmt: skip
    await stepped(cell, ids[3], "refuse", reason="no_data")
    headers, told = cell.of_role("privacy"), []
    page = (await cell.http.get(PATH, params={"limit": 2}, headers=headers)).json()
    told += page["requests"]
    page = (await cell.http.get(PATH, params={"limit": 2, "cursor": page["next_cursor"]}, headers=headers)).json()
    told += page["requests"]
    assert page["next_cursor"] is None
    assert [one["request_id"] for one in told] == [ids[2], ids[1], ids[0]], "what is closed is not open"
    refused = (await cell.http.get(PATH, params={"status": "refused"}, headers=headers)).json()["requests"]
    assert [one["request_id"] for one in refused] == [ids[3]]
    assert coded(await cell.http.get(PATH, params={"status": "late"}, headers=headers)) == (
        422,
        "request.parameter_invalid",
    )


async def test_a_request_of_another_region_or_of_no_form_is_looked_for(cell):
    for request_id in (
        "eu-privacy-01kah2v3nq7h3k2m9qk4t1x0ab",
        "us-privacy-X",
        "us-privacy-01kah2v3nq7h3k2m9qk4t1x0ab",
    ):
        answer = await cell.http.get(f"{PATH}/{request_id}", headers=cell.of_role("privacy"))
        assert coded(answer) == (404, "privacy.unknown")
        assert coded(await step(cell, request_id, "complete")) == (404, "privacy.unknown")


async def test_a_repeated_call_makes_another_request(cell):
    sent = {"law": "gdpr", "right": "access", "customer_ref": REF}
    first = await cell.post(PATH, sent, "k-1", **cell.of_role("privacy"))
    cell.clock.now += 5_000
    again = await cell.post(PATH, sent, "k-1", **cell.of_role("privacy"))
    assert first.json() == again.json()
    assert sum(kind == "privacy_request" for kind, _ in cell.gateway.entities) == 1


async def test_a_document_that_an_earlier_release_took_is_refused_to_the_officer_who_lost_the_answer(cell, monkeypatch):
    async def taken(sent, by):
        return ConfirmIdentity(sent.method, sent.evidence, by)

    request_id = await asked(cell)
    sent = {"method": "id_document", "evidence": "case-1"}
    with monkeypatch.context() as earlier:
        earlier.setattr(steps, "_confirmation", taken)
        first = await step(cell, request_id, "confirm_identity", "the-key", **sent)
    assert first.status_code == 200, first.text
    before = cell.state()[0]
    again = await step(cell, request_id, "confirm_identity", "the-key", **sent)
    assert (again.status_code, again.json()) == (200, first.json())
    other = await step(cell, request_id, "confirm_identity", "another-key", **sent)
    assert coded(other) == (422, "body.missing_field")
    assert [error["pointer"] for error in other.json()["errors"]] == ["/covers"]
    assert cell.state()[0] == before
