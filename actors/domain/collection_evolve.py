"""How a collection changes by what happens to it. The rules are in `collection.py`."""

from __future__ import annotations

import hmac

import msgspec

from actors.domain.allocation import need_of
from actors.domain.collection_commands import Notices
from actors.domain.collection_events import (
    ClockPaused,
    ClockResumed,
    CodeMissed,
    CodeRenewed,
    CollectionEnded,
    CollectionRedirected,
    CustomerHere,
    CustomerReminded,
    CustomerVerified,
    Event,
    NoticeTold,
    OrderAsked,
    PartTold,
    PickupOpened,
    ShelfForgotten,
    StepNotTaken,
    StepTaken,
    StoreLate,
    Terms,
    UnitsLocated,
)
from actors.domain.collection_state import Asking, Collection, Part, complete
from actors.domain.kind import Context
from actors.domain.location_events import Units
from actors.domain.times import DAY_MS, MINUTE_MS

# The customer is reminded so long before it is over, or at half of the time when that is short.
REMINDED_BEFORE_MS = DAY_MS
# What the order has refused to the timer, it asks again after that, and then after twice as long each time, up to once
# a day: most often something is on its way that it has not heard.
ASKED_AGAIN_MS = MINUTE_MS
ASKED_AGAIN_MAX_MS = DAY_MS
# So many notices are known by their ids: with one at a time and three codes a day, older ones were sent long ago.
TOLD_MAX = 8


