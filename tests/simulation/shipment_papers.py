"""Papers that tell who gets a shipment lie where they may, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actors.domain.shipment_events import LabelAsked, LabelBought, ManualOpened
from actors.domain.shipment_papers import ADDRESS
from actors.domain.shipment_state import Shipment, is_over, status_of
from actors.runtime.codec import Codec
from actors.runtime.wire import Turn
from tests.simulation.history import History


def as_the_store_keeps(codec: Codec, turn: Turn) -> bytes:
    """The turn's events in the history: all kinds but a few keep them as they were."""
    return codec.written(turn.events)


def unwritten_papers(codec: Codec, stored: Iterable[Turn]) -> Iterator[str]:
    """The store's history of shipments has none of them."""
    for turn in stored:
        if turn.kind != "shipment":
            continue
        for event in codec.events(turn.events):
            kept = {ManualOpened: "ship_to", LabelAsked: "request", LabelBought: "document"}.get(type(event), "")
            if kept and getattr(event, kept):
                yield f"the history of {turn.entity_id} keeps the {kept} of version {turn.version}"


def papers(history: History) -> Iterator[str]:
    """What is being packed has them in its state, what is with its carrier in rows, and what was
    stopped or forgotten nowhere."""
    kept = {key[:2] for key in history.rows.get("shipment_papers", {})}
    for (kind, name), entity in history.entities.items():
        if kind != "shipment" or entity.state is None:
            continue
        shipment: Shipment = entity.state
        labels = [(one.number, one.label) for one in shipment.parcels if one.label is not None]
        inside = any(label.document or label.request for _, label in labels) or bool(shipment.ship_to)
        rows = [number for where, number in kept if where == name]
        forgotten = any(type(event).__name__ == "RecipientForgotten" for _, event in entity.events)
        if is_over(shipment) and inside:
            yield f"{name} is over, and its state has papers yet"
        if (forgotten or status_of(shipment) in ("cancelled", "not_available")) and rows:
            yield f"{name} is {status_of(shipment)}, forgotten: {forgotten}, and has rows of papers: {sorted(rows)}"
        if forgotten:
            continue
        if shipment.stage == "shipped":
            wanted = [number for number, label in labels if label.status == "bought"] + [ADDRESS] * shipment.manual
            lacking = sorted(set(wanted) - set(rows))
            if lacking:
                yield f"{name} is shipped, and nobody can print {lacking} again"
        elif not is_over(shipment):
            bare = [number for number, label in labels if label.status == "bought" and not label.document]
            if bare or (shipment.manual and not shipment.ship_to):
                yield f"{name} is {status_of(shipment)}, and its state lacks the papers of {bare}"
