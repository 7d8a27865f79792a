"""A label or an address stays in memory, in the store or in the history longer than anybody may print it; or it is gone
while somebody still has to."""

from __future__ import annotations

import msgspec
import pytest

from actors.domain.errors import Refused
from actors.domain.kind import Context
from actors.domain.manifest_commands import CompleteHandOver
from actors.domain.shipment import SHIPMENT as KIND
from actors.domain.shipment_commands import (
    AskLabel,
    AskVoid,
    CancelManual,
    ForgetRecipient,
    NoteLabel,
    NoteLabelRefused,
    NoteVoided,
    PutBack,
)
from actors.domain.shipment_events import HandedOver, LabelBought
from actors.domain.shipment_papers import ADDRESS
from actors.runtime.codec import Codec
from tests.unit.domain.packing_world import DOCK, MANUAL, SHIPMENT, PackingWorld, handed_over


@pytest.fixture
def world():
    return PackingWorld()


def lying(world, name):
    """What the rows have by now, by parcel: (request, document)."""
    state, found = None, {}
    for event, _ in world.events["shipment", name]:
        context = Context(name, "", 0)
        state = KIND.evolve(state, event, context)
        for row in KIND.rows(state, 1, [event], context)[1:]:
            found.pop(row.parcel, None)
            if not row.gone:
                found[row.parcel] = (row.request, row.document)
    return found


def labels_in(world, name=SHIPMENT):
    return [(one.label.request, one.label.document) for one in world.shipment(name).parcels if one.label is not None]


def sent(world, name=SHIPMENT):
    """All of it is with the carrier."""
    numbers = [one.number for one in world.shipment(name).parcels]
    world.at_dock(CompleteHandOver(handed_over(world, *numbers, name=name)))


def test_what_is_with_the_carrier_fills_the_memory(world):
    world.opened(("a", 2))
    world.parcel(("a", 1))
    world.parcel(("a", 1))
    world.label(1)
    # What the carrier was asked is of no use any more; the label is, whatever the store does.
    assert labels_in(world) == [(b"", b"document")]
    world.label(2)
    sent(world)
    assert labels_in(world) == [(b"", b"")] * 2
    assert lying(world, SHIPMENT) == {1: (b"", b"document"), 2: (b"", b"document")}


def test_a_label_that_was_too_large_to_be_kept_can_not_be_asked_for_again(world):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    ticket = world.step(AskLabel(1, "post", "standard", "pdf", b"request", DOCK))
    world.step(NoteLabel(1, ticket.key, "T1", b"", 700, "USD"))
    assert labels_in(world) == [(b"request", b"")]
    sent(world)
    assert labels_in(world) == [(b"", b"")]
    assert lying(world, SHIPMENT) == {1: (b"request", b"")}


def test_a_sample_tells_for_ever_where_it_went(world):
    world.manual(("a", 1))
    world.parcel(("a", 1), name=MANUAL)
    world.label(name=MANUAL)
    assert world.shipment(MANUAL).ship_to == b"to"
    assert lying(world, MANUAL) == {ADDRESS: (b"", b"to"), 1: (b"", b"document")}
    sent(world, MANUAL)
    assert world.shipment(MANUAL).ship_to == b""
    assert set(lying(world, MANUAL)) == {ADDRESS, 1}


def test_papers_of_what_was_stopped_stay(world):
    world.manual(("a", 1))
    world.step(CancelManual(), MANUAL)
    assert (world.shipment(MANUAL).ship_to, lying(world, MANUAL)) == (b"", {})
    world.manual(("a", 999), name="us-shipment-none")
    assert (world.shipment("us-shipment-none").ship_to, lying(world, "us-shipment-none")) == (b"", {})


def test_a_label_that_was_given_back_can_be_printed_again(world):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    world.label()
    ticket = world.step(AskVoid(1))
    assert set(lying(world, SHIPMENT)) == {1}
    world.step(NoteVoided(1, ticket.key))
    assert lying(world, SHIPMENT) == {}