def remind_at(collect_by_ms: int, now_ms: int) -> int:
    """When the customer of one that is kept until then is reminded."""
    return collect_by_ms - min(REMINDED_BEFORE_MS, max(0, collect_by_ms - now_ms) // 2)


def asked_again_ms(refused: int) -> int:
    """How long the timer waits after that many refusals before."""
    return min(ASKED_AGAIN_MAX_MS, ASKED_AGAIN_MS << min(refused, 20))


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
            _part_told(state, event, context)
        case UnitsLocated():
            for sku, units in event.found:
                state.found[sku] = state.found.get(sku, 0) + units
            state.shelf = event.shelf
        case OrderAsked():
            state.asking, state.code = Asking(event.step, event.parts, event.awaited, event.terms), ""
        case StepTaken():
            _taken(state, context)
        case StepNotTaken():
            if state.asking is not None and not state.asking.awaited:
                state.wait_until_ms = context.now_ms + asked_again_ms(state.refused)
                state.refused += 1
            state.asking, state.code = None, event.code
        case CustomerHere():
            state.here_at_ms, state.here_spot = context.now_ms, event.spot
            state.sealed_spot, state.spot_digest = event.sealed_spot, event.spot_digest
        case CodeMissed():
            state.misses += 1
            # Whoever gave it is not who was proved before.
            state.verified_at_ms, state.verified_by = None, ""
        case CustomerVerified():
            state.verified_at_ms, state.verified_by = context.now_ms, event.by
        case CustomerReminded():
            state.reminded = True
        case CodeRenewed():
            _renewed(state, event, context)
        case CollectionRedirected():
            _redirected(state, event)
        case NoticeTold():
            state.told = [*state.told[1 - TOLD_MAX :], event.notice.notice_id]
        case StoreLate():
            state.late_at_ms = context.now_ms
        case ClockPaused():
            state.turn = event.turn
            if state.paused_at_ms is None:
                state.paused_at_ms = context.now_ms
        case ClockResumed():
            _resumed(state, event, context)
        case CollectionEnded():
            _ended(state, event)
        case ShelfForgotten():
            state.shelf = ""
    if state.stage == "locating" and complete(state) and state.parts:
        state.stage = "located"
    return state


def _opened(state: Collection, event: PickupOpened, context: Context) -> None:
    told, early = state.parts, state.early
    state.order_id, state.location_id, state.opened_at_ms = event.order_id, event.location_id, context.now_ms
    state.stage = "locating"
    clock = state.clock = event.clock
    if clock is not None:
        state.late_from_ms = max(context.now_ms, clock.ready_by_ms or 0)
        if clock.turn >= state.turn:
            state.turn = clock.turn
            state.paused_at_ms = context.now_ms if clock.held else None
    state.parts = {
        part.number: Part(
            dict(part.lines), part.floor, part.picked or (part.number in told and told[part.number].picked)
        )
        for part in event.parts
    }
    for number, missing in early.items():
        _less(state, number, missing)
    state.early = {}


def _part_told(state: Collection, event: PartTold, context: Context) -> None:
    if state.stage == "unopened":
        if event.picked:
            state.parts[event.number] = Part(floor=True, picked=True)
        if event.missing:
            state.early[event.number] = [*state.early.get(event.number, []), *event.missing]
        return
    if event.number in state.parts:
        state.parts[event.number].picked |= event.picked
        # That may be what it had not heard.
        state.wait_until_ms, state.refused = min(state.wait_until_ms, context.now_ms + ASKED_AGAIN_MS), 0
        _less(state, event.number, event.missing)


def _less(state: Collection, number: int, missing: list[Units]) -> None:
    part = state.parts.get(number)
    gone = need_of(missing)
    if part is not None:
        part.lines = {sku: max(0, n - gone.get(sku, 0)) for sku, n in part.lines.items()}


def _taken(state: Collection, context: Context) -> None:
    asking = state.asking
    assert asking is not None
    state.asking, state.wait_until_ms, state.refused = None, 0, 0
    if asking.step in ("missing", "given_up"):
        for move in asking.parts:
            part, gone = state.parts[move.number], dict(move.lines)
            part.lines = {sku: n - gone.get(sku, 0) for sku, n in part.lines.items()}
        if asking.step == "given_up":
            # What is left was found: the store has as long again to make it ready.
            state.late_from_ms, state.late_at_ms = context.now_ms, None
    elif asking.step in ("ready", "extended"):
        assert asking.terms is not None
        if asking.step == "ready":
            # What is told from now on was made for that address.
            state.contact_turn = max(state.contact_turn, asking.terms.contact)
        state.terms, state.digest, state.stage, state.reminded = asking.terms, asking.terms.digest, "ready", False
        _keep_until(state, max(state.kept_until_ms, asking.terms.collect_by_ms), context)
    elif asking.step == "collected":
        state.left = sorted(need_of(line for move in asking.parts for line in move.left).items())


def _keep_until(state: Collection, collect_by_ms: int, context: Context) -> None:
    """It is never made shorter."""
    terms = state.terms
    if terms is not None and collect_by_ms > terms.collect_by_ms:
        remind_at_ms = remind_at(collect_by_ms, context.now_ms)
        state.terms = msgspec.structs.replace(terms, collect_by_ms=collect_by_ms, remind_at_ms=remind_at_ms)


def _renewed(state: Collection, event: CodeRenewed, context: Context) -> None:
    _coded(state, event)
    state.renewed = [*(at_ms for at_ms in state.renewed if at_ms > context.now_ms - DAY_MS), context.now_ms]


def _coded(state: Collection, event: CodeRenewed | CollectionRedirected) -> None:
    state.digest, state.misses = event.digest, 0
    if state.verified_by == "code":
        # Who has the old one is nobody any more.
        state.verified_at_ms, state.verified_by = None, ""
    if state.terms is not None:
        state.terms = msgspec.structs.replace(state.terms, digest=event.digest, notices=event.notices)


def _redirected(state: Collection, event: CollectionRedirected) -> None:
    state.contact_turn, state.told = event.turn, []
    asking = state.asking
    if asking is not None and asking.terms is not None:
        asking.terms = msgspec.structs.replace(asking.terms, digest=event.digest, notices=event.notices)
    if state.stage == "ready":
        _coded(state, event)


def _resumed(state: Collection, event: ClockResumed, context: Context) -> None:
    since_ms = state.paused_at_ms
    state.turn, state.paused_at_ms, state.wait_until_ms, state.refused = event.turn, None, 0, 0
    if since_ms is not None:
        state.late_from_ms += context.now_ms - since_ms
    if event.collect_by_ms is None:
        return
    state.kept_until_ms = max(state.kept_until_ms, event.collect_by_ms)
    _keep_until(state, state.kept_until_ms, context)
    if event.reminder is not None and state.terms is not None:
        notices = msgspec.structs.replace(state.terms.notices, reminder=event.reminder)
        state.terms, state.reminded = msgspec.structs.replace(state.terms, notices=notices), False


def _ended(state: Collection, event: CollectionEnded) -> None:
    state.stage, state.asking, state.digest, state.here_spot, state.sealed_spot = event.how, None, b"", "", b""
    state.paused_at_ms, state.spot_digest, state.told = None, "", []
    if event.how == "collected":
        # Of any other end somebody looks for it there, for a while (`collection_clock.py`).
        state.shelf = ""
    if state.terms is not None:
        state.terms = Terms(
            b"", state.terms.ready_at_ms, state.terms.collect_by_ms, state.terms.remind_at_ms, Notices()
        )
