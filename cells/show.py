"""What the command line shows: where to look after a start, the table of `status`, the ends of the logs."""

import json
import time
from collections import deque
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cells.audit_copy import copy_told
from cells.calls import Answer, call
from cells.demo import demo_orders, is_filled, places
from cells.demo_people import read_people
from cells.errors import CellError
from cells.paths import CellPaths, ever_started, known_regions
from cells.processes import is_alive
from cells.running import BeingEnded, record_of
from cells.settings import RegionConfig
from cells.shell import typed
from cells.state import KeeperState, as_it_runs
from cells.trust import SYSTEM, Trust, of_cell

# Of `status`. A row that ends early is empty to its end; one that is longer would get a column without a name.
CELL_COLUMNS = (
    "cell", "phase", "since", "keeper", "PostgreSQL", "Redis", "Ray", "restarts", "replicas", "journal", "store",
)  # fmt: skip
HOST_COLUMNS = ("host", "shards", "entities", "updates/s", "write-behind lag", "tail")


def where_to_look(configs: list[RegionConfig], router: str, console: Console, trust: Trust | None = None) -> None:
    """Print the addresses, the dashboards with their tokens, and two calls to try. `trust`: how
    the router is verified."""
    console.rule("where to look", align="left")
    lines = [f"[bold]router [/] {router}", *(line for config in configs for line in pages_of(config))]
    console.print("\n".join(lines), highlight=False, soft_wrap=True)
    sample = next((config for config in configs if places(config.name)), None)
    if sample is not None:
        _calls_to_try(sample, router, console, trust)
    if any(config.identity.mode == "off" for config in configs):
        console.print(
            "Identity is off: whoever reaches a cell may do everything. So everything listens on loopback (127.0.0.1) only;\n"
            "`make down`, then `make up IDENTITY=required`, lets nobody in without a token; a cell that has orders by then is refused, for they lie in the clear.",
            style="yellow",
            soft_wrap=True,
        )
    if trust is not None:
        console.print(
            "Everything that leaves a process is encrypted; what listens in plain text on loopback, and why, is in docs/security/tls.md.\n"
            f"A browser needs to trust {trust.ca} for these addresses; the Ray dashboard has no TLS and stays on loopback.",
            style="yellow",
            soft_wrap=True,
        )
    console.print(
        "All ports are on loopback but one, about which Ray leaves no choice: between Serve replicas, closed to all without\n"
        "the cell's token.",
        style="yellow",
        soft_wrap=True,
    )


def pages_of(config: RegionConfig) -> list[str]:
    """What a browser shows of a cell, with rich's markup. `config`: as it runs."""
    token = _read(CellPaths(config.name).ray_token)
    return [
        f"[bold]{config.name:<7}[/] API docs       {config.address}/docs",
        f"        Ray dashboard  http://127.0.0.1:{config.ray.dashboard_port}  token: {token}",
    ]


def _calls_to_try(config: RegionConfig, router: str, console: Console, trust: Trust | None) -> None:
    region, token = config.name, ""
    curl = f"curl -s --cacert {trust.ca}" if trust and trust.ca != SYSTEM else "curl -s"
    # Without an id in the path, the router goes by the header: the default region may not even run.
    headers = f"-H 'Content-Type: application/json' -H 'X-OCEFS-Region: {region}'"
    if config.identity.mode == "required":
        sign_in = (
            f"{curl} {router}/v1/sessions {headers} \\\n"
            f'  -d \'{{"login": "manager@{region}.demo", "password": "try-manager-at-{region}", "code": "<code>"}}\''
        )
        if any(person.role == "manager" and person.is_ready for person in read_people(CellPaths(region))):
            _shown(console, "sign in, here as the manager:", f"python -m cells code {region} manager", sign_in)
        _shown(console, "or take a token for tools on this machine:", f"TOKEN=$(python -m cells token {region})")
        token = ' -H "Authorization: Bearer $TOKEN"'  # noqa: S105 -- a variable of the reader's shell
    if not is_filled(config):
        console.print(
            f"{region} is empty: your own SKUs and locations come first, as the API docs above have it", style="bold"
        )
        return
    body = json.dumps(demo_orders(config, 2)[1], ensure_ascii=True)
    place = f"{curl} {router}/v1/orders {headers} -H 'Idempotency-Key: my-first-order'{token} \\\n  -d '{body}'"
    follow = f"{curl} {router}/v1/orders/<order_id from the answer>/events{token}"
    _shown(console, "place an order, and follow it:", place, follow)


