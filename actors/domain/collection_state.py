"""What is known of a collection, and what may be asked about it. The rules are in `collection.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from actors.domain.allocation import Need, need_of
from actors.domain.collection_events import Ending, Proof, Terms
from actors.domain.errors import Refused
from actors.domain.location_events import Units
from actors.domain.one_time_code import TRIES_MAX
from actors.domain.order_pickup_commands import Clock, PartMove, PickupStep
from actors.domain.personal_notes import ONE_TIME_CODE, PICKUP_SPOT, SHELF
from actors.domain.rows_of_collections import CollectionRow
from actors.domain.times import DAY_MS, MINUTE_MS

# `unopened`: something was told of it before it was opened. Nobody knows of one that has no order, whatever was told.
Stage = Literal["unopened", "locating", "located", "ready"] | Ending
CollectionStatus = Literal[
    "locating", "located", "ready", "collected", "left_behind", "expired", "nothing_found", "cancelled", "given_up"
]
OVER: frozenset[Stage] = frozenset({"collected", "left_behind", "expired", "nothing_found", "cancelled", "given_up"})
# Who was verified may take it for so long, whatever the time is.
VERIFIED_MS = 15 * MINUTE_MS
# Of an end without its customer somebody has to put it back, and looks for it on its shelf: for so long.
SHELF_KEPT_MS = 7 * DAY_MS


class Part(msgspec.Struct, array_like=True, gc=False):
    """One fulfilment of the order. `floor`: the store's floor picks it; `picked`: it has."""

    lines: dict[str, int] = {}
    floor: bool = False
    picked: bool = False


class Asking(msgspec.Struct, array_like=True, gc=False):
    """What the order was asked, and has not answered. `awaited`: the command whose answer is still owed."""

    step: PickupStep
    parts: list[PartMove]
    awaited: str = ""
    terms: Terms | None = None


class Collection(msgspec.Struct):
    """The state. parts: by number of the fulfilment; found: units per SKU of the parts that no floor picks; early:
    missing units by part, told before it was opened.
    misses: wrong codes since there is this one. code: of the order's refusal of what it was asked last, "" when it went
    along. sealed_spot: where the customer is, under a data key; here_spot: the same where there are no keys. renewed:
    when the code was made anew. clock: by when it is to be made ready; late_from_ms: from when on that counts;
    late_at_ms: when the store was told. turn, paused_at_ms: of the last word on holds, and since when one stands.
    kept_until_ms: what the order said when the last was released. wait_until_ms: when the timer asks again what it was
    refused, `refused` times since the order went along with anything. spot_digest: keyed, of what is sealed.
    contact_turn: of the last correction of the customer's address; told: notices that went there, the newest. Times:
    UTC ms, None until then."""

    order_id: str
    location_id: str
    opened_at_ms: int
    updated_at_ms: int
    stage: Stage = "unopened"
    parts: dict[int, Part] = {}
    found: dict[str, int] = {}
    shelf: Annotated[str, SHELF] = ""
    asking: Asking | None = None
    digest: Annotated[bytes, ONE_TIME_CODE] = b""
    misses: int = 0
    verified_at_ms: int | None = None
    verified_by: Proof | Literal[""] = ""
    here_at_ms: int | None = None
    here_spot: Annotated[str, PICKUP_SPOT] = ""
    terms: Terms | None = None
    reminded: bool = False
    code: str = ""
    early: dict[int, list[Units]] = {}
    left: list[Units] = []
    sealed_spot: Annotated[bytes, PICKUP_SPOT] = b""
    renewed: list[int] = []
    clock: Clock | None = None
    late_from_ms: int = 0
    late_at_ms: int | None = None
    turn: int = 0
    paused_at_ms: int | None = None
    kept_until_ms: int = 0
    wait_until_ms: int = 0
    spot_digest: Annotated[str, PICKUP_SPOT] = ""
    contact_turn: int = 0
    told: list[str] = []
    refused: int = 0


