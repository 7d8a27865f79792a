"""What the audit says of work on floors."""

from __future__ import annotations

import pytest

from actors.domain.acts import audited_of
from actors.domain.audit import Act, Who
from actors.domain.floor_commands import (
    AbandonTrip,
    ClaimTrip,
    CloseDispute,
    ConfirmPick,
    Elsewhere,
    HandOver,
    PauseTrip,
    PlanTrips,
    Prioritise,
    PutBack,
    RetryWork,
    TellLost,
    TellShort,
)
from actors.domain.floor_picking import tell_short
from actors.domain.kinds import KINDS
from actors.domain.location_commands import ReceiptLine
from tests.unit.domain.floor_world import World

MIA = Who("us-acct-mia", "fulfilment", "s-1", "a-1")


def act_of(command, events=(), state=None) -> Act:
    [line] = audited_of(KINDS["floor"], MIA, state, command, list(events))
    return line.act


@pytest.mark.parametrize(
    ("command", "action"),
    [
        (PlanTrips([]), "floor.plan_trips"),
        (Prioritise("f-1", 5, 0), "floor.prioritise"),
        (RetryWork("f-1"), "floor.retry_work"),
        (ClaimTrip("mia"), "floor.claim_trip"),
        (ConfirmPick(1, 1, "A-01", "a", 1), "floor.confirm_pick"),
        (PauseTrip(1, True, "mia"), "floor.pause_trip"),
        (HandOver(1, "tom", "mia"), "floor.hand_over"),
        (AbandonTrip(1, "mia"), "floor.abandon_trip"),
        (PutBack("f-1", "a", "", 1, "A-01"), "floor.put_back"),
        (CloseDispute("A-01", "a", ""), "floor.close_dispute"),
    ],
)
def test_work_on_a_floor_is_called_otherwise(command, action):
    assert act_of(command, [object()]) == Act(action)


def test_what_a_picker_writes_off_is_not_named():
    world = World()
    world.receive(ReceiptLine("a", 5, bin="A-01"), ReceiptLine("a", 1, bin="A-02"))
    world.order(("a", 4))
    world.settle()
    world.plan()
    trip = world.claim("mia").trip
    floor = world.floor()
    [task] = floor.trips[trip].tasks
    command = TellShort(trip, 1, 3, [Elsewhere("A-02", 1)], "mia")
    assert task.bin_id == "A-01"
    told = act_of(command, tell_short(floor, command), floor)
    # One of the three is taken from the other bin instead.
    assert told == Act("floor.tell_short", "", "", {"a.missing": (None, 3), "a.short": (None, 2)})


def test_what_is_lost_after_it_was_picked_is_not_named():
    command = TellLost("f-1", [("a", 2)])
    assert act_of(command, [object()]) == Act("floor.tell_lost", "", "", {"a.lost": (None, 2)})
    assert act_of(command) == Act("floor.tell_lost")


def test_a_refused_word_of_what_is_missing_changes_the_books():
    assert act_of(TellShort(1, 1, 3)) == Act("floor.tell_short")