def _shown(console: Console, title: str, *texts: str) -> None:
    console.print(title, style="bold")
    for text in texts:
        console.print(typed(text), markup=False, highlight=False, soft_wrap=True)


def status(configs: list[RegionConfig], console: Console, *, named: bool = True) -> int:
    """Print the tables; 0 if all of these cells run and are ready, and of the router nothing died.

    `named`: somebody asked for just these. Otherwise those that nobody ever started here are not missed.
    """
    cells = Table(title="cells")
    for column in CELL_COLUMNS:
        cells.add_column(column)
    hosts = Table(title="hosts")
    for column in HOST_COLUMNS:
        hosts.add_column(column, justify="left" if column == "host" else "right")
    fine = True
    problems: list[str] = []
    unstarted: list[str] = []
    copies: list[str] = []
    for config in configs:
        paths = CellPaths(config.name)
        try:
            state = record_of(paths)
            running = as_it_runs(config, paths)
        except CellError as error:  # nor does this one hide the others
            fine = False
            what = "being ended" if isinstance(error, BeingEnded) else "no record"
            cells.add_row(config.name, f"[red]{what}[/]")  # the table leaves the rest empty
            problems.append(f"{config.name}: {typed(str(error))}")
            continue
        if state is None and not (named or ever_started(config.name)):
            unstarted.append(config.name)
            continue
        runs = state is not None and state.keeper_lives and state.phase in {"running", "recovering"}
        try:
            ready = _asked(running) if runs else Answer(0, {})
        except CellError as error:  # of the certificates: the others are shown all the same
            ready = Answer(0, {})
            problems.append(f"{config.name}: {typed(str(error))}")
        fine = fine and runs and ready.fine
        cells.add_row(*_cell_row(config, state, ready))
        for host in _hosts(ready):
            hosts.add_row(*_host_row(config, host))
        if runs:
            copies += copy_told(running, paths)
        if state is not None and _is_crashed(state):
            problems.append(f"{config.name}: its keeper is gone\n  make up starts it again, and ends what it left")
        if state is not None:
            problems += [
                f"{config.name} {_clock(p.at)} {p.problem}\n  {typed(p.next_step)}" for p in state.problems[-3:]
            ]
    if len(unstarted) == len(configs):
        fine = False
        console.print("no cell was ever started here: make up starts them", style="yellow")
    else:
        console.print(cells)
        console.print(hosts)
        for copy in copies:
            console.print(copy, markup=False, soft_wrap=True)
        if unstarted:
            console.print(f"never started here: {', '.join(unstarted)}", markup=False)
    shown, died = _router()
    console.print(shown)
    for problem in problems:
        console.print(problem, style="yellow", markup=False)
    return 0 if fine and not died else 1


def _asked(running: RegionConfig) -> Answer:
    return call("GET", f"{running.address}/readyz", timeout_s=3, trust=of_cell(running))


def _cell_row(config: RegionConfig, state: KeeperState | None, ready: Answer) -> list[str]:
    if state is None:
        return [config.name, "never started"]
    phase: str = state.phase
    if _is_crashed(state):
        phase = "[red]keeper crashed[/]"
    elif phase == "running":
        phase = "[green]ready[/]" if ready.fine else f"[yellow]not ready ({ready.status or 'no answer'})[/]"
    marks = {"keeper": state.keeper, **state.processes}
    pids = [_pid(marks.get(name)) for name in ("keeper", "PostgreSQL", "Redis", "Ray")]
    body = ready.body if isinstance(ready.body, dict) else {}
    restarts = ", ".join(f"{name} {count}" for name, count in state.restarts.items()) or "0"
    health = [str(body.get(key, "")) for key in ("journal", "store")]
    return [config.name, phase, _clock(state.started_at), *pids, restarts, _replicas(config, body), *health]