def units_of(collection: Collection) -> Need:
    """All of it, per SKU."""
    return need_of((sku, units) for part in collection.parts.values() for sku, units in part.lines.items())


def to_find(collection: Collection) -> Need:
    """Units per SKU that people have yet to find."""
    wanted = need_of(
        (sku, units) for part in collection.parts.values() if not part.floor for sku, units in part.lines.items()
    )
    left = {sku: units - collection.found.get(sku, 0) for sku, units in wanted.items()}
    return {sku: units for sku, units in left.items() if units > 0}


def complete(collection: Collection) -> bool:
    """Is all of it found or picked?"""
    picked = all(part.picked or not any(part.lines.values()) for part in collection.parts.values() if part.floor)
    return picked and not to_find(collection)


def verified(collection: Collection, now_ms: int) -> bool:
    """Was it proved, not long ago, that the customer may have it?"""
    at_ms = collection.verified_at_ms
    return at_ms is not None and now_ms - at_ms < VERIFIED_MS


def expires_at(collection: Collection) -> int | None:
    """When it is over (UTC ms): nobody who is being served is sent away."""
    if collection.terms is None:
        return None
    verified_ms = collection.verified_at_ms
    return max(collection.terms.collect_by_ms, 0 if verified_ms is None else verified_ms + VERIFIED_MS)


def due(collection: Collection) -> int | None:
    """When to look at it again."""
    if collection.stage in OVER:
        return collection.updated_at_ms + SHELF_KEPT_MS if collection.shelf else None
    if collection.asking is not None or collection.paused_at_ms is not None:
        return None
    next_ms = _ready_due(collection) if collection.stage == "ready" else _late_due(collection)
    return None if next_ms is None else max(next_ms, collection.wait_until_ms)


def _ready_due(collection: Collection) -> int | None:
    terms = collection.terms
    if terms is None:
        return None
    return expires_at(collection) if collection.reminded else terms.remind_at_ms


def _late_due(collection: Collection) -> int | None:
    clock = collection.clock
    if clock is None or collection.stage not in ("locating", "located"):
        return None
    after_ms = clock.late_ms if collection.late_at_ms is None else clock.give_up_ms
    return collection.late_from_ms + after_ms if after_ms else None


def tries_left(collection: Collection) -> int:
    """Wrong codes that may still be given."""
    return max(0, TRIES_MAX - collection.misses)


def proved_by(collection: Collection, now_ms: int) -> Proof | Literal[""]:
    """By what it was proved that the customer may have it: it ends by itself."""
    return collection.verified_by if verified(collection, now_ms) else ""


def allowed_steps(collection: Collection, now_ms: int) -> list[str]:
    """What may be done now."""
    if collection.asking is not None or collection.stage in OVER:
        return []
    if collection.stage == "unopened":
        return []
    if collection.stage == "locating":
        return ["locate"]
    if collection.stage == "located":
        return ["ready"]
    steps = ["here", "extend", "end", "verify_identity", "renew_code"]
    if tries_left(collection):
        steps.append("verify_code")
    return [*steps, *(["collect"] if verified(collection, now_ms) else [])]


