"""The cell's catalogue: which SKUs there are. One entity per cell, always in memory; every Serve replica holds a copy of its rows."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Row, StoredRows
from actors.domain.rows import SkuRow

SKUS_MAX = 1_000_000
# (sku, description)
Article = tuple[str, str]


class DefineSkus(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Adds SKUs or changes their descriptions."""

    skus: list[Article]


class SkusDefined(msgspec.Struct, frozen=True, tag=True, gc=False):
    """These SKUs now have these descriptions."""

    skus: list[Article]


class KnownSkus(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Which of these are known? Asked before a SKU is refused that a replica has not heard of yet."""

    skus: list[str]


class Catalogue(msgspec.Struct):
    """Descriptions by SKU."""

    descriptions: dict[str, str]


class Defined(msgspec.Struct, frozen=True, gc=False):
    """How many SKUs the command named."""

    defined: int


class KnownSkusView(msgspec.Struct, frozen=True, gc=False):
    """Those that are known."""

    skus: list[str]


def decide(state: Catalogue | None, command: DefineSkus, context: Context) -> Decision:
    """Only what is new or different becomes an event."""
    known = state.descriptions if state is not None else {}
    changed = [(sku, text) for sku, text in command.skus if known.get(sku) != text]
    if len(known) + len(changed) > SKUS_MAX:
        raise Refused("catalogue.full", f"A cell holds at most {SKUS_MAX} SKUs.", limit=SKUS_MAX)
    reply = Defined(len(command.skus))
    return Decision([SkusDefined(changed)] if changed else [], lambda state, version: reply)


def evolve(state: Catalogue | None, event: SkusDefined, context: Context) -> Catalogue:
    """The next state; takes over `state`."""
    catalogue = state if state is not None else Catalogue({})
    catalogue.descriptions.update(event.skus)
    return catalogue


def view(state: Catalogue | None, query: KnownSkus, version: int) -> msgspec.Struct:
    """Which of the asked SKUs are known."""
    known = state.descriptions if state is not None else {}
    return KnownSkusView([sku for sku in query.skus if sku in known])


def rows(state: Catalogue, version: int, events: Sequence[SkusDefined], context: Context) -> list[Row]:
    """One row for each SKU that the events name."""
    skus = {sku: None for event in events for sku, _ in event.skus}
    return [SkuRow(context.entity_id, sku, state.descriptions[sku], version) for sku in skus]


def feed(catalogue_id: str, state: Catalogue, version: int) -> list[Row]:
    """All SKUs."""
    return [SkuRow(catalogue_id, sku, description, version) for sku, description in state.descriptions.items()]


def restore(entity_id: str, stored: StoredRows) -> tuple[Catalogue, int] | None:
    """The state and version from its stored rows: the newest SKU carries the catalogue's version."""
    skus = stored.get("skus")
    if not skus:
        return None
    return Catalogue({row.sku: row.description for row in skus}), max(row.version for row in skus)


CATALOGUE = Kind(
    name="catalogue",
    commands=DefineSkus,
    events=SkusDefined,
    queries=KnownSkus,
    decide=decide,
    evolve=evolve,
    view=view,
    tables=(SkuRow,),
    restore=restore,
    rows=rows,
    feed=feed,
    resident=True,
)
