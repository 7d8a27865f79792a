"""Reads the figures back from Postgres: what the cell really wrote about this trace's orders, and nothing else.

The trace's references go into a temporary table with what the trace says of them, and into another the names under
which a cell keeps them: as they are, or where it seals them, as their keyed digest. Orders join by `order_ref`, ledger
entries by `reference`. Orders of a demo, of other traces, or of a longer part of the same trace are so left out.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import psycopg

from perf.replay.figures import Figures, Revenue
from perf.replay.orders import OrderEntry
from perf.replay.stock import Spot, StockReport, check_stock
from perf.replay.stock_readback import name_skus, read_orders, read_spots

CONNECT_S_MAX: Final = 10
STATEMENT_MS_MAX: Final = 60_000
# Figures that miss something and stand still this long won't become complete.
STUCK_S: Final = 20.0
POLL_S: Final = 0.25

_ORDERS = """
    SELECT split_part(r.reference, ':', 1), r.final_status, o.status, o.currency,
           count(*), sum(o.line_count)::bigint, sum(o.units)::bigint, sum(o.total_minor)::bigint
    FROM orders o JOIN replay_names n ON n.name = o.order_ref JOIN replay_refs r USING (reference)
    GROUP BY 1, 2, 3, 4
"""
# An order with positive and negative lines is in `orders` already; the last column counts the references that are not.
_LEDGER = """
    SELECT split_part(l.reference, ':', 1), r.final_status, l.reason, l.currency,
           count(*), sum(abs(l.quantity))::bigint, coalesce(sum(abs(l.value_minor)), 0)::bigint,
           count(DISTINCT l.reference) FILTER (WHERE o.reference IS NULL)
    FROM ledger l JOIN replay_refs r ON r.reference = l.reference
    LEFT JOIN (SELECT DISTINCT n.reference FROM orders JOIN replay_names n ON n.name = order_ref) o
        ON o.reference = l.reference
    WHERE l.reason IN ('return', 'write_off')
    GROUP BY 1, 2, 3, 4
"""
# What of the trace is there already, and since when.
_PRESENT = """
    SELECT r.reference, extract(epoch FROM now() - min(p.at))::float8 FROM replay_refs r JOIN (
        SELECT n.reference, placed_at AS at FROM orders JOIN replay_names n ON n.name = order_ref
        UNION ALL SELECT reference, at FROM ledger WHERE reason IN ('return', 'write_off')
    ) p ON p.reference = r.reference GROUP BY 1
"""
# Since when the receipts of a replay are there.
_RECEIVED = """
    SELECT coalesce(extract(epoch FROM now() - min(at)), 0)::bigint
    FROM ledger WHERE reason = 'receipt' AND starts_with(reference, %s)
"""


class ReadbackError(Exception):
    """Postgres could not be reached or read; the message says where it failed."""


@dataclass(frozen=True, slots=True)
class Present:
    """The orders of the trace that are in Postgres: reference → how long ago it came, in seconds."""

    ages_s: Mapping[str, float]

    @property
    def orders(self) -> int:
        return len(self.ages_s)

    @property
    def age_s(self) -> float:
        """Of the oldest; 0 where there is none."""
        return max(self.ages_s.values(), default=0.0)


@dataclass(frozen=True, slots=True)
class Readback:
    """The figures by trace, and how many orders and adjustment lines they stand on."""

    by_trace: dict[str, Figures]
    orders: int
    adjusted_lines: int


class PostgresFigures:
    """One connection to a cell's Postgres. `sealed_name`: what a reference is called where it is sealed. Raises
    ReadbackError from every method."""

    def __init__(self, url: str, sealed_name: Callable[[str], str] | None = None) -> None:
        self._sealed_name = sealed_name
        try:
            self._connection = psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_S_MAX)
            self._connection.execute(f"SET statement_timeout = {STATEMENT_MS_MAX}".encode())
        except psycopg.Error as error:
            raise ReadbackError(f"the cell's Postgres can't be reached: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def name_orders(self, entries: Mapping[str, OrderEntry]) -> None:
        """Says which orders are meant, and what the trace says of each."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("DROP TABLE IF EXISTS replay_refs")
                cursor.execute("CREATE TEMPORARY TABLE replay_refs (reference text PRIMARY KEY, final_status text)")
                with cursor.copy("COPY replay_refs FROM STDIN") as copy:
                    for reference, entry in entries.items():
                        copy.write_row((reference, entry.final_status))
                cursor.execute("DROP TABLE IF EXISTS replay_names")
                cursor.execute("CREATE TEMPORARY TABLE replay_names (name text PRIMARY KEY, reference text)")
                with cursor.copy("COPY replay_names FROM STDIN") as copy:
                    for reference in entries:
                        copy.write_row((reference, reference))
                        if self._sealed_name is not None:
                            copy.write_row((self._sealed_name(reference), reference))
                cursor.execute("ANALYZE replay_refs, replay_names")
        except psycopg.Error as error:
            raise ReadbackError(f"the cell's Postgres refused: {error}") from error

    def present(self) -> Present:
        """What is there of the named orders, whoever sent it."""
        try:
            return Present(dict(self._connection.execute(_PRESENT)))
        except psycopg.Error as error:
            raise ReadbackError(f"the cell's Postgres can't be read: {error}") from error

    def received_age_s(self, receipts_reference: str) -> int:
        """How long ago, in seconds, the first receipt came whose reference has this head; 0 where there is none."""
        try:
            row = self._connection.execute(_RECEIVED, (f"{receipts_reference} ",)).fetchone()
        except psycopg.Error as error:
            raise ReadbackError(f"the cell's Postgres can't be read: {error}") from error
        return int(row[0]) if row else 0

    def read(self) -> Readback:
        """The figures as they are now."""
        try:
            # One snapshot for both queries: else an order could be in neither or in both.
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                orders = cursor.execute(_ORDERS).fetchall()
                ledger = cursor.execute(_LEDGER).fetchall()
        except psycopg.Error as error:
            raise ReadbackError(f"the cell's Postgres can't be read: {error}") from error
        return figures_of(orders, ledger)

    def read_stock(
        self,
        skus: Collection[str],
        receipts_reference: str,
        received: Mapping[Spot, int] | None,
        told_shipped: Iterable[str],
    ) -> StockReport:
        """What the stock and the orders of these SKUs come to now; see `stock.check_stock`. The orders
        have to be named before."""
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                name_skus(cursor, skus)
                spots = read_spots(cursor, receipts_reference)
                return check_stock(read_orders(self._connection, skus), spots, received, told_shipped)
        except psycopg.Error as error:
            raise ReadbackError(f"the cell's stock can't be read: {error}") from error