def test_who_was_erased_is_still_known_to_a_shipment(world):
    world.manual(("a", 1))
    world.parcel(("a", 1), name=MANUAL)
    world.label(name=MANUAL)
    with pytest.raises(Refused) as caught:
        world.do("shipment", MANUAL, ForgetRecipient())
    assert caught.value.body.code == "shipment.under_way"
    sent(world, MANUAL)
    world.step(ForgetRecipient(), MANUAL)
    assert (world.shipment(MANUAL).person, lying(world, MANUAL)) == ("", {})
    events = len(world.events["shipment", MANUAL])
    world.step(ForgetRecipient(), MANUAL)
    assert len(world.events["shipment", MANUAL]) == events


def test_the_history_keeps_what_is_dropped_everywhere_else(world):
    world.manual(("a", 1))
    world.parcel(("a", 1), name=MANUAL)
    world.label(name=MANUAL)
    codec = Codec(KIND)
    events = [event for event, _ in world.events["shipment", MANUAL]]
    written = codec.events(codec.written(msgspec.json.encode(events)))
    assert [type(one) for one in written] == [type(one) for one in events]
    assert not [
        one for one in written for text in (b"to", b"request", b"document") if text in msgspec.structs.astuple(one)
    ]
    bought = next(one for one in written if type(one).__name__ == "LabelBought")
    assert (bought.tracking, bought.amount) == (f"T{MANUAL}.1.1", 700)


@pytest.mark.parametrize("name", [SHIPMENT, MANUAL])
def test_a_shipment_from_before_there_were_rows_of_papers_keeps_them_for_ever_or_loses_them(world, name):
    (world.opened if name == SHIPMENT else world.manual)(("a", 2))
    for number in (1, 2):
        world.parcel(("a", 1), name=name)
        world.label(number, name=name)
    shipment = world.shipment(name)
    shipment.filed = shipment.parcels[0].label.filed = False
    sent(world, name)
    event, context = world.events["shipment", name][-1][0], Context(name, "", 0)
    assert type(event) is HandedOver
    own, *papers = KIND.rows(shipment, 9, [event], context)
    lying = {row.parcel: (row.document, row.label_key, row.gone) for row in papers}
    address = {ADDRESS: (b"to", "", False)} if name == MANUAL else {}
    assert lying == address | {1: (b"document", f"{name}.1.1", False)}
    # As it comes back, it has nothing but that there is a row.
    back, _ = KIND.restore(name, {"shipments": [own]})
    assert (back.ship_to, back.filing) == (b"", [])
    assert [(one.label.document, one.label.filed) for one in back.parcels] == [(b"", True)] * 2
    assert back.filed == (name == MANUAL)
    world.step(ForgetRecipient(), name)
    assert not shipment.filing
    assert labels_in(world, name) == [(b"", b"")] * 2


def test_a_label_that_comes_when_all_is_over_is_paid_and_kept_by_nobody_and_its_paper_for_ever(world):
    world.manual(("a", 1))
    world.parcel(("a", 1), name=MANUAL)
    ticket = world.step(AskLabel(1, "post", "standard", "pdf", b"request", DOCK), MANUAL)
    world.step(NoteLabelRefused(1, ticket.key, "carrier.too_heavy"), MANUAL)
    world.step(CancelManual(), MANUAL)
    world.step(PutBack(), MANUAL)
    for _ in range(2):
        world.step(NoteLabel(1, ticket.key, "T1", b"document", 700, "USD"), MANUAL)
        assert world.shipment(MANUAL).orphans == [(ticket.key, "T1")]
        assert (labels_in(world, MANUAL), lying(world, MANUAL)) == ([(b"", b"")], {})
    # As it was written before: what came is dropped, with its row.
    bought, context = LabelBought(1, "T1", b"document", 700, "USD"), Context(MANUAL, "", 0)
    state = KIND.evolve(world.shipment(MANUAL), bought, context)
    assert labels_in(world, MANUAL) == [(b"", b"")]
    assert [(row.parcel, row.gone) for row in KIND.rows(state, 9, [bought], context)[1:]] == [(1, True)]
