from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.storage.storable import storable, storable_text
from tests.integration.storage.samples import batch, drained, ledger_row, order_row, turn


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_becomes_storable_and_a_storable_one_stays(text: str):
    clean = storable_text(text)
    assert "\0" not in clean
    clean.encode()
    assert storable_text(clean) == clean
    if "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text):
        assert clean == text


def test_keys_that_become_the_same_leave_one_row():
    rows = {
        "orders": [order_row("us-\0", version=1), order_row("us-\ufffd", version=2)],
        "ledger": [ledger_row(1, sku="\0")] * 2,
    }
    cleaned = storable(batch({1: (1, 1)}, drained(1, 1, turn(1, "us-\0")), rows))
    assert cleaned.rows["orders"] == [order_row("us-\ufffd", version=2)]
    assert [row.sku for row in cleaned.rows["ledger"]] == ["\ufffd", "\ufffd"]
    assert cleaned.turns[0].turn.entity_id == "us-\ufffd"


@pytest.mark.parametrize("text", ["\ud800", "a\udfff\0b", "\ud83d\ude00 whole"])
def test_halves_of_characters_do_not_stop_the_drain(text: str):
    storable_text(text).encode()
