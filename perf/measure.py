"""Measures one system after another and keeps the rows."""

import asyncio
import secrets
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console

from perf import cell, closed_loop, inside, orders, pace, rows, steady, switches
from perf.changing_stock import ChangingStock
from perf.chaos.own_cell import OwnCell
from perf.closed_loop import WrkFigures
from perf.compare import database
from perf.compare.bare_haproxy import bare_haproxy
from perf.comparison import StartFailed, postgres, workers
from perf.credentials import NOBODY, SHOP_AND_WAREHOUSE, Credentials, of_cell, of_home
from perf.goods import bench_stock
from perf.http_pool import HttpPool, request
from perf.rows import OURS, Row
from perf.standing_still import standing_still
from perf.switches import SWITCHES, Switch

BODY_ITEMS = 100
BODY_CONNECTIONS = 32
"""Bodies of 100: with 128 connections 12,800 updates would be under way, and latency would be nothing but queueing."""
STEADY_CONNECTIONS = 64
WORKERS_TRIED = (1, 2)
ROUTER_ROUNDS = 6
BESIDE_ROUNDS = 4
INSIDE_ROUNDS = 500
ROUND_SECONDS_LEAST = 3
"""What is compared with another figure is measured by turns with it: the machine's speed moves
by more than they differ."""

SCRIPTS = {
    "updates": ("updates", rows.UPDATES),
    "bodies": ("updates_bodies", rows.BODIES),
    "placements": ("placements", rows.PLACEMENTS),
    "availability": ("availability", rows.AVAILABILITY),
    "availability50": ("availability_50", rows.AVAILABILITY_50),
    "anywhere": ("availability_anywhere", rows.ANYWHERE),
    "noop": ("noop", rows.NOOP),
}
"""Work as named on the command line → (script in perf/wrk, name of the work in the rows)."""

COMPARED_WORKS = ("updates", "bodies", "placements", "availability", "availability50", "anywhere")
NOOP_BESIDE = {"availability": rows.NOOP, "anywhere": rows.NOOP_ANYWHERE}
"""Works that the no-op route is measured beside → the name of its row."""


def _is_compared(work: str, system: str) -> bool:
    """The no-op route does none of our works, but stands beside reads; the others answer those from their tables,
    however often they change."""
    return work in NOOP_BESIDE if system == "noop" else work != "anywhere"


def _row_of(rival_work: str, beside: str) -> str:
    return NOOP_BESIDE[beside] if rival_work == "noop" else SCRIPTS[rival_work][1]


def _by_turn(rounds: Sequence[WrkFigures], work: str) -> str:
    items = BODY_ITEMS if work == "bodies" else 1
    return f"by turns {' '.join(f'{figures.rate_per_s * items / 1000:.1f}k' for figures in rounds)}"


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


class Options(msgspec.Struct, frozen=True):
    """What was asked for on the command line; times in seconds."""

    works: tuple[str, ...]
    base: str | None
    router: str | None
    postgres_url: str | None
    seconds: int
    probe_seconds: int
    orders: int
    connections: int
    steady_seconds: int
    steady_rate: int


Run = Callable[[int, bool], WrkFigures]
"""One round: for so many seconds; is it the last?"""


class Rival(NamedTuple):
    """A comparison system at one kind of work: of its own name where it does not do ours (the no-op), and with how many
    workers it is quickest."""

    system: str
    work: str
    workers: int
    tried: str


class Subject(msgspec.Struct, frozen=True):
    """What is under load: its address, who we are to it, and its orders; `ids_file` has them for wrk."""

    base: str
    credentials: Credentials
    ids: Sequence[str]
    ids_file: Path

    def by(self, base: str) -> "Subject":
        """The same by another way."""
        return msgspec.structs.replace(self, base=base)

    def pool(self, connections: int) -> HttpPool:
        """Connections to it."""
        return HttpPool(self.base, connections, self.credentials)


