"""The figures of a replay: counted from the trace, read back from Postgres, or taken from expected.json; comparable.

Definitions are those of expected.json: an order is a distinct reference, a line a row; units sold are those of positive
lines whatever became of them; negative lines are returned units where the order's final status is cancelled or
returned, written off otherwise; money is quantity × unit price in minor units, before discount and freight.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from perf.replay.tally import Lacking
from perf.replay.trace import TraceLine

RETURN_STATUSES: Final = ("cancelled", "returned")


@dataclass(slots=True)
class Revenue:
    """Minor units of one currency. `negative` is zero or below; `cancelled` is the part of
    `gross` that was cancelled."""

    gross: int = 0
    negative: int = 0
    cancelled: int = 0

    @property
    def net(self) -> int:
        return self.gross + self.negative


@dataclass(slots=True)
class Figures:
    """The counts of one trace (a source) or of all together."""

    orders: int = 0
    lines: int = 0
    units_sold: int = 0
    units_returned: int = 0
    units_written_off: int = 0
    cancelled_orders: int = 0
    cancelled_orders_with_positive_lines: int = 0
    orders_by_final_status: dict[str, int] = field(default_factory=dict)
    revenue: dict[str, Revenue] = field(default_factory=dict)

    def rows(self) -> dict[str, int]:
        """Every figure by its name, in the order in which they are shown."""
        named = {
            "orders": self.orders,
            "lines": self.lines,
            "units sold": self.units_sold,
            "units returned": self.units_returned,
            "units written off": self.units_written_off,
            "cancelled orders": self.cancelled_orders,
            "… with positive lines": self.cancelled_orders_with_positive_lines,
        }
        for status, count in sorted(self.orders_by_final_status.items()):
            if count:
                named[f"{STATUS_PREFIX}{status}"] = count
        for currency, money in sorted(self.revenue.items()):
            named[f"{currency} gross"] = money.gross
            named[f"{currency} negative"] = money.negative
            named[f"{currency} net"] = money.net
            named[f"{currency} net without cancelled"] = money.net - money.cancelled
        return named

    def add(self, other: "Figures") -> None:
        """Adds the figures of another trace; orders of different traces never have the same reference."""
        for name in ("orders", "lines", "units_sold", "units_returned", "units_written_off", "cancelled_orders"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.cancelled_orders_with_positive_lines += other.cancelled_orders_with_positive_lines
        for status, count in other.orders_by_final_status.items():
            self.orders_by_final_status[status] = self.orders_by_final_status.get(status, 0) + count
        for currency, money in other.revenue.items():
            mine = self.revenue.setdefault(currency, Revenue())
            mine.gross += money.gross
            mine.negative += money.negative
            mine.cancelled += money.cancelled


STATUS_PREFIX: Final = "orders "


def without(by_trace: Mapping[str, Figures], lacking: Iterable[Lacking]) -> dict[str, Figures]:
    """The figures that remain when what could not be written off for want of stock is taken out."""
    left = copy.deepcopy(dict(by_trace))
    for one in lacking:
        figures = left[one.reference.partition(":")[0]]
        figures.lines -= one.lines
        figures.units_written_off -= one.units
        for currency, value in one.value_minor.items():
            figures.revenue[currency].negative -= value
        if one.whole:
            figures.orders -= 1
            figures.orders_by_final_status[one.final_status] -= 1
    return left


def total(by_trace: Mapping[str, Figures]) -> Figures:
    """The sum over all traces."""
    figures = Figures()
    for part in by_trace.values():
        figures.add(part)
    return figures


class FigureCounter:
    """Counts figures from the rows of a trace, one after the other."""

    def __init__(self) -> None:
        self.by_trace: dict[str, Figures] = {}
        self._cancelled_positive: set[str] = set()

    def add(self, line: TraceLine, first_of_order: bool) -> None:
        """Takes one line; `first_of_order` says that its order has not been seen before."""
        figures = self.by_trace.setdefault(line.trace, Figures())
        figures.lines += 1
        cancelled = line.final_status == "cancelled"
        if first_of_order:
            figures.orders += 1
            figures.cancelled_orders += cancelled
            statuses = figures.orders_by_final_status
            statuses[line.final_status] = statuses.get(line.final_status, 0) + 1
        money = figures.revenue.setdefault(line.currency, Revenue())
        value = line.quantity * line.unit_price_minor
        if line.quantity < 0:
            money.negative += value
            if line.final_status in RETURN_STATUSES:
                figures.units_returned -= line.quantity
            else:
                figures.units_written_off -= line.quantity
            return
        figures.units_sold += line.quantity
        money.gross += value
        if cancelled:
            money.cancelled += value
            if line.reference not in self._cancelled_positive:
                self._cancelled_positive.add(line.reference)
                figures.cancelled_orders_with_positive_lines += 1


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure beside the one that it should equal; `compared` is False where it can't be expected to."""

    name: str
    wanted: int
    found: int
    compared: bool = True

    @property
    def equal(self) -> bool:
        return self.wanted == self.found


