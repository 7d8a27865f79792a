"""An order's address was wrong and has been corrected; whoever reads the wrong mailbox goes on following the order."""

import pytest

from tests.unit.serve.post_office import bearer, coded
from tests.unit.serve.privacy.office import EMAIL, body, letters_left, placed, proved, step

RIGHT = "right.one@example.net"


async def code_for(cell, order_id, email=EMAIL):
    asked = await cell.plain("/v1/guest/codes", {"order_id": order_id, "email": email})
    assert asked.status_code == 202
    return letters_left(cell)[-1][1]


async def attempt(cell, order_id, code):
    return await cell.plain("/v1/guest/sessions", {"order_id": order_id, "code": code})


async def corrected(cell, order_id, **correction):
    request_id = await proved(cell, "gdpr", "rectification")
    answer = await step(cell, request_id, "rectify", order_id=order_id, correction=correction)
    assert answer.status_code == 200, answer.text


async def test_a_code_that_went_to_the_wrong_mailbox_opens_the_corrected_order(cell):
    order_id = await placed(cell, body())
    old = await code_for(cell, order_id)
    await corrected(cell, order_id, email=RIGHT, street="99 New Way")
    assert coded(await attempt(cell, order_id, old)) == (401, "code.refused")
    assert (await attempt(cell, order_id, await code_for(cell, order_id, RIGHT))).status_code == 200


async def test_a_guest_of_the_wrong_mailbox_reads_or_cancels_the_corrected_order(cell):
    order_id = await placed(cell, body())
    guest = bearer((await attempt(cell, order_id, await code_for(cell, order_id))).json())
    await corrected(cell, order_id, email=RIGHT, street="99 New Way")
    before = cell.gateway.entities["order", order_id]
    for path in (f"/v1/orders/{order_id}", f"/v1/orders/{order_id}/shipments"):
        assert coded(await cell.http.get(path, headers=guest)) == (404, "order.unknown")
    for path, wanted in (("updates", {"update": "cancel"}), ("changes", {"ship_to": {"country": "US"}}), ("here", {})):
        answer = await cell.post(f"/v1/orders/{order_id}/{path}", wanted, **guest)
        assert answer.status_code in (403, 404), (path, answer.text)
    assert cell.gateway.entities["order", order_id] == before


@pytest.mark.parametrize("correction", [{"phone": "+1 206 555 0000"}, {"email": EMAIL.upper()}])
async def test_a_guest_is_sent_away_because_something_else_was_corrected(cell, correction):
    order_id = await placed(cell, body())
    guest = bearer((await attempt(cell, order_id, await code_for(cell, order_id))).json())
    code = await code_for(cell, order_id)
    await corrected(cell, order_id, **correction)
    assert (await cell.http.get(f"/v1/orders/{order_id}", headers=guest)).status_code == 200
    assert (await attempt(cell, order_id, code)).status_code == 200


async def test_two_orders_of_one_mailbox_are_known_for_one_persons_by_their_sessions(cell):
    ids = [await placed(cell, body()) for _ in range(2)]
    marks = set()
    for order_id in ids:
        tokens = (await attempt(cell, order_id, await code_for(cell, order_id))).json()
        principal = cell.services.guard.caller(
            {"type": "http", "headers": [(b"authorization", bearer(tokens)["Authorization"].encode())]}
        )
        marks.add(principal.session_id.split(".")[1])
    assert len(marks) == 2


async def test_a_token_of_before_mailboxes_were_named_is_a_fault_or_opens_the_order(cell):
    order_id = await placed(cell, body())
    for session_id in (f"{order_id}.0123456789abcdef", order_id, "us-x.1"):
        old = cell.of_role("guest", sub=order_id, sid=session_id)
        assert coded(await cell.http.get(f"/v1/orders/{order_id}", headers=old)) == (404, "order.unknown")