class Bench:
    """One run of the benchmark."""

    def __init__(self, options: Options, console: Console) -> None:
        self.options = options
        self.rows: list[Row] = []
        self.notes: dict[tuple[str, str], str] = {}
        self.facts: dict[str, str] = {}
        self.promises: dict[str, list[str]] = {}
        self.loops_ms: list[float] = []
        self._changes: list[float] = []
        self._rivals: dict[str, list[Rival]] = {}
        self.steady: rows.SteadyExtras | None = None
        self._console = console
        self._folder = tempfile.TemporaryDirectory(prefix="ocefs-bench-ids-")

    def database(self) -> AbstractContextManager[str]:
        """The comparisons' PostgreSQL."""
        return postgres(self.options.postgres_url)

    def _subject(self, base: str, credentials: Credentials, ids: Sequence[str]) -> Subject:
        path = Path(self._folder.name) / f"orders-{secrets.token_hex(4)}"
        orders.write_ids(ids, path)
        return Subject(base, credentials, ids, path)

    def _wrk(self, work: str, subject: Subject, seconds: int) -> WrkFigures:
        connections = min(BODY_CONNECTIONS, self.options.connections) if work == "bodies" else self.options.connections
        return closed_loop.run(
            SCRIPTS[work][0],
            subject.base,
            seconds=seconds,
            connections=connections,
            orders=subject.ids_file,
            body_items=BODY_ITEMS,
            headers=subject.credentials.headers(seconds + closed_loop.GRACE_S),
        )

    def _keep(self, work: str, system: str, figures: WrkFigures, note: str) -> None:
        per_request = BODY_ITEMS if work == rows.BODIES else 1
        row = Row(
            work=work,
            system=system,
            rate_per_s=round(figures.rate_per_s * per_request, 1),
            p50_ms=figures.p50_us / 1000,
            p95_ms=figures.p95_us / 1000,
            p99_ms=figures.p99_us / 1000,
            errors=figures.errors,
        )
        self._add(row, note)

    def _add(self, row: Row, note: str) -> None:
        self.loops_ms.append(pace.loop_ms())
        note = f"{note}; loop {self.loops_ms[-1]:.1f} ms"
        self.rows.append(row)
        self.notes[row.work, row.system] = note
        self._console.print(
            f"{row.work}, {row.system}: {row.rate_per_s:,.0f}/s, p50 {row.p50_ms:.1f} ms, p99 {row.p99_ms:.1f} ms, "
            f"errors {row.errors}  ({note})",
            highlight=False,
        )

    def compare(self, system: str, url: str, *, beside: bool) -> None:
        """Measures a comparison system at each work, with one worker or two, whichever is quicker. `beside`: later,
        by turns with the cell."""
        if not self.facts.get("PostgreSQL"):
            told = database.settings(url)
            self.facts["PostgreSQL"] = told.pop("server_version")
            self.facts["PostgreSQL settings"] = ", ".join(f"{name}={value}" for name, value in told.items())
        for work in COMPARED_WORKS:
            if work in self.options.works and _is_compared(work, system):
                rival = self._quickest("noop" if system == "noop" else work, system, url)
                if beside:
                    self._rivals.setdefault(work, []).append(rival)
                else:
                    figures = self._try(rival.work, system, url, rival.workers, self.options.seconds, full=True)
                    said = f"{_workers(rival.workers)}; {rival.tried}"
                    self._keep(_row_of(rival.work, work), system, figures, said)

    def _quickest(self, work: str, system: str, url: str) -> Rival:
        tried = {count: self._try(work, system, url, count, self.options.probe_seconds) for count in WORKERS_TRIED}
        said = ", ".join(f"{n}: {tried[n].rate_per_s:,.0f}" for n in tried)
        return Rival(system, work, max(tried, key=lambda n: tried[n].rate_per_s), f"tried {said}")

    def _try(self, work: str, system: str, url: str, count: int, seconds: int, *, full: bool = False) -> WrkFigures:
        """`count` workers, one run."""
        with workers(system, count, url) as base:
            return self._alone(work, system, url, self._of_rival(system, base), seconds, full=full)

    def _of_rival(self, system: str, base: str) -> Subject:
        ids = [] if system == "noop" else [f"us-{secrets.token_hex(13)}" for _ in range(self.options.orders)]
        return self._subject(base, NOBODY, ids)

    def _alone(self, work: str, system: str, url: str, subject: Subject, seconds: int, *, full: bool) -> WrkFigures:
        """One run of a comparison system on fresh tables; `full`: with the check of what it promised."""
        if subject.ids:
            database.fill(url, subject.ids, bench_stock())
        figures = self._wrk(work, subject, seconds)
        if full and work == "placements":
            asyncio.run(self._scarce(subject.base))
            self.promises[system] = database.promised_twice(url)
        return figures

    def _beside(self, work: str, ours: Subject, home: Path, url: str, rivals: Sequence[Rival]) -> None:
        """A work of ours and of comparison systems by turns, so that all see the same machine; the cell
        stands still while they run."""

        def of(rival: Rival, subject: Subject) -> Run:
            def run(seconds: int, last: bool) -> WrkFigures:
                with standing_still(home, ours.base):
                    return self._alone(rival.work, rival.system, url, subject, seconds, full=last)

            return run

        with ExitStack() as stack:
            runs = [self._prepared(work, ours)]
            for rival in rivals:
                base = stack.enter_context(workers(rival.system, rival.workers, url))
                runs.append(of(rival, self._of_rival(rival.system, base)))
            rounds = self._by_turns(runs, BESIDE_ROUNDS)
        self._keep(
            SCRIPTS[work][1], OURS, closed_loop.together(rounds[0]), self._noted(work, _by_turn(rounds[0], work))
        )
        for rival, measured in zip(rivals, rounds[1:], strict=True):
            said = f"{_workers(rival.workers)} ({rival.tried}); {_by_turn(measured, work)}"
            self._keep(_row_of(rival.work, work), rival.system, closed_loop.together(measured), said)

    async def _scarce(self, base: str) -> None:
        """More orders than units, so that the check of the stock has something to find."""
        async with HttpPool(base, orders.CONNECTIONS) as pool:
            await orders.place_scarce(pool)

    def inside(self) -> None:
        """What decisions cost without a cell around them, if that was asked for."""
        if "inside" in self.options.works:
            for row, note in inside.measure(INSIDE_ROUNDS):
                self._add(row, note)

    def ocefs(self, url: str) -> None:
        """Measures a cell of OCEFS at each work, then the way through the router, then the steady run. `url`: the
        database of the comparison systems that are to be measured beside it."""
        if set(self.options.works) <= {*SWITCHES, "inside"}:
            return
        with ExitStack() as stack:
            if self.options.base:
                base = self.options.base
                cell.wait_ready(base)
                home, credentials = None, of_cell(base, cell.REGION)
            else:
                home = stack.enter_context(cell.own_home())
                self._console.print("starting a cell …")
                base = stack.enter_context(cell.own_cell(home))
                credentials = cell.own_credentials(home)
            subject = asyncio.run(self._prepare(base, credentials, self.options.orders))
            for work in COMPARED_WORKS:
                if work in self.options.works:
                    self._ocefs_work(work, subject, home, url)
            if "router" in self.options.works:
                self._through_router(subject, home)
            if "steady" in self.options.works:
                asyncio.run(self._steady(subject))

    async def _prepare(self, base: str, credentials: Credentials, order_count: int, more: int = 0) -> Subject:
        async with HttpPool(base, orders.CONNECTIONS, credentials) as pool:
            self._console.print(f"placing {order_count:,} orders …", highlight=False)
            await orders.prepare_places(pool, order_count, more)
            ids = await orders.place_orders(pool, order_count)
            await self._note_versions(pool)
        return self._subject(base, credentials, ids)

    async def _note_versions(self, pool: HttpPool) -> None:
        """The stores' versions, as far as the cell says them."""
        state = (await pool.ask(request("GET", pool.host, "/readyz"))).json()
        for name in ("redis", "postgres"):
            said = state.get(name) if isinstance(state, dict) else None
            if isinstance(said, dict) and "version" in said:
                self.facts[f"{name} of the cell"] = str(said["version"])

    def _ocefs_work(self, work: str, subject: Subject, home: Path | None, url: str) -> None:
        if home is not None and work in self._rivals:
            self._beside(work, subject, home, url, self._rivals[work])
        else:
            asyncio.run(self._bring_to_allocated(subject))
            figures = self._ours(work, subject, self.options.seconds)
            self._keep(SCRIPTS[work][1], OURS, figures, self._noted(work, f"at {subject.base}"))
        if work == "placements":
            self.promises[OURS] = asyncio.run(self._check_promises(subject))

    async def _bring_to_allocated(self, subject: Subject) -> None:
        async with subject.pool(4) as pool:
            await orders.bring_to_allocated(pool, subject.ids)

    async def _check_promises(self, subject: Subject) -> list[str]:
        async with subject.pool(orders.CONNECTIONS) as pool:
            return await orders.check_promises(pool)

    def _prepared(self, work: str, subject: Subject) -> Run:
        """A work of ours, before which all orders are brought to where it begins."""

        def run(seconds: int, last: bool) -> WrkFigures:
            asyncio.run(self._bring_to_allocated(subject))
            return self._ours(work, subject, seconds)

        return run

    def _ours(self, work: str, subject: Subject, seconds: int) -> WrkFigures:
        """A work of ours; where stock is to change meanwhile, it does."""
        if work != "anywhere":
            return self._wrk(work, subject, seconds)
        with ChangingStock(subject.base, subject.credentials) as changing:
            figures = self._wrk(work, subject, seconds)
        if not changing.done:
            raise StartFailed("no stock was changed while shoppers asked: what was to be measured was not")
        self._changes.append(changing.done / seconds)
        return msgspec.structs.replace(figures, items_failed=figures.items_failed + changing.refused)

    def _noted(self, work: str, note: str) -> str:
        if work != "anywhere" or not self._changes:
            return note
        return f"{note}; {sum(self._changes) / len(self._changes):.0f} changes of stock a second meanwhile"

    def _by_turns(self, runs: Sequence[Run], turns: int) -> list[list[WrkFigures]]:
        """So that all see the same machine; the rounds of each."""
        seconds = max(ROUND_SECONDS_LEAST, round(self.options.seconds / turns))
        rounds: list[list[WrkFigures]] = [[] for _ in runs]
        for turn in range(turns):
            # Each goes first, second and so on as often as the others.
            for place in range(len(runs)):
                at = (turn + place) % len(runs)
                rounds[at].append(runs[at](seconds, turn == turns - 1))
        return rounds

    def _keep_share(self, work: str, system: str, rounds: list[WrkFigures], of: list[WrkFigures], name: str) -> None:
        """A row that says beside its figures what part of the other ones they are, all together and round by round."""
        shares = [one.rate_per_s / max(other.rate_per_s, 1e-9) for one, other in zip(rounds, of, strict=True)]
        figures, other = closed_loop.together(rounds), closed_loop.together(of)
        share = figures.rate_per_s / max(other.rate_per_s, 1e-9)
        said = ", ".join(f"{one:.2f}" for one in shares)
        self._keep(work, system, figures, f"{share:.2f} × {name} by turns; the rounds: {said}")

    def switches(self) -> None:
        """What each of the switches that were asked for costs."""
        wanted = [name for name in SWITCHES if name in self.options.works]
        if wanted and self.options.base:
            said = (
                f"what {' and '.join(wanted)} costs is not measured: it takes two cells of its own, so leave out --base"
            )
            self._console.print(said)
            return
        for name in wanted:
            self._switch(name, SWITCHES[name])

    def _switch(self, name: str, switch: Switch) -> None:
        count = min(self.options.orders, switches.ORDERS_MAX)
        with ExitStack() as stack:
            subjects = []
            for mode in ("off", "required"):
                self._console.print(f"starting a cell with {name} {mode} …", highlight=False)
                own = stack.enter_context(OwnCell(switch.changes(mode), name="ocefs-switch-"))
                cell.wait_ready(own.base)
                if switch.is_on(own.base, own.credentials.headers(60)) != (mode == "required"):
                    raise StartFailed(f"the cell with {name} {mode} at {own.base} does not do as it is told")
                subject = asyncio.run(self._prepare(own.base, own.credentials, count, switch.more_places))
                if (
                    own.credentials is not NOBODY
                ):  # what comes now comes from a client, not from whoever set the cell up
                    subject = msgspec.structs.replace(
                        subject, credentials=of_home(cell.REGION, own.home, SHOP_AND_WAREHOUSE)
                    )
                subjects.append(subject)
            for work, (with_it, without_it) in switch.works.items():
                runs = [self._prepared(work, subject) for subject in subjects]
                off, required = self._by_turns(runs, switches.ROUNDS)
                self._keep_share(with_it, OURS, required, off, "without it")
                self._keep(without_it, OURS, closed_loop.together(off), f"by turns with the cell that has {name} on")

    def _through_router(self, subject: Subject, home: Path | None) -> None:
        """Straight to the cell, through the router and through an HAProxy without rules, by turns: so
        all see the same machine."""
        with ExitStack() as stack:
            if self.options.router:
                router = self.options.router
            elif home is not None:
                router = stack.enter_context(cell.own_router(home, subject.credentials))
            else:
                self._console.print("the way through the router is not measured: give --router with --base")
                return
            cell.wait_routed(router, subject.credentials)
            bare = stack.enter_context(bare_haproxy(subject.base))
            ways = [self._prepared("updates", way) for way in (subject, subject.by(router), subject.by(bare))]
            straight, routed, bared = self._by_turns(ways, ROUTER_ROUNDS)
        self._keep_share(rows.ROUTER, OURS, routed, straight, "straight")
        self._keep_share(rows.ROUTER, "bare-haproxy", bared, straight, "straight")
        note = f"at {subject.base}, by turns with the ways through HAProxy"
        self._keep(rows.STRAIGHT, OURS, closed_loop.together(straight), note)

    async def _steady(self, subject: Subject) -> None:
        await self._bring_to_allocated(subject)
        options = self.options
        self._console.print(f"{options.steady_rate:,} updates/s for {options.steady_seconds} s …", highlight=False)
        figures, self.steady = await steady.run(
            subject.base,
            subject.ids,
            updates_per_s=options.steady_rate,
            seconds=options.steady_seconds,
            connections=STEADY_CONNECTIONS,
            credentials=subject.credentials,
        )
        row = Row(
            work=rows.STEADY,
            system=OURS,
            rate_per_s=round(figures.rate_per_s, 1),
            p50_ms=round(figures.p50_ms, 2),
            p95_ms=round(figures.p95_ms, 2),
            p99_ms=round(figures.p99_ms, 2),
            errors=figures.errors,
        )
        self._add(row, f"at {subject.base}, {figures.seconds:.0f} s, from the intended time of sending")
