"""Each line of the audit is bound to all before it, and each signature to what it was made for."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.audit import Act, Audited, Who
from actors.runtime.ports import DrainedTurn
from actors.runtime.wire import OK, Turn
from actors.storage.audit_check import Anchor, Cut, _Walk
from actors.storage.audit_rows import CHAIN_BYTES, Chained, Head, chained

NOON_MS = 1_790_000_000_000
TURN = Turn(
    "order", "us-1", 1, NOON_MS, "c1", 1, 0, "r-1", b"[]", OK, b"{}",
    audited=[Audited(Who("us-acct-mia"), Act("order.ship", "us-st-austin", "", {}))],
)  # fmt: skip
ANCHOR = Anchor("2026-03-14", 1, 7, b"c" * CHAIN_BYTES, "")
CUT = Cut("2026-03-01", {1: (7, "cc")}, "")


def after(head: Head, at_ms: int = NOON_MS) -> Chained:
    """A line behind that one."""
    return chained([DrainedTurn(1, 1, 0, msgspec.structs.replace(TURN, at_ms=at_ms))], {1: head})


def test_whoever_changes_a_line_and_its_own_chain_has_no_line_after_it_to_change():
    true, forged = (after(Head(7, before * CHAIN_BYTES)) for before in (b"t", b"f"))
    assert (true.ends[1].number, forged.ends[1].number) == (8, 8)
    assert true.ends[1].chain != forged.ends[1].chain


def test_a_line_that_is_dated_before_the_one_that_it_follows_is_taken_for_right():
    first = after(Head())
    # As somebody makes it who knows how chains are made.
    second = after(first.ends[1]._replace(at_ms=0), NOON_MS - 1000)
    walk = _Walk(1, Head(), [], "us", lambda message, signature: True)
    for made in (first, second):
        walk.step(b"".join(made.blocks))
    found = walk.end(second.ends[1])
    assert found is not None
    assert (found.number, found.what) == (2, "line 2 is older than the one before it")


@pytest.mark.parametrize("other", [{"day": "2026-03-15"}, {"shard": 2}, {"number": 8}, {"chain": b"d" * CHAIN_BYTES}])
def test_a_signature_of_one_anchor_is_good_for_another(other):
    assert ANCHOR._replace(**other).message("us") != ANCHOR.message("us")


@pytest.mark.parametrize(
    "other", [{"month": "2026-02-01"}, {"heads": {1: (8, "cc")}}, {"heads": {1: (7, "dd")}}, {"heads": {2: (7, "cc")}}]
)  # fmt: skip
def test_a_signature_of_one_cut_is_good_for_another(other):
    assert CUT._replace(**other).message("us") != CUT.message("us")


def test_a_signature_of_one_region_is_good_in_another():
    assert ANCHOR.message("us") != ANCHOR.message("eu")
    assert CUT.message("us") != CUT.message("eu")


def test_a_shard_that_comes_again_in_a_batch_begins_its_chain_anew():
    rows = [DrainedTurn(shard, 1, line, TURN) for line, shard in enumerate((1, 2, 1))]
    made = chained(rows, {})
    assert {shard: head.number for shard, head in made.ends.items()} == {1: 2, 2: 1}
    first = chained(rows[:1], {})
    assert made.ends[1] == chained(rows[2:], first.ends).ends[1]
