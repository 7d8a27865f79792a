"""Measures one system after another and keeps the rows."""

import asyncio
import secrets
import tempfile
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import msgspec
from rich.console import Console

from perf import cell, closed_loop, orders, rows, steady
from perf.closed_loop import WrkFigures
from perf.compare import database
from perf.compare.bare_haproxy import bare_haproxy
from perf.comparison import postgres, workers
from perf.goods import bench_stock
from perf.http_pool import HttpPool, request
from perf.rows import OURS, Row

BODY_ITEMS = 100
BODY_CONNECTIONS = 32
"""Bodies of 100: with 128 connections 12,800 updates would be under way, and latency would be nothing but queueing."""
STEADY_CONNECTIONS = 64
WORKERS_TRIED = (1, 2)
ROUTER_ROUNDS = 6
ROUTER_SECONDS_LEAST = 3
"""The ways through the router are measured by turns with the straight one: the machine's speed moves by more than they differ."""

SCRIPTS = {
    "updates": ("updates", rows.UPDATES),
    "bodies": ("updates_bodies", rows.BODIES),
    "placements": ("placements", rows.PLACEMENTS),
    "availability": ("availability", rows.AVAILABILITY),
    "noop": ("noop", rows.NOOP),
}
"""Work as named on the command line → (script in perf/wrk, name of the work in the rows)."""


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


