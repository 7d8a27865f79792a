"""How a collection changes by what happens to it. The rules are in `collection.py`."""

from __future__ import annotations

import hmac

from actors.domain.allocation import need_of
from actors.domain.collection_commands import Notices
from actors.domain.collection_events import (
    CodeMissed,
    CollectionEnded,
    CustomerHere,
    CustomerReminded,
    CustomerVerified,
    Event,
    OrderAsked,
    PartTold,
    PickupOpened,
    StepNotTaken,
    StepTaken,
    Terms,
    UnitsLocated,
)
from actors.domain.collection_state import Asking, Collection, Part, complete
from actors.domain.kind import Context
from actors.domain.location_events import Units


def fits(state: Collection, digest: bytes) -> bool:
    """Is it the customer's code?"""
    return bool(state.digest) and hmac.compare_digest(state.digest, digest)


def evolve(state: Collection | None, event: Event, context: Context) -> Collection:
    """The next state; takes over `state`."""
    if state is None:
        # What is told before it was opened.
        state = Collection("", "", context.now_ms, context.now_ms)
    state.updated_at_ms = context.now_ms
    match event:
        case PickupOpened():
            _opened(state, event, context)
        case PartTold():
            _part_told(state, event)
        case UnitsLocated():
            for sku, units in event.found:
                state.found[sku] = state.found.get(sku, 0) + units
            state.shelf = event.shelf
        case OrderAsked():
            state.asking, state.code = Asking(event.step, event.parts, event.awaited, event.terms), ""
        case StepTaken():
            _taken(state)
        case StepNotTaken():
            state.asking, state.code = None, event.code
        case CustomerHere():
            state.here_at_ms, state.here_spot = context.now_ms, event.spot
        case CodeMissed():
            state.misses += 1
        case CustomerVerified():
            state.verified_at_ms, state.verified_by = context.now_ms, event.by
        case CustomerReminded():
            state.reminded = True
        case CollectionEnded():
            _ended(state, event)
    if state.stage == "locating" and complete(state) and state.parts:
        state.stage = "located"
    return state


def _opened(state: Collection, event: PickupOpened, context: Context) -> None:
    told, early = state.parts, state.early
    state.order_id, state.location_id, state.opened_at_ms = event.order_id, event.location_id, context.now_ms
    state.stage = "locating"
    state.parts = {
        part.number: Part(
            dict(part.lines), part.floor, part.picked or (part.number in told and told[part.number].picked)
        )
        for part in event.parts
    }
    for number, missing in early.items():
        _less(state, number, missing)
    state.early = {}


def _part_told(state: Collection, event: PartTold) -> None:
    if state.stage == "unopened":
        if event.picked:
            state.parts[event.number] = Part(floor=True, picked=True)
        if event.missing:
            state.early[event.number] = [*state.early.get(event.number, []), *event.missing]
        return
    if event.number in state.parts:
        state.parts[event.number].picked |= event.picked
        _less(state, event.number, event.missing)


def _less(state: Collection, number: int, missing: list[Units]) -> None:
    part = state.parts.get(number)
    gone = need_of(missing)
    if part is not None:
        part.lines = {sku: max(0, n - gone.get(sku, 0)) for sku, n in part.lines.items()}


def _taken(state: Collection) -> None:
    asking = state.asking
    assert asking is not None
    state.asking = None
    if asking.step == "missing":
        for move in asking.parts:
            part, gone = state.parts[move.number], dict(move.lines)
            part.lines = {sku: n - gone.get(sku, 0) for sku, n in part.lines.items()}
    elif asking.step in ("ready", "extended"):
        assert asking.terms is not None
        state.terms, state.digest, state.stage, state.reminded = asking.terms, asking.terms.digest, "ready", False
    elif asking.step == "collected":
        state.left = sorted(need_of(line for move in asking.parts for line in move.left).items())


def _ended(state: Collection, event: CollectionEnded) -> None:
    state.stage, state.asking, state.digest, state.here_spot = event.how, None, b"", ""
    if state.terms is not None:
        state.terms = Terms(
            b"", state.terms.ready_at_ms, state.terms.collect_by_ms, state.terms.remind_at_ms, Notices()
        )