def figures_of(orders: list[tuple[Any, ...]], ledger: list[tuple[Any, ...]]) -> Readback:
    """The grouped rows of both queries as figures."""
    by_trace: dict[str, Figures] = {}
    for trace, wanted, status, currency, count, lines, units, total_minor in orders:
        figures = by_trace.setdefault(trace, Figures())
        figures.orders += count
        figures.lines += lines
        figures.units_sold += units
        _count_status(figures, _final_status(wanted, status), count)
        money = figures.revenue.setdefault(currency, Revenue())
        money.gross += total_minor
        if status == "cancelled":
            money.cancelled += total_minor
            figures.cancelled_orders_with_positive_lines += count
    for trace, wanted, reason, currency, lines, units, value_minor, credit_notes in ledger:
        figures = by_trace.setdefault(trace, Figures())
        figures.orders += credit_notes
        figures.lines += lines
        if reason == "return":
            figures.units_returned += units
        else:
            figures.units_written_off += units
        _count_status(figures, wanted, credit_notes)
        if currency is not None:
            figures.revenue.setdefault(currency, Revenue()).negative -= value_minor
    return Readback(by_trace, sum(row[4] for row in orders), sum(row[4] for row in ledger))


def _count_status(figures: Figures, status: str, count: int) -> None:
    figures.orders_by_final_status[status] = figures.orders_by_final_status.get(status, 0) + count
    if status == "cancelled":
        figures.cancelled_orders += count


def _final_status(wanted: str, status: str) -> str:
    """The trace's word for a cell's status. The cell has none for goods that came back or got lost on their way."""
    if (wanted, status) == ("returned", "delivered") or (wanted, status) == ("lost", "shipped"):
        return wanted
    return status if status in ("shipped", "delivered", "cancelled") else "processing"


def read_settled(
    source: PostgresFigures,
    orders: int,
    adjusted_lines: int,
    deadline_s: float,
    quiet_s: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Readback, bool]:
    """Reads until write-behind has caught up: everything acknowledged is there and the figures stand
    still for `quiet_s` seconds.

    Returns the figures and whether they are so; False at the deadline (seconds), or where they stand still incomplete.
    """
    start = since = clock()
    found = source.read()
    while True:
        still_s = clock() - since
        complete = found.orders >= orders and found.adjusted_lines >= adjusted_lines
        if complete and still_s >= quiet_s:
            return found, True
        if still_s >= STUCK_S or clock() - start >= deadline_s:
            return found, False
        sleep(POLL_S)
        latest = source.read()
        if latest != found:
            found, since = latest, clock()


def read_stock_settled(
    read: Callable[[], StockReport],
    deadline_s: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> StockReport:
    """The stock once it adds up, each reading one snapshot; as it is at the deadline (seconds), or once it stood still
    for STUCK_S without adding up.

    Orders and places are written down by hosts of their own, and whoever waits for units may be given some yet: a
    difference that passes is none.
    """
    start = since = clock()
    report = read()
    while not report.equal:
        if clock() - since >= STUCK_S or clock() - start >= deadline_s:
            return report
        sleep(POLL_S)
        latest = read()
        if latest != report:
            report, since = latest, clock()
    return report
