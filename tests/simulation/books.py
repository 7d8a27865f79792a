"""Stock adds up: in the ledger, and between locations and those for whom they keep units."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from actors.domain.order_events import ShortPicked
from tests.simulation.carriers import allocated_to
from tests.simulation.collectors import landed_for
from tests.simulation.history import Folded, History
from tests.simulation.packers import allocated_to as packed_by_hand
from tests.simulation.stockkeepers import COUNTS


def stock(history: History) -> Iterator[str]:
    """on_hand = Σ ledger, allocated = Σ what open fulfilments hold, and each fulfilment's units were
    taken once, and left once."""
    held: dict[tuple[str, str], int] = defaultdict(int)
    by_cause: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (kind, order_id), entity in history.entities.items():
        if kind == "transfer" and entity.state is not None:
            for sku, units in allocated_to(entity.state):
                held[entity.state.source_id, sku] += units
                by_cause[f"{order_id}.1", sku]["held"] += units
            for cause, sku, units in landed_for(entity.state):
                held[entity.state.destination_id, sku] += units
                by_cause[cause, sku]["held"] += units
        if kind == "shipment" and entity.state is not None:
            for sku, units in packed_by_hand(entity.state):
                held[entity.state.location_id, sku] += units
                by_cause[f"{order_id}.1", sku]["held"] += units
        if kind != "order" or entity.state is None:
            continue
        for fulfilment in entity.state.fulfilments:
            for sku, units in fulfilment.lines:
                if fulfilment.status in ("allocated", "picking", "packed"):
                    held[fulfilment.location_id, sku] += units
                    by_cause[f"{order_id}.{fulfilment.number}", sku]["held"] += units
    for (kind, location_id), entity in history.entities.items():
        if kind == "location":
            yield from _location(location_id, entity, held, by_cause, history)
    for (cause, sku), units in sorted(by_cause.items()):
        if units["held"] != units["allocated"]:
            yield f"{cause} holds {units['held']} units of {sku}, its locations have {units['allocated']} allocated for it"
    yield from _left(history)


def _location(location_id: str, entity: Folded, held, by_cause, history: History) -> Iterator[str]:
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for row in history.rows.get("ledger", {}).values():
        if row.location_id != location_id:
            continue
        sums[row.sku].update(on_hand=row.on_hand_delta, allocated=row.allocated_delta)
        if row.aside:
            sums[row.sku][row.aside] += row.aside_delta
            if row.aside_balance < 0:
                yield f"{location_id} {row.sku} version {row.version}: {row.aside_balance} {row.aside}"
        if row.cause:
            by_cause[row.cause, row.sku]["allocated"] += row.allocated_delta
        if not 0 <= row.allocated <= row.on_hand:
            yield f"{location_id} {row.sku} version {row.version}: {row.allocated} allocated of {row.on_hand}"
    for sku, stock_ in sorted(entity.state.stock.items()):
        wrong = [name for name in COUNTS if getattr(stock_, name) != sums[sku][name]]
        if wrong:
            yield f"{location_id} {sku}: {wrong} of {stock_}, the ledger adds up to {sums[sku]}"
        if stock_.free < 0:
            yield f"{location_id} {sku}: more is promised than there is: {stock_}"
        if stock_.allocated != held[location_id, sku]:
            yield f"{location_id} {sku}: {stock_.allocated} allocated, open fulfilments hold {held[location_id, sku]}"


def _left(history: History) -> Iterator[str]:
    """What left a place for a fulfilment is what the order says was shipped or not found, no more and no less."""
    gone: Counter[tuple[str, str, str]] = Counter()
    orders = [
        (order_id, entity) for (kind, order_id), entity in history.entities.items() if kind == "order" and entity.state
    ]
    for order_id, entity in orders:
        for fulfilment in entity.state.fulfilments:
            if fulfilment.status in ("shipped", "delivered"):
                for sku, units in fulfilment.lines:
                    gone[fulfilment.location_id, f"{order_id}.{fulfilment.number}", sku] += units
        for _, event in entity.events:
            if type(event) is ShortPicked:
                for sku, units in event.lines:
                    gone[event.location_id, f"{order_id}.{event.number}", sku] += units
    known, booked = {order_id for order_id, _ in orders}, Counter[tuple[str, str, str]]()
    for row in history.rows.get("ledger", {}).values():
        if row.cause.rpartition(".")[0] in known:
            booked[row.location_id, row.cause, row.sku] -= row.on_hand_delta
    for key in sorted(gone.keys() | booked.keys()):
        if gone[key] != booked[key]:
            location_id, cause, sku = key
            yield f"{cause}: {gone[key]} units of {sku} were shipped or not found, the books of {location_id} have {booked[key]} that left"
