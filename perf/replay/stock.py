"""Whether the cell's stock adds up over the trace's SKUs: pure. What is read from Postgres for it: `stock_readback.py`.

Whatever was allocated to whom (under --scarce nobody can say that beforehand), this has to
hold, for each place and SKU:

    received     what the trace's arithmetic receives there (`supply.py`)
    on hand      received + returned − written off (and what other corrections did) − what the orders' shipped parts hold
    allocated    what the orders' parts hold that are neither shipped nor over
    came in      is not less than what is promised and shipped together

for each order, that the ledger shipped and holds under its id just what its parts say, that an order which is told as
shipped has shipped all that was ordered, that none has more than it ordered, and that those whose `ship` was
acknowledged have shipped something; and that no order lacks what lies free where it waits in line, or
anywhere when it waits nowhere.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

Spot = tuple[str, str]  # (location id, SKU)
Lack = tuple[str, frozenset[str]]  # (SKU, places in whose lines the orders are that lack it)

SHIPPED: Final = ("shipped", "delivered")
HELD: Final = ("allocated", "picking", "packed")
PROBLEMS_KEPT_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class OrderStock:
    """An order that has to do with the trace's SKUs. `reference` "": not one of the trace's. `parts`: (location,
    status, (SKU, units) …) of its fulfilments; `ledger`: (location, SKU, units shipped, units allocated) as the ledger
    sums up under the order's id. `waits_at`: in whose lines it is, and would be served by that very place; none: it has
    to find what lies free anywhere. `may_lack`: it says itself why it does not ask for what may lie free (it may not be
    split further, or a line was full)."""

    reference: str
    order_id: str
    status: str
    wanted: Mapping[str, int]
    parts: Iterable[tuple[str, str, Iterable[tuple[str, int]]]]
    ledger: Iterable[tuple[str, str, int, int]]
    waits_at: frozenset[str] = frozenset()
    may_lack: bool = False


@dataclass(frozen=True, slots=True)
class SpotStock:
    """Units of a SKU at a place: the ledger's sums by reason, and the counts. `received`: with this replay's reference;
    `others_received`: with others; `corrected`: all other reasons but `ship`; `free`: sellable and promised to
    nobody, less safety stock."""

    received: int = 0
    others_received: int = 0
    returned: int = 0
    written_off: int = 0
    corrected: int = 0
    on_hand: int = 0
    allocated: int = 0
    free: int = 0

    @property
    def came_in(self) -> int:
        return self.received + self.others_received + self.returned - self.written_off + self.corrected


@dataclass(slots=True)
class StockFigure:
    """One comparison over many places or orders: the sums of both sides, how many were compared one by
    one, and how many differ."""

    name: str
    wanted: int = 0
    found: int = 0
    compared: int = 0
    different: int = 0
    at_most: bool = False
    note: str = ""


@dataclass(slots=True)
class StockReport:
    """All comparisons, and the first of what differs in words."""

    figures: list[StockFigure] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return not any(figure.different for figure in self.figures)

    def figure(self, name: str, *, at_most: bool = False) -> StockFigure:
        """A new comparison, shown after those before. `at_most`: what is found may be less than what is expected."""
        self.figures.append(StockFigure(name, at_most=at_most))
        return self.figures[-1]

    def compare(self, figure: StockFigure, what: str, wanted: int, found: int, holds: bool | None = None) -> None:
        """One place or order. `holds`: whether it is right, where the two sums do not tell."""
        figure.wanted += wanted
        figure.found += found
        figure.compared += 1
        if holds is None:
            holds = found <= wanted if figure.at_most else found == wanted
        if not holds:
            figure.different += 1
            if len(self.problems) < PROBLEMS_KEPT_MAX:
                self.problems.append(f"{what}: {figure.name}: expected {wanted:,}, in Postgres {found:,}")


def check_stock(
    orders: Iterable[OrderStock],
    spots: Mapping[Spot, SpotStock],
    received: Mapping[Spot, int] | None,
    told_shipped: Iterable[str],
) -> StockReport:
    """All comparisons. `received`: units by place and SKU that this replay sent, None when it sent nothing;
    `told_shipped`: references of the orders whose `ship` the cell acknowledged."""
    report = StockReport()
    held: Counter[Spot] = Counter()
    shipped: Counter[Spot] = Counter()
    lacking: Counter[Lack] = Counter()
    have_shipped = _check_orders(report, orders, held, shipped, lacking)
    told = report.figure("orders told as shipped: have shipped units")
    for reference in told_shipped:
        report.compare(told, reference, 1, int(reference in have_shipped))
    _check_spots(report, spots, received, held, shipped)
    _check_lacking(report, spots, lacking)
    return report


def _check_orders(
    report: StockReport,
    orders: Iterable[OrderStock],
    held: Counter[Spot],
    shipped: Counter[Spot],
    lacking: Counter[Lack],
) -> set[str]:
    """Each order beside the ledger and beside what was ordered; adds up what all of them hold, shipped and lack.
    References of those that shipped something."""
    by_ledger = report.figure("units shipped: the ledger beside each order's shipped parts")
    holds = report.figure("units allocated: the ledger beside each order's open parts")
    whole = report.figure("units shipped by orders told as shipped: all that was ordered")
    most = report.figure("units that an order has: not more than ordered", at_most=True)
    have_shipped: set[str] = set()
    for order in orders:
        what = order.reference or order.order_id
        gone, open_ = _parts_of(order, SHIPPED), _parts_of(order, HELD)
        shipped.update(gone)
        held.update(open_)
        ledger_gone = {(place, sku): units for place, sku, units, _ in order.ledger if units}
        ledger_open = {(place, sku): units for place, sku, _, units in order.ledger if units}
        report.compare(by_ledger, what, gone.total(), sum(ledger_gone.values()), gone == ledger_gone)
        report.compare(holds, what, open_.total(), sum(ledger_open.values()), open_ == ledger_open)
        if gone:
            have_shipped.add(order.reference)
        has, left = _by_sku(gone + open_), _by_sku(gone)
        if order.status in SHIPPED:
            report.compare(whole, what, sum(order.wanted.values()), left.total(), left == order.wanted)
        elif order.status != "cancelled" and not order.may_lack:
            waits_at = order.waits_at
            lacking.update(
                {(sku, waits_at): units - has[sku] for sku, units in order.wanted.items() if units > has[sku]}
            )
        limit = {} if order.status == "cancelled" else order.wanted
        fits = all(units <= limit.get(sku, 0) for sku, units in has.items())
        report.compare(most, what, sum(limit.values()), has.total(), fits)
    return have_shipped


def _parts_of(order: OrderStock, statuses: tuple[str, ...]) -> Counter[Spot]:
    units: Counter[Spot] = Counter()
    for place, status, lines in order.parts:
        if status in statuses:
            for sku, count in lines:
                units[place, sku] += count
    return units


def _by_sku(units: Mapping[Spot, int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, sku), count in units.items():
        found[sku] += count
    return found


def _check_spots(
    report: StockReport,
    spots: Mapping[Spot, SpotStock],
    received: Mapping[Spot, int] | None,
    held: Mapping[Spot, int],
    shipped: Mapping[Spot, int],
) -> None:
    """Each SKU at each place where any side has something."""
    everywhere = sorted({*spots, *held, *shipped, *(received or {})})

    def every(name: str, sides: Callable[[Spot, SpotStock], tuple[int, int]], *, at_most: bool = False) -> None:
        figure = report.figure(name, at_most=at_most)
        for spot in everywhere:
            report.compare(figure, " ".join(spot), *sides(spot, spots.get(spot, SpotStock())))

    if received is None:
        report.figure("units received").note = "not compared: this run sent nothing"
    else:
        every("units received: the trace's arithmetic", lambda spot, s: (received.get(spot, 0), s.received))
    every(
        "units on hand: received + returned − written off − shipped",
        lambda spot, s: (s.came_in - shipped.get(spot, 0), s.on_hand),
    )
    every("units allocated: what orders' open parts hold", lambda spot, s: (held.get(spot, 0), s.allocated))
    every(
        "units promised and shipped: not more than came in",
        lambda spot, s: (s.came_in, s.allocated + shipped.get(spot, 0)),
        at_most=True,
    )


def _check_lacking(report: StockReport, spots: Mapping[Spot, SpotStock], lacking: Mapping[Lack, int]) -> None:
    """An order that lacks units of which some lie free where it would get them waits for nothing."""
    figure = report.figure("units that orders lack though they lie free: none")
    for (sku, waits_at), units in sorted(lacking.items(), key=lambda item: (item[0][0], sorted(item[0][1]))):
        free = sum(
            max(0, s.free) for (place, of), s in spots.items() if of == sku and (not waits_at or place in waits_at)
        )
        report.compare(figure, sku, 0, min(units, free))