# --- queries and answers -------------------------------------------------------------------------------------------
class ViewCollection(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The query for all of it. `within`: the locations that the rights reach, empty for the whole region; `now_ms`:
    when it is looked at (UTC ms), since what was proved is so for a while only."""

    collection_id: str
    within: list[str] = []
    now_ms: int = 0


class CollectionStatusView(msgspec.Struct, frozen=True, gc=False):
    """The answer to every command. `asking`: the step that the order has yet to go along with, "" for none; `verified`:
    by what it was proved that the customer may have it, "" when it was not; `last_refusal`: why the order did not go
    along with this step, "" when it did or was not asked; `allowed`: what may be done now."""

    collection_id: str
    version: int
    status: CollectionStatus
    asking: str
    verified: Proof | Literal[""]
    tries_left: int
    last_refusal: str
    allowed: list[str]


class CollectionLineView(msgspec.Struct, frozen=True, gc=False):
    """One SKU: of `quantity` units people have yet to find `to_find`, and the store's floor picks `by_floor`."""

    sku: str
    quantity: int
    to_find: int
    by_floor: int


class CollectionView(msgspec.Struct, frozen=True, gc=False):
    """All of a collection. See `Collection`."""

    collection_id: str
    version: int
    status: CollectionStatus
    order_id: str
    location_id: str
    opened_at_ms: int
    updated_at_ms: int
    lines: list[CollectionLineView]
    left: list[Units]
    shelf: Annotated[str, SHELF]
    asking: str
    verified: Proof | Literal[""]
    tries_left: int
    here_at_ms: int | None
    here_spot: Annotated[str, PICKUP_SPOT]
    ready_at_ms: int | None
    collect_by_ms: int | None
    last_refusal: str
    allowed: list[str]
    sealed_spot: Annotated[bytes, PICKUP_SPOT] = b""
    late_at_ms: int | None = None
    held: bool = False


def unknown() -> Refused:
    """There is no such collection."""
    return Refused("collection.unknown", "There is no such collection.")


def check_reach(collection: Collection, within: list[str]) -> None:
    """Raises Refused `collection.location_forbidden`."""
    if within and collection.location_id not in within:
        raise Refused("collection.location_forbidden", "Your rights don't reach this store.")


def status_view(
    collection_id: str, state: Collection, version: int, now_ms: int, refusal: str = ""
) -> CollectionStatusView:
    """What who has asked for something is told. refusal: why the order did not go along with that very step, "" when it
    did or was not asked: what it refused before is no answer to this."""
    return CollectionStatusView(
        collection_id, version, state.stage, state.asking.step if state.asking is not None else "",  # type: ignore[arg-type]
        proved_by(state, now_ms), tries_left(state), refusal, allowed_steps(state, now_ms),
    )  # fmt: skip


def view(state: Collection | None, query: ViewCollection, version: int) -> msgspec.Struct:
    """All of it. Raises Refused `collection.unknown`, `collection.location_forbidden`."""
    if state is None or not state.order_id:
        raise unknown()
    check_reach(state, query.within)
    terms = state.terms
    return CollectionView(
        query.collection_id, version, state.stage, state.order_id, state.location_id, state.opened_at_ms, state.updated_at_ms,  # type: ignore[arg-type]
        list(_lines(state)), state.left, state.shelf, state.asking.step if state.asking is not None else "", proved_by(state, query.now_ms),
        tries_left(state), state.here_at_ms, state.here_spot, None if terms is None else terms.ready_at_ms,
        None if terms is None else terms.collect_by_ms, state.code, allowed_steps(state, query.now_ms), state.sealed_spot, state.late_at_ms,
        state.paused_at_ms is not None,
    )  # fmt: skip


def _lines(state: Collection) -> Iterable[CollectionLineView]:
    wanted, left = units_of(state), to_find(state)
    floor = need_of((sku, n) for part in state.parts.values() if part.floor for sku, n in part.lines.items())
    for sku, units in sorted(wanted.items()):
        if units:
            yield CollectionLineView(sku, units, left.get(sku, 0), floor.get(sku, 0))


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Collection).decode


def collection_row(collection_id: str, state: Collection, version: int) -> CollectionRow:
    """Its one row."""
    units, terms = units_of(state), state.terms
    return CollectionRow(
        collection_id, version, state.stage if state.order_id else "unopened", state.order_id, state.location_id, sum(1 for n in units.values() if n), sum(units.values()), state.shelf,
        state.opened_at_ms, state.here_at_ms, None if terms is None else terms.ready_at_ms,
        None if terms is None else terms.collect_by_ms, state.stage in OVER, due(state), _encode(state), state.late_at_ms,
    )  # fmt: skip


def restored(state: bytes) -> Collection:
    """The collection from the state of its row."""
    return _decode(state)