def compare(wanted: Figures, found: Figures, skip_statuses: bool = False) -> list[Difference]:
    """Every figure of both sides; with `skip_statuses` those by status are shown, not compared (under --scarce)."""
    left, right = wanted.rows(), found.rows()
    names = [*left, *(name for name in right if name not in left)]
    return [
        Difference(name, left.get(name, 0), right.get(name, 0), not (skip_statuses and name.startswith(STATUS_PREFIX)))
        for name in names
    ]


class _Money(msgspec.Struct):
    gross_minor: int
    negative_minor: int
    net_minor: int
    net_excl_cancelled_positive_minor: int


class _Expected(msgspec.Struct):
    orders: int
    lines: int
    units_sold: int
    units_returned: int
    units_written_off: int
    cancelled_orders: int
    cancelled_orders_with_positive_lines: int
    orders_by_final_status: dict[str, int]
    revenue_minor: dict[str, _Money]

    def figures(self) -> Figures:
        return Figures(
            orders=self.orders,
            lines=self.lines,
            units_sold=self.units_sold,
            units_returned=self.units_returned,
            units_written_off=self.units_written_off,
            cancelled_orders=self.cancelled_orders,
            cancelled_orders_with_positive_lines=self.cancelled_orders_with_positive_lines,
            orders_by_final_status=dict(self.orders_by_final_status),
            revenue={
                currency: Revenue(m.gross_minor, m.negative_minor, m.net_minor - m.net_excl_cancelled_positive_minor)
                for currency, m in self.revenue_minor.items()
            },
        )


class _File(msgspec.Struct):
    file: str
    sha256_of_uncompressed_csv: str
    total: _Expected
    by_trace: dict[str, _Expected]


class _ExpectedJson(msgspec.Struct):
    regions: dict[str, _File] = {}
    samples: dict[str, _File] = {}

    def files(self) -> Iterator[_File]:
        yield from self.regions.values()
        yield from self.samples.values()


@dataclass(frozen=True, slots=True)
class Expectation:
    """What expected.json says of this trace: the figures by trace, and why there are none where there are none."""

    by_trace: dict[str, Figures] | None
    note: str


def load_expected(trace: Path, sha256: str) -> Expectation:
    """The entry for this very file in `expected.json` beside it: same name and same content. Never raises."""
    source = trace.with_name("expected.json")
    try:
        known = msgspec.json.decode(source.read_bytes(), type=_ExpectedJson)
    except FileNotFoundError:
        return Expectation(None, "no expected.json beside the trace: compared with what its rows come to")
    except (OSError, ValueError) as error:  # msgspec's, and that bytes are no UTF-8
        return Expectation(None, f"{source} can't be used ({error}): compared with what the trace's rows come to")
    for entry in known.files():
        if Path(entry.file).name != trace.name:
            continue
        if entry.sha256_of_uncompressed_csv != sha256:
            return Expectation(None, f"{source} is about another content of {trace.name}: compared with its rows")
        return Expectation({name: part.figures() for name, part in entry.by_trace.items()}, f"compared with {source}")
    return Expectation(None, f"{trace.name} is not in {source}: compared with what its rows come to")
