"""The cell's catalogue: which SKUs there are, and what they are (`article.py`). One entity per cell, always in memory;
every Serve replica holds a copy of its rows.

    kit ──parts──▶ SKUs with stock of their own       never a kit of kits, so what a kit is made of is known by one look

A SKU once known stays known: orders, stock and kits name it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from actors.domain.article import NO_DETAILS, Article, Details, check, check_tracking, decoded, encoded
from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Row, StoredRows
from actors.domain.rows import SkuRow

SKUS_MAX = 1_000_000
# Each change of a part's stock is a change of all kits that it is in, in every replica.
KITS_PER_PART_MAX = 200
# (sku, description)
Described = tuple[str, str]
# (sku, all that is known of it now)
Detailed = tuple[str, Details]


# --- commands -------------------------------------------------------------------------------------------------------
class Said(msgspec.Struct, frozen=True, gc=False):
    """What is said of one SKU: the `fields` of `details` that are named; the others stay as they are."""

    sku: str
    details: Details
    fields: list[str]


class DefineSkus(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Adds SKUs or changes their descriptions, and says more of some of these."""

    skus: list[Described]
    said: list[Said] = []


class TellCosts(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What does one of each cost? Changes nothing. `spot`, `moment_ms`: for whoever asked (`count_worth.py`)."""

    skus: list[str]
    spot: tuple[str, str]
    moment_ms: int


class Costs(msgspec.Struct, frozen=True, gc=False):
    """SKU to what one costs (minor units, currency), of those of which it is known."""

    costs: dict[str, tuple[int, str]]


# --- events ---------------------------------------------------------------------------------------------------------
class SkusDefined(msgspec.Struct, frozen=True, tag=True, gc=False):
    """These SKUs now have these descriptions."""

    skus: list[Described]


class DetailsDefined(msgspec.Struct, frozen=True, tag=True, gc=False):
    """This is what is known of these SKUs now, besides their descriptions."""

    details: list[Detailed]


# --- questions, and answers -----------------------------------------------------------------------------------------
class KnownSkus(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Which of these are known? Asked before a SKU is refused that a replica has not heard of yet."""

    skus: list[str]


class ShowArticle(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What is known of this SKU? Refused with `catalogue.sku_unknown`."""

    sku: str


class ShowDetails(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What is known of these SKUs? Asked before something is refused that a replica may only not have heard of yet."""

    skus: list[str]


class DetailsView(msgspec.Struct, frozen=True, gc=False):
    """Of those that have any."""

    details: dict[str, Details]


class Defined(msgspec.Struct, frozen=True, gc=False):
    """How many SKUs the command named."""

    defined: int


class KnownSkusView(msgspec.Struct, frozen=True, gc=False):
    """Those that are known."""

    skus: list[str]


# --- state ----------------------------------------------------------------------------------------------------------
class Catalogue(msgspec.Struct):
    """Descriptions by SKU, and details of those that have any. `kits_with`: the kits that a SKU is a part
    of, made from the details."""

    descriptions: dict[str, str]
    details: dict[str, Details] = {}
    kits_with: dict[str, set[str]] = {}


def decide(state: Catalogue | None, command: DefineSkus | TellCosts, context: Context) -> Decision:
    """Only what is new or different becomes an event; all of it, or nothing."""
    catalogue = state if state is not None else Catalogue({})
    if type(command) is TellCosts:
        return _costs(catalogue, command)
    assert type(command) is DefineSkus
    known = catalogue.descriptions
    changed = [(sku, text) for sku, text in command.skus if known.get(sku) != text]
    if len(known) + sum(sku not in known for sku, _ in changed) > SKUS_MAX:
        raise Refused("catalogue.full", f"A cell holds at most {SKUS_MAX} SKUs.", limit=SKUS_MAX)
    details = _changed_details(catalogue, command)
    events: list[SkusDefined | DetailsDefined] = [SkusDefined(changed)] if changed else []
    if details:
        events.append(DetailsDefined(list(details.items())))
    reply = Defined(len(command.skus))
    return Decision(events, lambda state, version: reply)


def _costs(catalogue: Catalogue, command: TellCosts) -> Decision:
    details = {sku: catalogue.details.get(sku, NO_DETAILS) for sku in command.skus}
    costs = {sku: (one.cost_minor, one.currency) for sku, one in details.items() if one.cost_minor is not None}
    return Decision([], lambda state, version: Costs(costs))


def _changed_details(catalogue: Catalogue, command: DefineSkus) -> dict[str, Details]:
    """By SKU, of those that differ. Raises Refused when one breaks a rule, by itself or with the
    others as they will be."""
    named = {sku for sku, _ in command.skus}
    changed: dict[str, Details] = {}
    for said in command.said:
        if said.sku not in named and said.sku not in catalogue.descriptions:
            raise Refused("sku.unknown", f"The catalogue does not have {said.sku}.", sku=said.sku)
        before = catalogue.details.get(said.sku, NO_DETAILS)
        after = msgspec.structs.replace(before, **{name: getattr(said.details, name) for name in said.fields})
        if after == before:
            continue
        check(said.sku, after)
        check_tracking(said.sku, before, after)
        _check_known(catalogue, named, said.sku, after)
        changed[said.sku] = after
    _check_kits(catalogue, changed)
    return changed


def _check_known(catalogue: Catalogue, named: set[str], sku: str, details: Details) -> None:
    """Raises Refused `catalogue.part_unknown`; what the same command defines is known."""
    for field, others in (("kit", [part for part, _ in details.kit]), ("substitutes", details.substitutes)):
        for other in others:
            if other not in named and other not in catalogue.descriptions:
                detail = f"The {field} of {sku} names {other}, which the catalogue does not have."
                raise Refused("catalogue.part_unknown", detail, sku=sku, field=field, part=other)


def _check_kits(catalogue: Catalogue, changed: Mapping[str, Details]) -> None:
    """No part of a kit may be a kit, as all will be when `changed` holds, nor be in too many."""
    kits = {sku: details.kit for sku, details in changed.items() if details.kit}
    for sku, parts in kits.items():
        for part, _ in parts:
            if changed.get(part, catalogue.details.get(part, NO_DETAILS)).kit:
                raise _part_is_kit(sku, part)
        using = catalogue.kits_with.get(sku, set()) - changed.keys()
        if using:
            raise _part_is_kit(min(using), sku)
    uses = Counter(part for parts in kits.values() for part, _ in parts)
    for part, added in uses.items():
        if len(catalogue.kits_with.get(part, set()) - changed.keys()) + added > KITS_PER_PART_MAX:
            detail = f"{part} would be a part of more than {KITS_PER_PART_MAX} kits."
            raise Refused("catalogue.part_too_common", detail, part=part, limit=KITS_PER_PART_MAX)


def _part_is_kit(kit: str, part: str) -> Refused:
    detail = f"{part} would be a kit and a part of the kit {kit}: name what it is made of instead."
    return Refused("catalogue.part_is_kit", detail, sku=kit, part=part)


def evolve(state: Catalogue | None, event: SkusDefined | DetailsDefined, context: Context) -> Catalogue:
    """The next state; takes over `state`."""
    catalogue = state if state is not None else Catalogue({})
    if type(event) is SkusDefined:
        catalogue.descriptions.update(event.skus)
    elif type(event) is DetailsDefined:
        for sku, details in event.details:
            _put(catalogue, sku, details)
    return catalogue


def _put(catalogue: Catalogue, sku: str, details: Details) -> None:
    for part, _ in catalogue.details.pop(sku, NO_DETAILS).kit:
        kits = catalogue.kits_with[part]
        kits.discard(sku)
        if not kits:
            del catalogue.kits_with[part]
    for part, _ in details.kit:
        catalogue.kits_with.setdefault(part, set()).add(sku)
    if details != NO_DETAILS:
        catalogue.details[sku] = details


def view(state: Catalogue | None, query: KnownSkus | ShowArticle | ShowDetails, version: int) -> msgspec.Struct:
    """Which of the asked SKUs are known, or what they are."""
    known = state.descriptions if state is not None else {}
    if type(query) is ShowDetails:
        details = state.details if state is not None else {}
        return DetailsView({sku: details[sku] for sku in query.skus if sku in details})
    if type(query) is ShowArticle:
        if state is None or query.sku not in known:
            raise Refused("catalogue.sku_unknown", "The catalogue has no such SKU.")
        return Article(query.sku, known[query.sku], state.details.get(query.sku, NO_DETAILS))
    assert type(query) is KnownSkus
    return KnownSkusView([sku for sku in query.skus if sku in known])


# --- rows -----------------------------------------------------------------------------------------------------------
def rows(state: Catalogue, version: int, events: Sequence[SkusDefined | DetailsDefined], context: Context) -> list[Row]:
    """One row for each SKU that the events name."""
    named: dict[str, None] = {}
    for event in events:
        said = event.skus if isinstance(event, SkusDefined) else event.details
        named.update((entry[0], None) for entry in said)
    return [_row(context.entity_id, state, sku, version) for sku in named]


def _row(catalogue_id: str, state: Catalogue, sku: str, version: int) -> SkuRow:
    details = state.details.get(sku, NO_DETAILS)
    return SkuRow(catalogue_id, sku, state.descriptions[sku], version, encoded(details))


def feed(catalogue_id: str, state: Catalogue, version: int) -> Iterator[Row]:
    """All SKUs that are known when it begins."""
    for sku in tuple(state.descriptions):
        yield _row(catalogue_id, state, sku, version)


def restore(entity_id: str, stored: StoredRows) -> tuple[Catalogue, int] | None:
    """The state and version from its stored rows: the newest SKU carries the catalogue's version."""
    skus = stored.get("skus")
    if not skus:
        return None
    catalogue = Catalogue({row.sku: row.description for row in skus})
    for row in skus:
        if row.details:
            _put(catalogue, row.sku, decoded(row.details))
    return catalogue, max(row.version for row in skus)


CATALOGUE = Kind(
    name="catalogue",
    commands=DefineSkus | TellCosts,
    events=SkusDefined | DetailsDefined,
    queries=KnownSkus | ShowArticle | ShowDetails,
    decide=decide,
    evolve=evolve,
    view=view,
    tables=(SkuRow,),
    restore=restore,
    rows=rows,
    feed=feed,
    resident=True,
)
