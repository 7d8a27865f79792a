"""One replay from the trace to the verdict."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from cells.errors import CellError as OperatorError
from perf.credentials import if_asked
from perf.replay.client import CellClient, CellError, CellRefused, CellUnreachable
from perf.replay.figures import load_expected, without
from perf.replay.life import Life
from perf.replay.orders import read_orders
from perf.replay.places import PlacesError, open_places, receiving
from perf.replay.placing import Placer
from perf.replay.plan import OrderPlan, plan_order
from perf.replay.play import play_fast, play_paced
from perf.replay.prepare import define_skus, receive_stock
from perf.replay.readback import (
    PostgresFigures,
    Present,
    Readback,
    ReadbackError,
    read_settled,
    read_stock_settled,
)
from perf.replay.remembered import (
    KEYS_REMEMBERED_S,
    KeysForgotten,
    SentBefore,
    check_speed,
    in_hours,
    remembers_orders,
    sends_receipts,
)
from perf.replay.report import show_equal, show_figures, show_rejected, show_stock, show_tally
from perf.replay.second_person import SecondPerson
from perf.replay.stock import StockReport
from perf.replay.stores import PostgresUnknown, postgres_url, sealed_name
from perf.replay.supply import receipts, receipts_reference, received_units
from perf.replay.survey import Survey, survey
from perf.replay.tally import Tally
from perf.replay.trace import TraceError
from serve.identity.key_file import KeyringError

EQUAL: Final = 0
DIFFERENT: Final = 1
COULD_NOT_RUN: Final = 2
FIRST_ANSWER_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked for. `speed` None: as fast as possible. `patience_s`: how long one request is sent again.
    `readback_s`: how long write-behind may take to catch up; `quiet_s`: its figures must stand still
    this long, several drains."""

    trace: Path
    base: str
    region: str
    scarce: Fraction | None = None
    speed: float | None = None
    concurrency: int = 64
    locations: Path | None = None
    home_country: str = ""
    home: Path = Path(".ocefs")
    patience_s: float = 120.0
    readback_s: float = 300.0
    quiet_s: float = 1.5


# What a replay can't go on after, told in words. The operator's errors: a token that can't be made,
# certificates that can't be used.
_TOLD: Final = (
    TraceError, PlacesError, PostgresUnknown, ReadbackError, CellError, KeysForgotten, KeyringError, OperatorError,
)  # fmt: skip


class _Rate(ProgressColumn):
    """Finished things per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")


def replay(settings: Settings, console: Console, environment: Mapping[str, str] = os.environ) -> int:
    """Runs one replay and shows its outcome. Returns the exit code: EQUAL, DIFFERENT or COULD_NOT_RUN."""
    try:
        found = survey(settings.trace)
        lines = sum(figures.lines for figures in found.by_trace.values())
        trace = escape(str(settings.trace))
        console.print(f"{trace}: {len(found.entries):,} orders, {lines:,} lines, {len(found.needs):,} SKUs")
        # Before anything is sent: a replay that can't be read back proves nothing.
        url = postgres_url(settings.region, environment, settings.home)
        with PostgresFigures(url, sealed_name(settings.region, settings.home)) as source:
            source.name_orders(found.entries)
            tally, retries = Tally(), 0
            present = source.present()
            if _is_to_be_sent(present, found, settings.speed, console):
                with _progress(console) as progress:
                    retries = asyncio.run(_send(settings, found, tally, source, present, progress))
            with console.status("waiting for write-behind"):
                back, settled = read_settled(
                    source, tally.placed, tally.adjusted_lines, settings.readback_s, settings.quiet_s
                )
                stock = read_stock_settled(partial(_read_stock, source, settings, found, tally), settings.readback_s)
    except _TOLD as error:
        console.print(f"[bold red]{type(error).__name__}[/]: ", end="")
        console.print(str(error), markup=False, highlight=False)
        if isinstance(error, CellUnreachable):
            console.print(
                f"What was acknowledged is kept. Run the same command again, within {in_hours(KEYS_REMEMBERED_S)} of the first time: it goes on where it was."
            )
        return COULD_NOT_RUN
    return _verdict(settings, console, found, tally, retries, back, settled, stock)


def _read_stock(source: PostgresFigures, settings: Settings, found: Survey, tally: Tally) -> StockReport:
    """The stock of the trace's SKUs as it is now, beside what this run sent."""
    sent = (found.needs, tally.warehouses, settings.scarce)
    received = received_units(*sent) if tally.warehouses else None
    reference = receipts_reference(*sent) if tally.warehouses else ""
    return source.read_stock(found.needs.keys(), reference, received, tally.shipped)


