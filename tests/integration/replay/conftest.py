"""A fake cell behind a real uvicorn and a real Postgres, and the way to replay a trace against it."""

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from rich.console import Console

from perf.replay.run import Settings, replay
from tests.integration.replay.fake_cell import FakeCell

TRACES = Path(__file__).parents[3].parent / "shared" / "data" / "traces"
HEADER = (
    "ordered_at,trace,order_ref,line_no,channel,customer_ref,country,sku,description,quantity,unit_price_minor,currency,"
    "final_status,raw_status,shipped_at,delivered_at"
)


@dataclass
class Bench:
    """A running fake cell; `replay` returns the exit code and what was shown."""

    cell: FakeCell
    base: str
    postgres_url: str
    home: Path

    def replay(self, trace: Path, **changes: Any) -> tuple[int, str]:
        # As for a real cell, and for much longer than a drain of the fake; what is written at once is not waited for.
        quiet_s = max(1.5, 6 * self.cell.drain_s) if self.cell.drain_s else 0.0
        settings = Settings(
            trace=trace, base=self.base, region=self.cell.region, home=self.home, patience_s=60.0, quiet_s=quiet_s
        )
        console = Console(file=io.StringIO(), width=160)
        environment = {f"OCEFS_{self.cell.region.upper()}_POSTGRES_URL": self.postgres_url}
        code = replay(replace(settings, **changes), console, environment)
        assert isinstance(console.file, io.StringIO)
        return code, console.file.getvalue()


@contextmanager
def served(cell: FakeCell) -> Iterator[str]:
    """The cell behind uvicorn on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(cell.app(), log_level="error", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.started
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def bench(postgres_url: str, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Starts fake cells: `bench("us", drain_s=0.5)`."""
    started: list[FakeCell] = []
    with ExitStack() as stack:

        def start(region: str, **settings: Any) -> Bench:
            cell = FakeCell(region, **settings)
            cell.start_drain(postgres_url)
            started.append(cell)
            return Bench(cell, stack.enter_context(served(cell)), postgres_url, tmp_path)

        yield start
        for cell in started:
            cell.stop_drain()


@pytest.fixture
def write_trace(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows under the usual header: `write_trace("a,b,…", name="us.csv")`."""

    def write(*rows: str, name: str = "us.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
        return path

    return write


@pytest.fixture
def sample() -> Callable[[str], Path]:
    """The path of a trace that is beside the project, or a skip with the reason."""

    def find(name: str) -> Path:
        path = TRACES / name
        if not path.exists():
            pytest.skip(f"{path} is not here: real traces come beside the project, not with it")
        return path

    return find
