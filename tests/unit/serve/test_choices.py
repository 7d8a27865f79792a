"""Who sends a word that a field does not know is told which it knows."""

import pytest

from tests.unit.serve.small_cell import order

ORDER = "/v1/orders/us-01kah2v3nq7h3k2m9qk4t1x0ab"


@pytest.mark.parametrize(
    ("path", "body", "pointer", "some"),
    [
        (f"{ORDER}/updates", {"update": "explode"}, "/update", {"start_picking", "cancel"}),
        ("/v1/order-updates", {"updates": [{"order_id": "us-x", "update": "explode"}]}, "/updates/0/update", {"ship"}),
        ("/v1/orders", order(channel="fax"), "/channel", {"online", "store"}),
        ("/v1/skus", {"skus": [{"sku": "E5", "temperature": "hot"}]}, "/skus/0/temperature", {"ambient", "frozen"}),
    ],
)
async def test_a_word_that_is_not_known_leaves_one_to_guess(cell, path, body, pointer, some):
    answer = await cell.post(path, body)
    told = answer.json()
    if "results" in told:
        told = told["results"][0]["error"]
    assert (told["status"], told["code"]) == (422, "body.invalid"), told
    [place] = told["errors"]
    assert place["pointer"] == pointer
    words = place["detail"].partition(": it is one of ")[2].split(", ")
    assert some <= set(words), place


async def test_a_sent_value_that_looks_like_a_message_of_ours_is_a_fault(cell):
    for word in ("x' - at `$.nowhere", "Invalid enum value 'y'", "x` - at `$[0].update`"):
        answer = await cell.post(f"{ORDER}/updates", {"update": word})
        assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")
