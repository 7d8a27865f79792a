"""How long an Idempotency-Key may be, and what is told of a body's length."""

import pytest

from tests.unit.serve.raw_request import ask
from tests.unit.serve.small_cell import order


async def test_a_key_of_the_promised_length_is_refused(cell):
    placed = await cell.post("/v1/orders", order(), "k" * 255)
    assert placed.status_code == 201, placed.text


@pytest.mark.parametrize("told", [b"1048577", b"9" * 18, b"9" * 5_000, b"-1", b"+5", b"1e3"])
async def test_a_body_is_waited_for_that_is_told_to_be_too_large_or_of_no_size(cell, told):
    headers = [(b"content-type", b"application/json"), (b"idempotency-key", b"k"), (b"content-length", told)]
    # What came would be taken, if it were read.
    answer = await ask(cell.app, "POST", b"/v1/skus", headers, b'{"skus": [{"sku": "X1"}]}')
    assert (answer.status, answer.json()["code"]) == (413, "body.too_large")
