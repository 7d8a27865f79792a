"""How an inbound ends, and what the audit keeps of it."""

from __future__ import annotations

import pytest

from actors.domain import ids
from actors.domain.acts import ACTS
from actors.domain.audit import Act
from actors.domain.errors import Refused
from actors.domain.inbound import INBOUND as KIND
from actors.domain.inbound_commands import (
    AnnouncedLine,
    CancelInbound,
    ChangeInbound,
    CloseInbound,
    LocationAnswered,
    ReceivedGoods,
    ReceiveGoods,
)
from actors.domain.inbound_events import Discrepancy, GoodsReceived, InboundClosed
from actors.domain.inbound_state import Inbound
from actors.domain.inbound_views import ViewInbound
from actors.domain.kind import Context
from actors.domain.location_commands import AdjustmentLine, AdjustStock
from tests.unit.domain.inbound_steps import (
    INBOUND,
    announce,
    announced,
    ask,
    by_line,
    expected,
    refused,
    stock,
    view,
)
from tests.unit.domain.transfer_world import NOW_MS, PORTLAND, SEATTLE, TOMORROW_MS, World


# --- the ends -------------------------------------------------------------------------------------------------------
def test_shortages_are_given_up_that_nobody_knows_of():
    world = announced(("a", 10), ("b", 5))
    ask(world, by_line(("a", 8)))
    for wrong in ([], [("a", 2)], [("a", 2), ("b", 4)], [("a", 2), ("b", 5), ("z", 1)]):
        assert refused(world, CloseInbound(wrong)) == "inbound.shortages_differ"
    told = ask(world, CloseInbound([("b", 2), ("a", 2), ("b", 3)]))
    assert told.discrepancies == [Discrepancy(10, "a", 2, 0, 0, 0), Discrepancy(20, "b", 5, 0, 0, 0)]
    assert [(one.under, one.remaining) for one in told.lines] == [(2, 0), (5, 0)]
    assert expected(world) == {}
    (closed,) = [event for event, _ in world.events["inbound", INBOUND] if type(event) is InboundClosed]
    assert closed.discrepancies == told.discrepancies
    for step in (by_line(("a", 1)), ChangeInbound(TOMORROW_MS), CloseInbound(), CancelInbound()):
        assert refused(world, step) == "inbound.closed"


def test_a_cancelled_inbound_is_expected_or_comes():
    world = announced(("a", 10))
    told = ask(world, CancelInbound())
    assert (told.status, told.allowed, expected(world)) == ("cancelled", [], {})
    assert refused(world, by_line(("a", 1))) == "inbound.cancelled"


def test_an_inbound_of_which_goods_came_is_cancelled():
    world = announced(("a", 10))
    ask(world, by_line(("a", 1)))
    world.do("location", SEATTLE, AdjustStock([AdjustmentLine("a", -1, "loss")]))
    assert refused(world, CancelInbound()) == "inbound.goods_came"


def test_a_refusal_leaves_an_inbound_open_of_which_all_has_come():
    """More was under way than remained: what was refused was the rest that was too many."""
    world = announced(("a", 10))
    world.do("inbound", INBOUND, by_line(("a", 10)))
    refusable = ReceiveGoods(lines=[ReceivedGoods("a", 1, bin="A-9")], accept_over=True)
    world.do("inbound", INBOUND, refusable)
    world.settle()
    told = view(world)
    assert (told.status, told.outcome, stock(world)) == ("closed", "complete", (10, 0, 0))


def test_an_inbound_that_is_not_there_is_seen_or_changed():
    assert refused(World(), CancelInbound()) == "inbound.unknown"
    with pytest.raises(Refused, match=r"inbound\.unknown"):
        KIND.view(None, ViewInbound(INBOUND), 0)
    world = announced()
    state, version = world.entities["inbound", INBOUND]
    with pytest.raises(Refused, match="forbidden"):
        KIND.view(state, ViewInbound(INBOUND, [PORTLAND]), version)


def test_an_id_leads_to_another_shard_when_the_call_is_repeated():
    later = ids.inbound_id("us", NOW_MS + 60_000, "key-1")
    assert ids.INBOUND_PATTERN.fullmatch(INBOUND)
    assert later != INBOUND
    assert ids.routing_part("inbound", later) == ids.routing_part("inbound", INBOUND)


# --- the audit ------------------------------------------------------------------------------------------------------
def test_the_audit_does_not_say_who_gave_up_what():
    state = Inbound(SEATTLE, "", "", "", 0, 0, 0, 0, {}, {})
    came = GoodsReceived(SEATTLE, 1, "", [], [], "")
    act = ACTS["inbound"]
    assert act(None, announce(("a", 10)), [came]) == Act("inbound.announce", SEATTLE, "", {"a.announced": (None, 10)})
    assert act(None, announce(("a", 10)), []) == Act("inbound.announce", SEATTLE)
    assert act(state, CloseInbound([("a", 2)]), [came]) == Act("inbound.close", SEATTLE, "", {"a.short": (None, 2)})
    assert act(state, CloseInbound([("a", 2)]), []) == Act("inbound.close", SEATTLE)
    cancelled = Act("inbound.cancel", SEATTLE, "", {"status": ("announced", "cancelled")})
    assert act(state, CancelInbound(), [came]) == cancelled
    assert act(state, LocationAnswered(1), []).action == "inbound.answered"
    change = ChangeInbound(lines=[AnnouncedLine(1, "b", 3)])
    assert act(state, change, [came]) == Act("inbound.change", SEATTLE, "", {"b.announced": (None, 3)})
    world = announced()
    state, _ = world.entities["inbound", INBOUND]
    events = KIND.decide(state, by_line(("a", 4)), Context(INBOUND, "k", NOW_MS)).events
    assert act(state, by_line(("a", 4)), events) == Act("inbound.receive", SEATTLE, "", {"a.received": (None, 4)})
