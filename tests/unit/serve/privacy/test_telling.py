"""What is kept of a person is told by a link or a picture, changes something when it is only looked at, or
stays behind somewhere."""

import re

from serve.endpoint_needs import NEEDS
from tests.unit.serve.post_office import bearer
from tests.unit.serve.privacy.office import DATA, PATH, ask_mine, customer, exported, proved
from tests.unit.serve.test_headers import check_hardened


async def test_a_look_at_a_request_changes_it(cell):
    tokens, orders = await customer(cell)
    own = await ask_mine(cell, tokens, "access")
    request_id, before, fine = await proved(cell, "gdpr", "access"), cell.state(), 0
    for method, template in NEEDS:
        if method != "GET" or template == "/v1/live":  # a stream has no end
            continue
        for headers, request in ((cell.of_role("privacy"), request_id), (bearer(tokens), own["request_id"])):
            there = {"request_id": request, "order_id": orders[0]}
            path = re.sub(r"\{(\w+)\}", lambda found, there=there: there.get(found[1], "us-x"), template)
            fine += (await cell.http.get(path, headers=headers)).status_code == 200
    for path, headers in ((f"{PATH}/{request_id}/export", cell.of_role("privacy")), (DATA, bearer(tokens))):
        assert (await cell.http.get(path, headers=headers)).status_code == 405
    assert fine > 5
    assert cell.state() == before


async def test_all_that_is_kept_of_a_person_is_kept_by_a_cache(cell):
    tokens, _ = await customer(cell)
    await ask_mine(cell, tokens, "access")
    request_id = await proved(cell, "gdpr", "access")
    for answer in (
        await exported(cell, request_id), await exported(cell, request_id, "?format=html"), await cell.http.post(DATA, headers=bearer(tokens)),
    ):  # fmt: skip
        assert answer.status_code == 200, answer.text
        check_hardened(answer)
        assert "<script" not in answer.text, "it could put something away in the browser"
