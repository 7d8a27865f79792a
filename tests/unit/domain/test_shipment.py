"""A shipment by example: what goes wrong at a pack station, and what must not."""

from __future__ import annotations

import pytest

from actors.domain import ids
from actors.domain.errors import Refused
from actors.domain.manifest_commands import CloseManifest, CompleteHandOver, NoteManifest, ScanParcel
from actors.domain.order_commands import UpdateOrder
from actors.domain.order_terms_commands import ChangeOrder, LineChange
from actors.domain.shipment_commands import (
    AskLabel,
    AskVoid,
    CancelManual,
    ClearParcel,
    CloseParcel,
    FinishPacking,
    ForgetRecipient,
    Known,
    MissingAnswered,
    NoteCancelled,
    NoteLabel,
    NoteLabelRefused,
    NoteLabelUnavailable,
    NoteVoided,
    OpenParcel,
    OpenShipment,
    PackUnits,
    PutBack,
    RemoveParcel,
    ReopenParcel,
    TakeOut,
    TellMissing,
    TryLabel,
)
from actors.domain.shipment_state import allowed_steps, is_over, left_of, status_of
from actors.domain.sscc_series import Series
from tests.unit.domain.packing_world import DOCK, MANUAL, ORDER, SEATTLE, SERIES, SHIPMENT, PackingWorld


@pytest.fixture
def world():
    return PackingWorld()


def refused(world, command, code, name=SHIPMENT, **facts):
    before = world.entities.get(("shipment", name))
    with pytest.raises(Refused) as caught:
        world.do("shipment", name, command)
    assert caught.value.body.code == code
    assert {fact: caught.value.body.extra.get(fact) for fact in facts} == facts
    assert world.entities.get(("shipment", name)) == before


def handed_over(world, *numbers, name=SHIPMENT):
    """Everything that waits leaves."""
    ticket = world.at_dock(CloseManifest())
    world.at_dock(NoteManifest(ticket.number, "MF1"))
    for number in numbers:
        sscc = next(one.sscc for one in world.shipment(name).parcels if one.number == number)
        world.at_dock(ScanParcel(ticket.number, sscc))
    return ticket.number


