"""A label is paid twice or forgotten, or is given back when that is too late."""

from __future__ import annotations

import pytest

from actors.domain.manifest_commands import CloseManifest
from actors.domain.shipment_commands import (
    AskLabel,
    AskVoid,
    NoteCancelled,
    NoteLabel,
    NoteLabelRefused,
    NoteLabelUnavailable,
    NoteVoided,
    PutBack,
    TryLabel,
)
from actors.domain.shipment_state import status_of
from tests.unit.domain.packing_world import DOCK, SHIPMENT, PackingWorld, refused


@pytest.fixture
def world():
    return PackingWorld()


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


@pytest.mark.parametrize(
    "other", [("post", "express", "pdf"), ("other", "standard", "pdf"), ("post", "standard", "zpl")]
)
def test_another_label_is_asked_for_and_the_one_that_is_there_is_told_as_it(world, other):
    world.opened(("a", 1))
    world.parcel(("a", 1))
    asks = AskLabel(1, "post", "standard", "pdf", b"request", DOCK)
    key = world.step(asks).key
    world.step(NoteLabel(1, key, "T1", b"document", 700, "USD"))
    refused(world, AskLabel(1, *other, b"request", DOCK), "shipment.parcel_labelled")
    assert world.step(asks).status == "bought"


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


def test_an_open_parcel_gets_a_label(world):
    world.opened(("a", 1))
    world.parcel(("a", 1), close=False)
    refused(world, AskLabel(1, "post", "standard", "pdf", b"", DOCK), "shipment.parcel_open")
    refused(world, AskVoid(1), "shipment.label_missing")