def _replicas(config: RegionConfig, body: dict[str, Any]) -> str:
    """How many answer for the API, of how many there should be; Ray Serve starts those anew that died."""
    number, wanted = body.get("replicas"), config.api.replicas
    if not isinstance(number, int):
        return ""
    told = f"{number} of {wanted}"
    return told if number >= wanted else f"[yellow]{told}[/]"


def _is_crashed(state: KeeperState) -> bool:
    return state.phase in {"starting", "running", "recovering", "stopping"} and not state.keeper_lives


def _hosts(ready: Answer) -> list[dict[str, Any]]:
    hosts = ready.body.get("hosts", []) if isinstance(ready.body, dict) else []
    return [host for host in hosts if isinstance(host, dict)]


def _host_row(config: RegionConfig, host: dict[str, Any]) -> list[str]:
    def figure(key: str, unit: str = "", digits: int = 0) -> str:
        value = host.get(key)
        return f"{value:,.{digits}f}{unit}" if isinstance(value, int | float) else "?"

    name = str(host.get("name", "?"))
    return [
        name if "/" in name else f"{config.name}/{name}",
        figure("shards"),
        figure("entities"),
        figure("updates_per_s", digits=1),
        figure("lag_ms", " ms"),
        figure("tail_turns"),
    ]


def _router() -> tuple[str, bool]:
    """How it is, and whether it or its control part died."""
    from router import process

    try:
        found = process.status(CellPaths("router").home)
    except CellError as error:
        return f"router: [red]unknown[/]: {escape(typed(str(error)))}", True
    if found.died:
        next_step = "its control part starts it again" if found.control_pid else "make up starts it again"
        return f"router: [red]died; {next_step}[/]", True
    if not found.running:
        return "router: [red]does not run[/]", False
    cells = ", ".join(f"{name} {state}" for name, state in found.cells.items())
    # Routes go on without it; nobody starts HAProxy again, or learns of a country that was moved.
    control = found.control_pid or "[red]away: make up starts it again[/]"
    return f"router: {found.address} (process {found.pid}, control {control}): {cells}", not found.control_pid


def logs(names: list[str] | None, console: Console, count: int) -> int:
    """Print the last lines of each log of these regions (default: of all that were ever started here, and of the
    router), and where Ray's own logs are. Raises ConfigError for a region that there is not."""
    known = known_regions(names or ())
    shown = names or [name for name in known if ever_started(name)]
    for name in shown:
        if not ever_started(name):
            console.print(f"{name} was never started here: make up REGIONS={name} starts it", style="yellow")
            continue
        paths = CellPaths(name)
        _last_lines_of(name, paths.logs, console, count)
        rays = paths.ray_temp / "session_latest" / "logs"
        if rays.is_dir():
            console.print(f"Ray's own logs of {name}: {rays}", soft_wrap=True)
    if not names:
        _last_lines_of("router", CellPaths("router").folder, console, count)
    if not shown:
        console.print("no cell was ever started here: make up starts them", style="yellow")
    return 0


def _last_lines_of(name: str, folder: Path, console: Console, count: int) -> None:
    for file in sorted(file for file in folder.glob("*.log") if file.is_file()):
        console.rule(f"{name}: {file}", align="left")
        with file.open("r", encoding="utf-8", errors="replace") as lines:
            for line in deque(lines, maxlen=count):
                console.print(line.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)


def _pid(mark: Any) -> str:
    return "" if mark is None else str(mark.pid) if is_alive(mark) else f"[red]{mark.pid} gone[/]"


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return "?"