class Bench:
    """One run of the benchmark."""

    def __init__(self, options: Options, console: Console) -> None:
        self.options = options
        self.rows: list[Row] = []
        self.notes: dict[tuple[str, str], str] = {}
        self.facts: dict[str, str] = {}
        self.promises: dict[str, list[str]] = {}
        self.steady: rows.SteadyExtras | None = None
        self._console = console
        self._folder = tempfile.TemporaryDirectory(prefix="ocefs-bench-ids-")
        self._ids_file = Path(self._folder.name) / "orders"

    def database(self) -> AbstractContextManager[str]:
        """The comparisons' PostgreSQL."""
        return postgres(self.options.postgres_url)

    def _wrk(self, work: str, base: str, seconds: int) -> WrkFigures:
        connections = min(BODY_CONNECTIONS, self.options.connections) if work == "bodies" else self.options.connections
        return closed_loop.run(
            SCRIPTS[work][0],
            base,
            seconds=seconds,
            connections=connections,
            orders=self._ids_file,
            body_items=BODY_ITEMS,
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
        self.rows.append(row)
        self.notes[row.work, row.system] = note
        self._console.print(
            f"{row.work}, {row.system}: {row.rate_per_s:,.0f}/s, p50 {row.p50_ms:.1f} ms, p99 {row.p99_ms:.1f} ms, "
            f"errors {row.errors}  ({note})",
            highlight=False,
        )

    def compare(self, system: str, url: str) -> None:
        """Measures a comparison system at each work, with one worker or two, whichever is quicker."""
        if not self.facts.get("PostgreSQL"):
            told = database.settings(url)
            self.facts["PostgreSQL"] = told.pop("server_version")
            self.facts["PostgreSQL settings"] = ", ".join(f"{name}={value}" for name, value in told.items())
        if system == "noop":
            if "availability" in self.options.works:
                self._compare_work("noop", system, url)
            return
        for work in ("updates", "bodies", "placements", "availability"):
            if work in self.options.works:
                self._compare_work(work, system, url)

    def _compare_work(self, work: str, system: str, url: str) -> None:
        tried = {count: self._try(work, system, url, count, self.options.probe_seconds) for count in WORKERS_TRIED}
        count = max(tried, key=lambda n: tried[n].rate_per_s)
        figures = self._try(work, system, url, count, self.options.seconds, full=True)
        said = ", ".join(f"{n}: {tried[n].rate_per_s:,.0f}" for n in tried)
        self._keep(SCRIPTS[work][1], system, figures, f"{_workers(count)}; tried {said}")

    def _try(self, work: str, system: str, url: str, count: int, seconds: int, *, full: bool = False) -> WrkFigures:
        """Fresh tables, `count` workers, one run."""
        if system != "noop":
            ids = ["us-" + secrets.token_hex(13) for _ in range(self.options.orders)]
            orders.write_ids(ids, self._ids_file)
            database.fill(url, ids, bench_stock())
        with workers(system, count, url) as base:
            figures = self._wrk(work, base, seconds)
            if full and work == "placements":
                asyncio.run(self._scarce(base))
        if full and work == "placements":
            self.promises[system] = database.promised_twice(url)
        return figures

    async def _scarce(self, base: str) -> None:
        """More orders than units, so that the check of the stock has something to find."""
        async with HttpPool(base, orders.CONNECTIONS) as pool:
            await orders.place_scarce(pool)

    def ocefs(self) -> None:
        """Measures a cell of OCEFS at each work, then the way through the router, then the steady run."""
        with ExitStack() as stack:
            if self.options.base:
                base = self.options.base
                cell.wait_ready(base)
                home = None
            else:
                home = stack.enter_context(cell.own_home())
                self._console.print("starting a cell …")
                base = stack.enter_context(cell.own_cell(home))
            ids = asyncio.run(self._prepare(base))
            for work in ("updates", "bodies", "placements", "availability"):
                if work in self.options.works:
                    self._ocefs_work(work, base, ids)
            if "router" in self.options.works:
                self._through_router(base, home, ids)
            if "steady" in self.options.works:
                asyncio.run(self._steady(base, ids))

    async def _prepare(self, base: str) -> list[str]:
        async with HttpPool(base, orders.CONNECTIONS) as pool:
            self._console.print(f"placing {self.options.orders:,} orders …", highlight=False)
            await orders.prepare_places(pool, self.options.orders)
            ids = await orders.place_orders(pool, self.options.orders)
            await self._note_versions(pool)
        orders.write_ids(ids, self._ids_file)
        return ids

    async def _note_versions(self, pool: HttpPool) -> None:
        """The stores' versions, as far as the cell says them."""
        state = (await pool.ask(request("GET", pool.host, "/readyz"))).json()
        for name in ("redis", "postgres"):
            said = state.get(name) if isinstance(state, dict) else None
            if isinstance(said, dict) and "version" in said:
                self.facts[f"{name} of the cell"] = str(said["version"])

    def _ocefs_work(self, work: str, base: str, ids: list[str]) -> None:
        asyncio.run(self._bring_to_allocated(base, ids))
        figures = self._wrk(work, base, self.options.seconds)
        self._keep(SCRIPTS[work][1], OURS, figures, f"at {base}")
        if work == "placements":
            self.promises[OURS] = asyncio.run(self._check_promises(base))

    async def _bring_to_allocated(self, base: str, ids: list[str]) -> None:
        async with HttpPool(base, 4) as pool:
            await orders.bring_to_allocated(pool, ids)

    async def _check_promises(self, base: str) -> list[str]:
        async with HttpPool(base, orders.CONNECTIONS) as pool:
            return await orders.check_promises(pool)

    def _through_router(self, base: str, home: Path | None, ids: list[str]) -> None:
        """Straight to the cell, through the router and through an HAProxy without rules, by turns: so all see the same machine."""
        with ExitStack() as stack:
            if self.options.router:
                router = self.options.router
            elif home is not None:
                router = stack.enter_context(cell.own_router(home))
            else:
                self._console.print("the way through the router is not measured: give --router with --base")
                return
            cell.wait_routed(router)
            seconds = max(ROUTER_SECONDS_LEAST, round(self.options.seconds / ROUTER_ROUNDS))
            bare = stack.enter_context(bare_haproxy(base))
            addresses = [base, router, bare]
            runs: dict[str, list[WrkFigures]] = {address: [] for address in addresses}
            for turn in range(ROUTER_ROUNDS):
                # Each goes first, second and third as often as the others.
                first = turn % len(addresses)
                for address in (*addresses[first:], *addresses[:first]):
                    asyncio.run(self._bring_to_allocated(base, ids))
                    runs[address].append(self._wrk("updates", address, seconds))
            straight = closed_loop.together(runs[base])
            for address, system in ((router, OURS), (bare, "bare-haproxy")):
                through = closed_loop.together(runs[address])
                ratio = through.rate_per_s / max(straight.rate_per_s, 1e-9)
                rounds = zip(runs[address], runs[base], strict=True)
                said = ", ".join(f"{one.rate_per_s / max(other.rate_per_s, 1e-9):.2f}" for one, other in rounds)
                self._keep(rows.ROUTER, system, through, f"{ratio:.2f} × straight by turns; the rounds: {said}")
            self._keep(rows.STRAIGHT, OURS, straight, f"at {base}, by turns with the ways through HAProxy")

    async def _steady(self, base: str, ids: list[str]) -> None:
        await self._bring_to_allocated(base, ids)
        options = self.options
        self._console.print(f"{options.steady_rate:,} updates/s for {options.steady_seconds} s …", highlight=False)
        figures, self.steady = await steady.run(
            base,
            ids,
            updates_per_s=options.steady_rate,
            seconds=options.steady_seconds,
            connections=STEADY_CONNECTIONS,
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
        self._add(row, f"at {base}, {figures.seconds:.0f} s, from the intended time of sending")