def test_the_order_is_not_told_once_all_is_packed(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    assert world.status() == "picking"
    world.parcel(("b", 1))
    assert world.status() == "packed"
    assert status_of(world.shipment()) == "packed"


def test_a_parcel_that_leaves_does_not_ship_the_order_just_once(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    world.parcel(("b", 1))
    world.label(1)
    world.label(2)
    number = handed_over(world, 1)
    assert world.status() == "shipped"
    assert world.stock("a") == (48, 0)
    world.at_dock(CompleteHandOver(number, leave=True))
    assert [one.place for one in world.shipment().parcels] == ["handed_over", "waiting"]
    assert [one.sscc for one in world.dock().waiting] == [world.shipment().parcels[1].sscc]
    again = handed_over(world, 2)
    world.at_dock(CompleteHandOver(again))
    assert {one.place for one in world.shipment().parcels} == {"handed_over"}
    assert len([e for e, _ in world.events["order", ORDER] if getattr(e, "to", "") == "shipped"]) == 1


def both_packed_and_one_gone(world, asked=""):
    """The second parcel's label: not asked for, or `asked` and not answered; its key."""
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    world.parcel(("b", 1))
    world.label(1)
    key = world.step(AskLabel(2, "post", "standard", "pdf", b"request", DOCK)).key if asked else ""
    world.at_dock(CompleteHandOver(handed_over(world, 1)))
    assert [one.place for one in world.shipment().parcels] == ["handed_over", ""]
    return key


def the_second_leaves(world):
    assert [one.parcel for one in world.dock().waiting] == [2]
    world.at_dock(CompleteHandOver(handed_over(world, 2)))
    assert is_over(world.shipment())


def test_a_parcel_without_a_label_when_the_first_has_left_never_leaves(world):
    both_packed_and_one_gone(world)
    assert allowed_steps(world.shipment()) == ["label", "void", "hand_over"]
    world.label(2)
    the_second_leaves(world)
    assert allowed_steps(world.shipment()) == []


def test_a_label_that_is_sold_after_the_first_parcel_left_is_paid_for_nothing(world):
    key = both_packed_and_one_gone(world, asked="in time")
    assert world.step(TryLabel(2, key)).status == "asked"
    world.step(NoteLabel(2, key, "T2", b"document", 700, "USD"))
    the_second_leaves(world)


def test_a_parcel_that_the_carrier_refused_before_the_first_left_is_never_sold_another_label(world):
    key = both_packed_and_one_gone(world, asked="in time")
    world.step(NoteLabelRefused(2, key, "carrier.too_heavy"))
    world.label(2)
    the_second_leaves(world)


def test_a_label_can_not_be_given_back_once_another_parcel_has_left(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    world.parcel(("b", 1))
    world.label(1)
    world.label(2)
    ticket = world.step(AskVoid(2))
    world.at_dock(CompleteHandOver(handed_over(world, 1)))
    world.step(NoteVoided(2, ticket.key))
    assert world.shipment().parcels[1].label.status == "voided"
    world.label(2, dock=ids.dock_id(SEATTLE, "other"))
    assert world.shipment().parcels[1].place == "waiting"
    # What stands at a dock may be before the driver at this moment.
    refused(world, AskVoid(2), "shipment.illegal_transition")


def test_a_label_is_given_back_while_the_order_is_asked_for_another_parcel(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    world.parcel(("b", 1))
    world.label(1)
    key = world.step(AskLabel(2, "post", "standard", "pdf", b"request", DOCK)).key
    world.do("shipment", SHIPMENT, ClearParcel(1, DOCK))
    assert status_of(world.shipment()) == "leaving"
    world.do("shipment", SHIPMENT, NoteLabel(2, key, "T2", b"document", 700, "USD"))
    refused(world, AskVoid(2), "shipment.illegal_transition")
    # The order is cancelled at the last moment: nothing of it may stay at the dock.
    world.do("order", ORDER, UpdateOrder("cancel"))
    world.settle()
    assert status_of(world.shipment()) == "unpacking"
    assert world.dock().waiting == []


def test_something_else_is_packed(world):
    world.opened(("a", 2))
    world.parcel(close=False)
    refused(world, PackUnits(1, "b", 1), "shipment.wrong_item", sku="b", wanted=["a"])
    refused(world, PackUnits(1, "a", 3), "shipment.too_many", left=2)
    world.step(PackUnits(1, "a", 2))
    refused(world, PackUnits(1, "a", 1), "shipment.too_many", left=0)
    refused(world, PackUnits(2, "a", 1), "shipment.parcel_unknown")
    refused(world, TakeOut(1, "a", 3), "shipment.not_in_parcel", inside=2)
    refused(world, PackUnits(1, "a", 1, "L9"), "shipment.too_many")
    refused(world, RemoveParcel(1), "shipment.parcel_not_empty")


def test_a_lot_of_somebody_else_is_packed(world):
    world.opened(("lotted", 4))
    world.parcel(close=False)
    allotted = [("L1", 3), ("L2", 1)]
    refused(world, PackUnits(1, "lotted", 1, "", allotted), "shipment.lot_required", allotted=["L1", "L2"])
    refused(world, PackUnits(1, "lotted", 1, "L3", allotted), "shipment.wrong_lot", left=0)
    refused(world, PackUnits(1, "lotted", 2, "L2", allotted), "shipment.wrong_lot", left=1)
    world.step(PackUnits(1, "lotted", 1, "L2", allotted))
    refused(world, PackUnits(1, "lotted", 1, "L2", allotted), "shipment.wrong_lot", left=0)
    world.step(PackUnits(1, "lotted", 3, "L1", allotted))
    assert not left_of(world.shipment())


def test_a_lot_is_made_up_for_what_has_none(world):
    world.opened(("a", 2))
    world.parcel(close=False)
    refused(world, PackUnits(1, "a", 1, "L1"), "shipment.no_lots")


def test_a_wrong_weight_passes_unseen(world):
    world.opened(("a", 2))
    world.parcel(("a", 2), close=False)
    refused(world, CloseParcel(1, 500, 50, 5), "shipment.weight_differs", expected_g=400, allowed_g=50)
    refused(world, CloseParcel(1, 300, 50, 5), "shipment.weight_differs")
    world.step(CloseParcel(1, 500, 50, 5, despite=True))
    assert world.shipment().parcels[0].despite
    assert status_of(world.shipment()) == "packed"


def test_an_empty_or_heavy_carton_is_closed(world):
    world.opened(("a", 30))
    world.step(OpenParcel("S", (100, 100, 100), 50, 2_000))
    refused(world, CloseParcel(1, 50, 50, 5), "shipment.parcel_empty")
    refused(world, PackUnits(1, "a", 20), "shipment.parcel_too_heavy", weight_max_g=2_000)
    world.step(PackUnits(1, "a", 19))
    refused(world, CloseParcel(1, 2_001, 5_000, 5), "shipment.parcel_too_heavy")
    world.step(CloseParcel(1, 1_950, 50, 5))
    refused(world, PackUnits(1, "a", 1), "shipment.parcel_closed")
    world.step(ReopenParcel(1))
    world.step(TakeOut(1, "a", 19))
    world.step(RemoveParcel(1))
    assert world.shipment().parcels == []


def test_two_parcels_have_the_same_number(world):
    world.opened(("a", 3))
    for _ in range(3):
        world.parcel(("a", 1))
    ssccs = [one.sscc for one in world.shipment().parcels]
    assert len(set(ssccs)) == 3
    assert all(len(sscc) == 18 for sscc in ssccs)


def test_a_parcel_is_closed_that_never_gets_a_number(world):
    world.opened(("a", 2))
    world.entities["sscc_series", SERIES] = (Series(10**9), 1)
    world.parcel(("a", 1), close=False)
    world.do("shipment", SHIPMENT, OpenParcel("M", (1, 1, 1), 200, 0))
    world.do("shipment", SHIPMENT, PackUnits(2, "a", 1))
    # Before anybody knows.
    world.do("shipment", SHIPMENT, CloseParcel(2, 300, 50, 5))
    world.settle()
    refused(world, CloseParcel(1, 300, 50, 5), "sscc.exhausted")
    refused(world, AskLabel(2, "post", "standard", "pdf", b"r", DOCK), "shipment.sscc_pending", why="sscc.exhausted")
    # The region has other numbers by now.
    world.step(ReopenParcel(2))
    for number in (1, 2):
        world.step(TakeOut(number, "a", 1))
        world.step(RemoveParcel(number))
    world.step(OpenParcel("M", (1, 1, 1), 200, 0, series=ids.sscc_series_id("us", "9521234", 1)))
    world.step(PackUnits(3, "a", 2))
    world.step(CloseParcel(3, 400, 50, 5))
    assert world.label(3).status == "packed"
    assert world.shipment().parcels[0].sscc.startswith("19521234")


def test_what_is_missing_at_the_table_stays_in_the_order(world):
    world.opened(("a", 3))
    world.parcel(("a", 2))
    world.step(TellMissing([("a", 1)]))
    # Its place has another in the books, and gives that to the next of its fulfilments.
    assert [f.lines for f in world.the_order().fulfilments] == [[("a", 2)], [("a", 1)]]
    assert world.status() == "packed"
    assert world.stock("a") == (49, 3)


def test_nothing_is_left_and_the_order_waits_for_ever(world):
    world.opened(("a", 1))
    world.step(TellMissing([("a", 1)]))
    assert status_of(world.shipment()) == "cancelled"
    assert world.status() == "cancelled"


def test_units_went_missing_behind_the_packers_back(world):
    world.opened(("a", 3))
    world.update("short_pick", fulfilment=1, lines=[("a", 1)])
    world.parcel(("a", 3))
    assert status_of(world.shipment()) == "packing"
    assert world.shipment().code == "order.fulfilment_changed"
    assert left_of(world.shipment()) == {"a": -1}
    assert world.status() == "picking"
    refused(world, FinishPacking(), "shipment.not_all_packed")
    world.step(ReopenParcel(1))
    world.step(TakeOut(1, "a", 1))
    world.step(CloseParcel(1, 400, 50, 5))
    assert world.status() == "packed"


def test_units_that_the_picker_told_as_missing_leave_the_books_once_more_at_the_table(world):
    world.opened(("a", 3))
    world.update("short_pick", fulfilment=1, lines=[("a", 1)])
    world.parcel(("a", 2))
    assert left_of(world.shipment()) == {"a": 1}
    world.step(TellMissing([("a", 1)]))
    assert world.stock("a")[0] == 49
    assert (world.status(), status_of(world.shipment())) == ("packed", "packed")
    assert [f.lines for f in world.the_order().fulfilments] == [[("a", 2)], [("a", 1)]]


def test_a_sound_unit_is_written_off_because_the_customer_took_one_less(world):
    world.opened(("a", 3))
    world.update("pause_picking")
    world.do("order", ORDER, ChangeOrder(lines=[LineChange(1, 2)]))
    world.settle()
    world.update("start_picking")
    world.parcel(("a", 2), close=False)
    world.step(TellMissing([("a", 1)]))
    assert world.shipment().code == "order.fulfilment_changed"
    world.step(CloseParcel(1, 400, 50, 5))
    assert world.status() == "packed"
    assert world.stock("a") == (50, 2)


def test_all_that_is_left_of_a_fulfilment_is_packed_and_nobody_notices(world):
    world.opened(("a", 3))
    world.parcel(("a", 2))
    assert "finish" in allowed_steps(world.shipment())
    world.step(FinishPacking())
    assert (status_of(world.shipment()), world.shipment().code) == ("packing", "shipment.not_all_packed")
    world.update("short_pick", fulfilment=1, lines=[("a", 1)])
    world.step(FinishPacking())
    assert status_of(world.shipment()) == "packed"
    assert world.stock("a") == (49, 3)


def test_packing_goes_on_with_what_was_asked_before_it_is_answered(world):
    world.opened(("a", 3))
    world.parcel(("a", 1))
    world.update("short_pick", fulfilment=1, lines=[("a", 1)])
    world.do("shipment", SHIPMENT, FinishPacking())
    for command in (FinishPacking(), TellMissing([("a", 1)])):
        refused(world, command, "shipment.missing_asked")
    world.do("shipment", SHIPMENT, OpenParcel("M", (1, 1, 1), 200, 0))
    world.do("shipment", SHIPMENT, PackUnits(2, "a", 1))
    world.do("shipment", SHIPMENT, CloseParcel(2, 300, 50, 5))
    world.settle()
    assert (world.status(), status_of(world.shipment())) == ("packed", "packed")


@pytest.mark.parametrize("command", [TellMissing([("a", 2)]), FinishPacking()])
@pytest.mark.parametrize("part", [None, 1])
def test_a_shipment_of_a_cancelled_order_is_packed_for_ever_since_nothing_is_in_it(world, command, part):
    world.opened(("a", 2))
    world.update("cancel", fulfilment=part)
    world.step(command)
    assert status_of(world.shipment()) == "cancelled"
    assert world.stock("a") == (50, 0)


def test_an_answer_from_before_orders_told_what_they_hold_is_not_understood(world):
    world.opened(("a", 3))
    world.parcel(("a", 2))
    world.do("shipment", SHIPMENT, TellMissing([("a", 1)]))
    state = world.shipment()
    state.asking = False  # as its row said then
    world.do("shipment", SHIPMENT, MissingAnswered())
    world.settle()
    assert state.wanted == {"a": 2}
    assert world.status() == "packed"


def test_an_order_that_is_not_being_picked_can_never_be_packed(world):
    world.opened(("a", 1))
    world.update("pause_picking")
    world.parcel(("a", 1))
    assert (status_of(world.shipment()), world.shipment().code) == ("packing", "order.illegal_transition")
    world.update("start_picking")
    world.step(FinishPacking())
    assert status_of(world.shipment()) == "packed"


def test_somebody_packed_and_shipped_it_without_the_station(world):
    world.opened(("a", 1))
    world.update("pack")
    world.parcel(("a", 1))
    assert status_of(world.shipment()) == "packed"
    world.update("ship")
    world.label()
    number = handed_over(world, 1)
    world.at_dock(CompleteHandOver(number))
    assert status_of(world.shipment()) == "shipped"
    assert world.stock("a") == (49, 0)


def test_a_cancelled_order_is_packed_on(world):
    world.opened(("a", 1), ("b", 1))
    world.parcel(("a", 1))
    world.label()
    world.update("cancel")
    world.parcel(("b", 1))
    assert status_of(world.shipment()) == "unpacking"
    assert world.stock("a") == (50, 0)
    refused(world, PutBack(), "shipment.labels_open", parcels=[1])
    ticket = world.step(AskVoid(1))
    assert ticket.status == "voiding"
    world.step(NoteVoided(1, ticket.key))
    world.step(PutBack())
    assert status_of(world.shipment()) == "cancelled"


def test_goods_of_a_cancelled_order_leave(world):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    world.label()
    ticket = world.at_dock(CloseManifest())
    world.at_dock(NoteManifest(ticket.number, "MF1"))
    world.update("cancel")
    sscc = world.shipment().parcels[0].sscc
    world.at_dock(ScanParcel(ticket.number, sscc))
    assert status_of(world.shipment()) == "unpacking"
    assert world.dock().manifests[ticket.number].parcels[0].status in ("held", "withdrawn")
    world.at_dock(CompleteHandOver(ticket.number, leave=True))
    assert world.dock().manifests[ticket.number].parcels[0].status != "handed_over"
    assert world.dock().waiting == []
    assert world.stock("a") == (50, 0)


def test_an_order_is_cancelled_once_its_goods_are_before_the_driver(world):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    world.label()
    number = handed_over(world, 1)
    with pytest.raises(Refused):
        world.update("cancel")
    world.step(NoteCancelled())
    assert status_of(world.shipment()) == "shipped"
    world.at_dock(CompleteHandOver(number))


def test_a_label_is_paid_twice_when_the_carrier_is_slow(world):
    world.opened(("a", 1), ("b", 1))
    world.parcel(("a", 1))
    asks = AskLabel(1, "post", "standard", "pdf", b"request", DOCK)
    first = world.step(asks)
    # Nobody heard; what was to be asked for has changed meanwhile.
    again = world.step(AskLabel(1, "post", "standard", "pdf", b"another", DOCK))
    assert (again.key, world.shipment().parcels[0].label.request) == (first.key, b"request")
    refused(world, AskLabel(1, "post", "express", "pdf", b"request", DOCK), "shipment.label_asked")
    world.step(NoteLabel(1, first.key, "T1", b"document", 700, "USD"))
    events = len(world.events["shipment", SHIPMENT])
    world.step(NoteLabel(1, first.key, "T1", b"document", 700, "USD"))
    assert world.step(asks).status == "bought"
    assert len(world.events["shipment", SHIPMENT]) == events


def test_that_one_try_did_nothing_is_taken_for_all_of_them(world):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    key = world.step(AskLabel(1, "post", "standard", "pdf", b"request", DOCK)).key
    away, label = NoteLabelUnavailable(1, key, "carrier.unavailable"), world.shipment().parcels[0].label
    world.step(TryLabel(1, key))
    world.step(TryLabel(1, key))
    world.step(away)
    assert (label.status, label.code) == ("asked", "carrier.unavailable")
    refused(world, AskLabel(1, "other", "standard", "pdf", b"request", DOCK), "shipment.label_asked")
    # The other one did nothing either.
    world.step(away)
    assert label.status == "refused"
    world.step(away)
    # Asked again under that key, it may have been bought again.
    assert world.step(TryLabel(1, key)).status == "asked"
    world.step(NoteLabel(1, key, "T1", b"document", 700, "USD"))
    assert world.step(TryLabel(1, key)).status == "bought"
    assert label.tracking == "T1"


def test_a_label_of_a_stopped_shipment_is_tried_again_once_it_was_refused(world):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    key = world.step(AskLabel(1, "post", "standard", "pdf", b"request", DOCK)).key
    world.step(NoteLabelRefused(1, key, "carrier.too_heavy"))
    world.update("cancel")
    world.step(NoteCancelled())
    assert world.step(TryLabel(1, key)).status == "refused"
    world.step(PutBack())
    assert status_of(world.shipment()) == "cancelled"


def test_tries_from_before_they_were_counted_are_taken_for_none(world):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    key = world.step(AskLabel(1, "post", "standard", "pdf", b"request", DOCK)).key
    label = world.shipment().parcels[0].label
    # As one that was asked for, or could not be reached, comes back from then.
    label.unheard = 1
    world.step(TryLabel(1, key))
    world.step(NoteLabelUnavailable(1, key, "carrier.unavailable"))
    assert label.status == "asked"
    label.status, label.code = "refused", "carrier.unavailable"
    again = world.step(AskLabel(1, "post", "standard", "pdf", b"another", DOCK))
    label = world.shipment().parcels[0].label
    assert (again.key, again.status, label.request, label.unheard) == (key, "asked", b"request", 1)


def test_a_label_that_was_sold_behind_a_refusal_is_forgotten(world):
    world.opened(("a", 1), ("b", 1))
    world.parcel(("a", 1))
    first = world.step(AskLabel(1, "post", "standard", "pdf", b"request", DOCK))
    world.step(NoteLabelRefused(1, first.key, "carrier.unavailable"))
    second = world.step(AskLabel(1, "other", "standard", "pdf", b"request", DOCK))
    assert second.key != first.key
    world.step(NoteLabel(1, first.key, "T1", b"document", 700, "USD"))
    assert world.shipment().orphans == [(first.key, "T1")]
    world.step(NoteLabel(1, second.key, "T2", b"document", 700, "USD"))
    assert world.shipment().parcels[0].label.tracking == "T2"


def test_a_label_is_given_back_while_its_parcel_waits_for_the_driver(world):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    world.label()
    assert len(world.dock().waiting) == 1
    ticket = world.step(AskVoid(1))
    assert world.dock().waiting == []
    world.step(NoteVoided(1, ticket.key))
    world.label()
    assert [one.tracking for one in world.dock().waiting] == [f"T{SHIPMENT}.1.2"]


def test_a_label_on_a_closed_manifest_is_given_back(world):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    world.label()
    world.at_dock(CloseManifest())
    world.step(AskVoid(1))
    label = world.shipment().parcels[0].label
    assert (label.status, label.code) == ("bought", "manifest.parcel_listed")


def test_a_sample_of_two_parcels_has_one_that_never_reaches_the_dock(world):
    world.manual(("a", 2))
    world.parcel(("a", 1), name=MANUAL)
    world.label(name=MANUAL)
    world.parcel(("a", 1), name=MANUAL)
    assert [one.parcel for one in world.dock().waiting] == [1]


def test_an_open_parcel_gets_a_label(world):
    world.opened(("a", 1))
    world.parcel(("a", 1), close=False)
    refused(world, AskLabel(1, "post", "standard", "pdf", b"", DOCK), "shipment.parcel_open")
    refused(world, AskVoid(1), "shipment.label_missing")


def test_a_labelled_parcel_is_opened_again(world):
    world.opened(("a", 1), ("b", 1))
    world.parcel(("a", 1))
    world.label()
    refused(world, ReopenParcel(1), "shipment.parcel_labelled")


def test_a_parcel_that_no_carrier_takes_stays_closed_for_ever(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2), ("b", 1))
    key = world.step(AskLabel(1, "post", "standard", "pdf", b"request", DOCK)).key
    refused(world, ReopenParcel(1), "shipment.parcel_labelled")
    world.step(NoteLabelRefused(1, key, "carrier.too_heavy"))
    assert "reopen_parcel" in allowed_steps(world.shipment())
    world.step(ReopenParcel(1))
    assert (status_of(world.shipment()), world.status()) == ("packing", "packed")
    world.step(TakeOut(1, "b", 1))
    world.step(CloseParcel(1, 400, 50, 5))
    assert status_of(world.shipment()) == "packing"
    world.parcel(("b", 1))
    assert status_of(world.shipment()) == "packed"
    world.label(1)
    world.label(2)
    world.at_dock(CompleteHandOver(handed_over(world, 1, 2)))
    assert is_over(world.shipment())
    assert (world.stock("a"), world.stock("b")) == ((48, 0), (49, 0))


def test_a_packed_order_is_asked_for_what_was_taken_out_of_a_parcel_again(world):
    world.opened(("a", 2))
    world.parcel(("a", 2))
    world.step(ReopenParcel(1))
    world.step(TakeOut(1, "a", 1))
    world.step(CloseParcel(1, 300, 50, 5))
    world.step(FinishPacking())
    assert (world.shipment().code, left_of(world.shipment())) == ("shipment.not_all_packed", {"a": 1})
    world.parcel(("a", 1))
    assert status_of(world.shipment()) == "packed"
    assert world.stock("a") == (50, 2)


def test_a_unit_that_broke_once_all_was_packed_is_shipped_or_has_all_of_it_cancelled(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    world.parcel(("b", 1))
    world.step(ReopenParcel(2))
    world.step(TakeOut(2, "b", 1))
    world.step(RemoveParcel(2))
    # Only a shipment can tell: the picker is done with it.
    with pytest.raises(Refused, match="short_pick is not possible"):
        world.update("short_pick", fulfilment=1, lines=[("b", 1)])
    world.step(TellMissing([("b", 1)]))
    assert (status_of(world.shipment()), world.shipment().code, world.status()) == ("packed", "", "packed")
    # It has left the books, and another is asked for.
    assert [(f.status, f.lines) for f in world.the_order().fulfilments] == [
        ("packed", [("a", 2)]),
        ("allocated", [("b", 1)]),
    ]
    assert (world.stock("a"), world.stock("b")) == ((50, 2), (49, 1))
    world.label(1)
    world.at_dock(CompleteHandOver(handed_over(world, 1)))
    assert is_over(world.shipment())
    assert (world.status(), world.stock("a"), world.stock("b")) == ("shipped", (48, 0), (49, 1))


def test_parcels_of_an_order_that_was_shipped_without_them_wait_for_ever_for_a_unit_that_broke(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    world.parcel(("b", 1))
    world.step(ReopenParcel(2))
    world.update("ship")
    world.step(TakeOut(2, "b", 1))
    # With a carton open it is not known yet what follows.
    world.step(TellMissing([("b", 1)]))
    assert (status_of(world.shipment()), world.shipment().code) == ("packing", "order.illegal_transition")
    world.step(RemoveParcel(2))
    # Nobody says that it is not there: it was forgotten.
    world.step(FinishPacking())
    assert (status_of(world.shipment()), world.shipment().code) == ("packing", "shipment.not_all_packed")
    world.step(TellMissing([("b", 1)]))
    assert (status_of(world.shipment()), world.shipment().code) == ("packed", "order.illegal_transition")
    world.label(1)
    world.at_dock(CompleteHandOver(handed_over(world, 1)))
    assert is_over(world.shipment())
    # The books have it among what was shipped.
    assert (world.stock("a"), world.stock("b")) == ((48, 0), (49, 0))


def test_nothing_is_left_of_an_order_that_was_shipped_and_its_shipment_waits_for_ever(world):
    world.opened(("a", 1))
    world.update("pack")
    world.update("ship")
    world.step(TellMissing([("a", 1)]))
    assert (status_of(world.shipment()), world.status()) == ("cancelled", "shipped")


def test_all_that_was_packed_breaks_and_its_shipment_waits_for_ever(world):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    world.step(ReopenParcel(1))
    world.step(TakeOut(1, "a", 1))
    world.step(TellMissing([("a", 1)]))
    assert status_of(world.shipment()) == "cancelled"
    assert [(f.status, f.lines) for f in world.the_order().fulfilments] == [
        ("cancelled", []),
        ("allocated", [("a", 1)]),
    ]
    assert world.stock("a") == (49, 1)


def test_a_unit_of_a_packed_order_leaves_the_books_twice_since_two_told_of_it(world):
    world.opened(("a", 3))
    world.parcel(("a", 3))
    world.step(ReopenParcel(1))
    world.step(TakeOut(1, "a", 1))
    world.do("order", ORDER, UpdateOrder("short_pick", 1, lines=[("a", 1)], held=[("a", 3)]))
    world.settle()
    world.step(TellMissing([("a", 1)]))
    assert (world.shipment().code, left_of(world.shipment())) == ("order.fulfilment_changed", {})
    world.step(CloseParcel(1, 400, 50, 5))
    assert (status_of(world.shipment()), world.stock("a")) == ("packed", (49, 3))


def test_a_parcel_leaves_while_another_of_its_shipment_is_open_again(world):
    world.opened(("a", 2), ("b", 1))
    world.parcel(("a", 2))
    world.parcel(("b", 1))
    world.label(1)
    world.step(ReopenParcel(2))
    number = handed_over(world, 1)
    (listed,) = world.dock().manifests[number].parcels
    assert (listed.status, listed.code, world.status()) == ("held", "shipment.not_packed", "packed")
    world.step(CloseParcel(2, 450, 50, 5))
    world.at_dock(ScanParcel(number, listed.sscc))
    assert world.status() == "shipped"
    # At the door nothing is packed otherwise.
    refused(world, ReopenParcel(2), "shipment.illegal_transition")


def test_an_order_that_is_cancelled_while_its_packed_parcel_is_open_again_is_packed_on(world):
    world.opened(("a", 2))
    world.parcel(("a", 2))
    world.step(ReopenParcel(1))
    world.update("cancel")
    world.step(CloseParcel(1, 400, 50, 5))
    world.step(PutBack())
    assert status_of(world.shipment()) == "cancelled"
    assert world.stock("a") == (50, 0)


def test_goods_of_two_hazard_classes_go_into_one_parcel(world):
    world.order(("a", 2), ("b", 1), ("lotted", 1))
    known = Known({}, [], {"a": "3", "b": "8"})
    lines = [("a", 2), ("b", 1), ("lotted", 1)]
    world.do("shipment", SHIPMENT, OpenShipment(SEATTLE, ORDER, 1, lines, known, [], SERIES))
    world.step(OpenParcel("M", (400, 300, 200), 200, 0))
    for sku in ("a", "lotted", "a"):
        world.step(PackUnits(1, sku, 1))
    refused(world, PackUnits(1, "b", 1), "shipment.hazards_mixed", sku="b", classes=["3", "8"])
    world.step(TakeOut(1, "a", 2))
    world.step(PackUnits(1, "b", 1))


# --- manual ones -----------------------------------------------------------------------------------------------------
def test_a_sample_leaves_without_an_entry_in_the_books(world):
    world.manual(("a", 2))
    assert world.stock("a") == (50, 2)
    world.parcel(("a", 2), name=MANUAL)
    assert status_of(world.shipment(MANUAL)) == "packed"
    world.label(name=MANUAL)
    number = handed_over(world, 1, name=MANUAL)
    world.at_dock(CompleteHandOver(number))
    assert world.stock("a") == (48, 0)
    booked = [row for row in world.ledger[SEATTLE] if row.cause == f"{MANUAL}.1"]
    assert [(row.reason, row.on_hand_delta) for row in booked] == [("allocate", 0), ("pick", 0), ("ship", -2)]


def test_the_second_parcel_of_a_sample_is_under_way_for_ever(world):
    world.manual(("a", 2))
    world.parcel(("a", 1), name=MANUAL)
    world.parcel(("a", 1), name=MANUAL)
    world.label(1, MANUAL)
    world.at_dock(CompleteHandOver(handed_over(world, 1, name=MANUAL)))
    refused(world, ForgetRecipient(), "shipment.under_way", MANUAL)
    world.label(2, MANUAL)
    world.at_dock(CompleteHandOver(handed_over(world, 2, name=MANUAL)))
    world.step(ForgetRecipient(), MANUAL)
    assert world.stock("a") == (48, 0)


def test_a_sample_that_is_packed_once_more_is_picked_twice(world):
    world.manual(("a", 2))
    world.parcel(("a", 2), name=MANUAL)
    world.step(ReopenParcel(1), MANUAL)
    world.step(CloseParcel(1, 400, 50, 5), MANUAL)
    world.label(name=MANUAL)
    world.at_dock(CompleteHandOver(handed_over(world, 1, name=MANUAL)))
    assert [row.reason for row in world.ledger[SEATTLE] if row.cause == f"{MANUAL}.1"] == ["allocate", "pick", "ship"]


def test_more_is_sent_than_there_is(world):
    world.manual(("a", 60))
    assert status_of(world.shipment(MANUAL)) == "not_available"
    assert world.stock("a") == (50, 0)


def test_a_sample_that_nobody_wants_keeps_its_stock(world):
    world.manual(("a", 2))
    world.parcel(("a", 2), name=MANUAL)
    world.step(CancelManual(), MANUAL)
    assert status_of(world.shipment(MANUAL)) == "unpacking"
    assert world.stock("a") == (50, 0)
    world.step(PutBack(), MANUAL)
    assert status_of(world.shipment(MANUAL)) == "cancelled"


def test_an_answer_of_the_location_comes_after_the_end(world):
    from actors.domain.shipment_commands import OpenManual
    from tests.unit.domain.packing_world import KNOWN, SERIES

    world.do("shipment", MANUAL, OpenManual(SEATTLE, "sample", "", [("a", 2)], KNOWN, [], SERIES, "US", b"to"))
    world.do("shipment", MANUAL, CancelManual())
    world.settle()
    assert status_of(world.shipment(MANUAL)) == "cancelled"
    assert world.stock("a") == (50, 0)


def test_an_order_is_cancelled_by_its_shipment(world):
    world.opened(("a", 1))
    refused(world, CancelManual(), "shipment.not_manual")


def test_rights_at_another_place_suffice(world):
    world.opened(("a", 1))
    refused(world, OpenParcel("", (1, 1, 1), 0, 0, ["us-st-portland"]), "shipment.location_forbidden")
    world.step(OpenParcel("", (1, 1, 1), 0, 0, [SEATTLE]))