def _is_to_be_sent(present: Present, found: Survey, speed: float | None, console: Console) -> bool:
    """Whether sending is safe and needed: cells remember keys for 24 h only. Raises KeysForgotten."""
    if remembers_orders(present.orders, len(found.entries), present.age_s):
        if speed is not None:
            check_speed(found, present.ages_s, speed)
        return True
    # What is there of an order does not say that all of it is: a run may have ended before its
    # updates, or its adjustments.
    console.print(
        f"All orders of this trace are there, from up to {in_hours(present.age_s)} ago: nothing is sent again, it is only read back."
        " What an earlier run left undone is not made up for, and shows as different."
    )
    return False


def _progress(console: Console) -> Progress:
    text = TextColumn("{task.description:<9}")
    return Progress(text, BarColumn(), MofNCompleteColumn(), _Rate(), TimeElapsedColumn(), console=console)


async def _send(
    settings: Settings, found: Survey, tally: Tally, source: PostgresFigures, present: Present, progress: Progress
) -> int:
    """Everything that goes to the cell; returns how many requests were sent again. Raises CellError, PlacesError,
    KeysForgotten, ReadbackError."""
    async with _client(settings) as client, _client(settings) as managers:
        await _introduce(client, settings)
        manager = SecondPerson(managers, settings.region, settings.home.absolute())
        places = receiving(await open_places(client, settings.region, settings.locations))
        warehouses = tally.warehouses = [place.location_id for place in places]
        # An interrupted run may have left nothing else: the orders that are there do not tell.
        received_age_s = source.received_age_s(receipts_reference(found.needs, warehouses, settings.scarce))
        is_to_be_received = sends_receipts(received_age_s, all_there=present.orders >= len(found.entries))
        await define_skus(client, found, _bar(progress, "SKUs", len(found.needs)))
        if is_to_be_received:
            bodies = sum(1 for _ in receipts(found.needs, warehouses, settings.scarce))
            bar = _bar(progress, "receipts", bodies)
            await receive_stock(client, found, warehouses, settings.scarce, bar)
        home_country = settings.home_country or found.home_country or places[0].country
        sent = SentBefore(present.ages_s)
        placer = Placer(client, manager, tally, sent, home_country, warehouses[0], settings.scarce is not None)
        life = Life(client, tally)
        bar = _bar(progress, "orders", len(found.entries))
        try:
            if settings.speed is None:
                await play_fast(_plans(found), placer, life, bar)
            else:
                await play_paced(_plans(found), placer, life, bar, settings.speed)
        except BaseExceptionGroup as group:
            raise _first_leaf(group) from group
        await manager.sign_out()
        return client.retries + managers.retries


def _client(settings: Settings) -> CellClient:
    return CellClient(settings.base, settings.region, settings.concurrency, settings.patience_s)


async def _introduce(client: CellClient, settings: Settings) -> None:
    """The first request, which must be answered soon; a cell that asks who we are is told so from
    now on. Raises CellError."""
    patience_s = min(FIRST_ANSWER_S, settings.patience_s)
    first = await client.get("/v1/locations", {"limit": "1"}, patience_s=patience_s)
    try:
        client.credentials = if_asked(first.status, settings.region, settings.home.absolute())
    except OperatorError as error:
        raise CellRefused(str(error)) from None


def _bar(progress: Progress, what: str, count: int) -> Callable[[int], None]:
    task = progress.add_task(what, total=count)
    return lambda done: progress.advance(task, done)


def _plans(found: Survey) -> Iterator[OrderPlan]:
    return (plan_order(order) for order in read_orders(found.path, found.entries))


def _first_leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Why a group of tasks stopped: the first exception in it that is no group."""
    first = group.exceptions[0]
    return _first_leaf(first) if isinstance(first, BaseExceptionGroup) else first


def _verdict(
    settings: Settings,
    console: Console,
    found: Survey,
    tally: Tally,
    retries: int,
    back: Readback,
    settled: bool,
    stock: StockReport,
) -> int:
    show_rejected(console, found)
    show_tally(console, tally, retries)
    expectation = load_expected(settings.trace, found.sha256)
    console.print(expectation.note, markup=False, highlight=False)
    wanted = expectation.by_trace if expectation.by_trace is not None else found.by_trace
    wanted = without(wanted, tally.lacking)
    scarce = settings.scarce is not None
    equal = show_figures(console, wanted, back.by_trace, "Read back from Postgres", scarce)
    equal &= show_stock(console, stock)
    if not settled:
        console.print(
            "[bold red]Write-behind did not catch up[/] with what the cell acknowledged, see the figures above."
        )
    if equal and settled and not tally.refused:
        show_equal(console, found.rejected.total(), found.joined, scarce, len(tally.lacking), bool(tally.warehouses))
        return EQUAL
    console.print("[bold red]different[/]" if not equal or not settled else "[bold red]refused steps, see above[/]")
    return DIFFERENT
