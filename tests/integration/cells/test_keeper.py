"""The keeper brings back what dies, ends exactly what it started, and cleans up after one that was killed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from cells.keeper import end_leftovers, store_token
from cells.paths import CellPaths, short_folder
from cells.processes import ProcessMark, ProcessTree, is_alive, last_lines, mark_of, send, stop, wait_until
from cells.redis import answer, serving_pid
from cells.redis_binary import redis_binary
from cells.settings import Api, Ray, Redis, RegionConfig
from cells.state import KeeperState, read_state
from perf.chaos.own_cell import Span

pytestmark = pytest.mark.real

PROGRAM = Path(__file__).with_name("light_keeper.py")
# Within that whatever has to happen does, also where seven runs of the tests share two cores.
SOON_S = 60.0


class KeptCell:
    """A keeper in a process of its own, with what a test asks about it."""

    def __init__(self, home: Path, config: RegionConfig) -> None:
        self.home = home
        self.config = config
        self.paths = CellPaths(config.name, home)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.seen: set[ProcessMark] = set()

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(PROGRAM), str(self.home), msgspec.json.encode(self.config).decode()]
        with (self.home / "keeper.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment})
        self.processes.append(process)
        return process

    def state(self) -> KeeperState:
        state = read_state(self.paths.state_file)
        assert state is not None
        self.seen |= set(state.processes.values())
        return state

    def log(self) -> str:
        return (self.home / "keeper.log").read_text()

    def reaches(self, condition: Callable[[KeeperState], bool], timeout_s: float = SOON_S) -> None:
        def holds() -> bool:
            state = read_state(self.paths.state_file)
            return state is not None and condition(state)

        assert wait_until(holds, timeout_s), self.log()

    def runs(self, keeper: subprocess.Popen[bytes]) -> None:
        def running(state: KeeperState) -> bool:
            return state.phase == "running" and state.keeper == mark_of(keeper.pid)

        self.reaches(lambda state: keeper.poll() is not None or running(state))
        assert keeper.poll() is None, self.log()
        self.state()

    @property
    def redis(self) -> Path:
        return self.paths.redis_socket / "redis.sock"

    def postgres(self) -> str:
        return f"postgresql://ocefs@/ocefs?host={self.paths.postgres_socket}&connect_timeout=2"

    def postgres_ended_by_itself(self) -> None:
        """One that is killed, as it did not end in time, leaves its file."""
        left = (self.paths.postgres / "postmaster.pid").exists()
        assert not left, f"{self.log()}\n{last_lines(self.paths.logs / 'postgres.log', 30)}"

    def deployments(self) -> int:
        return len((self.home / "deployments").read_text().splitlines())

    def clean_up(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM) if process.poll() is None else None
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for mark in self.seen:
            stop(mark, ask=signal.SIGKILL)


@pytest.fixture
def cell() -> Iterator[KeptCell]:
    home = Path(tempfile.mkdtemp(prefix="ocefs-k-", dir="/tmp"))
    home.chmod(0o711)
    span = Span()
    config = RegionConfig(
        api=Api(port=span.base + 15, serve_port=span.base + 16),
        ray=Ray(port_base=span.base, dashboard_port=span.base + 17),
    )
    kept = KeptCell(home, config)
    yield kept
    kept.clean_up()
    span.free()
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(short_folder(home), ignore_errors=True)


def test_a_killed_redis_stays_away_or_forgets(cell):
    cell.runs(cell.start())
    assert answer(cell.redis, b"SET kept 1\r\n") == b"+OK\r\n"
    assert send(cell.state().processes["Redis"], signal.SIGKILL)
    assert wait_until(lambda: answer(cell.redis, b"GET kept\r\n") == b"$1\r\n1\r\n", SOON_S)
    cell.reaches(lambda state: state.restarts == {"Redis": 1})
    assert cell.deployments() == 1


def test_a_killed_postgres_stays_away_or_forgets(cell):
    cell.runs(cell.start())
    with psycopg.connect(cell.postgres(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    before = cell.state().processes["PostgreSQL"]
    assert send(before, signal.SIGKILL)
    cell.reaches(lambda state: state.restarts == {"PostgreSQL": 1})
    with psycopg.connect(cell.postgres()) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    assert cell.state().processes["PostgreSQL"] != before


def test_a_killed_ray_head_leaves_the_cell_without_actors(cell):
    cell.runs(cell.start())
    before = cell.state().processes
    assert send(before["Ray"], signal.SIGKILL)
    cell.reaches(lambda state: state.restarts == {"Ray": 1} and state.phase == "running")
    after = cell.state().processes
    assert cell.deployments() == 2
    assert after["Ray"] != before["Ray"]
    assert (after["Redis"], after["PostgreSQL"]) == (before["Redis"], before["PostgreSQL"])


def test_a_full_disk_ends_the_watch_over_a_store_or_keeps_the_cell_from_ending(cell):
    keeper = cell.start()
    cell.runs(keeper)
    marks = cell.state().processes
    # stands for a full disk: the state can't be replaced
    cell.paths.state_file.rename(cell.home / "state.json")
    cell.paths.state_file.mkdir()
    for number in (1, 2):
        assert send(_redis(cell), signal.SIGKILL)
        assert wait_until(lambda: cell.log().count("Redis of us is back") == number, SOON_S)  # noqa: B023 -- asked at once
    cell.paths.state_file.rmdir()
    assert send(marks["PostgreSQL"], signal.SIGKILL)
    cell.reaches(lambda state: state.restarts == {"Redis": 2, "PostgreSQL": 1})
    marks = cell.state().processes
    cell.paths.state_file.unlink()
    cell.paths.state_file.mkdir()
    keeper.send_signal(signal.SIGTERM)
    assert keeper.wait(SOON_S) == 0
    assert not any(is_alive(mark) for mark in marks.values())
    assert (cell.home / "withdrawn").exists()


def fill(redis: Path, keys: int) -> None:
    """Each of them is acknowledged."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(redis))
        client.sendall(b"".join(b"SET key%d 1\r\n" % number for number in range(keys)))
        got = 0
        while got < keys * len(b"+OK\r\n"):
            got += len(client.recv(65_536))


def _redis(cell: KeptCell) -> ProcessMark:
    pid = serving_pid(cell.redis)
    mark = mark_of(pid) if pid is not None else None
    assert mark is not None
    cell.seen.add(mark)
    return mark


def test_a_cell_cannot_be_ended_while_a_store_loads(cell):
    slow = cell.home / "slow-redis"
    slow.write_text(f'#!/bin/sh\nexec "{redis_binary()}" "$@" --key-load-delay 4000\n')
    slow.chmod(0o700)
    cell.config = msgspec.structs.replace(cell.config, redis=Redis(bin=str(slow)))
    keeper = cell.start()
    cell.runs(keeper)
    fill(cell.redis, 8_000)  # 32 seconds of loading
    assert send(cell.state().processes["Redis"], signal.SIGKILL)
    assert wait_until(lambda: answer(cell.redis, b"PING\r\n", 20).startswith(b"-LOADING"), 25)
    run = cell.state().run
    started = time.monotonic()
    keeper.send_signal(signal.SIGTERM)
    assert keeper.wait(SOON_S) == 0
    assert time.monotonic() - started < 25
    assert ProcessTree(store_token(run)).find() == []


def test_an_edited_config_file_keeps_a_running_cell_from_coming_back(cell):
    regions = cell.home / "regions"
    regions.mkdir()
    told = f"api.port = {cell.config.api.port}"
    (regions / "us.toml").write_text(told)
    keeper = cell.start(OCEFS_CONFIG=str(regions))
    cell.runs(keeper)
    (regions / "us.toml").write_text("api.port = is being edited")
    assert send(cell.state().processes["Ray"], signal.SIGKILL)
    cell.reaches(lambda state: state.restarts == {"Ray": 1} and state.phase == "running")
    assert (cell.home / "deployments").read_text().splitlines() == [told, told]
    keeper.send_signal(signal.SIGTERM)
    assert keeper.wait(SOON_S) == 0
    (regions / "us.toml").write_text("edited")
    cell.runs(cell.start(OCEFS_CONFIG=str(regions)))
    assert (cell.home / "deployments").read_text().splitlines()[-1] == "edited"


def test_an_ended_cell_leaves_a_process_or_loses_the_last_writes(cell):
    keeper = cell.start()
    cell.runs(keeper)
    marks = cell.state().processes
    assert set(marks) == {"PostgreSQL", "Redis", "Ray"}
    keeper.send_signal(signal.SIGTERM)
    assert keeper.wait(SOON_S) == 0
    assert not any(is_alive(mark) for mark in marks.values())
    state = cell.state()
    assert (state.phase, state.processes) == ("stopped", {})
    assert (cell.home / "withdrawn").exists()
    ends = [step.name for step in state.steps if step.name.endswith(("ends", "finish"))]
    assert ends == ["API and hosts finish", "Ray ends", "Redis ends", "PostgreSQL ends"]


def test_a_cell_that_is_ended_while_it_starts_leaves_a_process(cell):
    keeper = cell.start()
    cell.reaches(lambda state: any(step.name == "PostgreSQL" for step in state.steps))
    keeper.send_signal(signal.SIGTERM)
    assert keeper.wait(SOON_S) == 0
    assert answer(cell.redis, b"PING\r\n") == b""
    cell.postgres_ended_by_itself()


def test_a_store_whose_start_was_just_handed_out_outlives_the_keeper_that_is_ended(cell):
    (cell.home / "overtake").touch()
    assert cell.start().wait(SOON_S) == 0
    assert "PostgreSQL" in {step.name for step in cell.state().steps}
    cell.postgres_ended_by_itself()


def test_a_killed_keeper_takes_the_cell_with_it_or_blocks_the_next_one(cell):
    first = cell.start()
    cell.runs(first)
    answer(cell.redis, b"SET kept 1\r\n")
    left = cell.state().processes
    first.kill()
    first.wait()
    assert all(is_alive(mark) for mark in left.values())
    second = cell.start()
    cell.runs(second)
    assert not any(is_alive(mark) for mark in left.values())
    note = cell.state().steps[0].note
    assert "crashed" in note
    assert all(str(mark.pid) in note for mark in left.values())
    assert answer(cell.redis, b"GET kept\r\n") == b"$1\r\n1\r\n"


def test_a_keeper_that_is_ended_while_it_clears_up_forgets_what_is_left(cell):
    first = cell.start()
    cell.runs(first)
    left = cell.state().processes
    first.kill()
    first.wait()
    assert send(left["Redis"], signal.SIGSTOP)  # so that the step lasts
    second = cell.start()
    cell.reaches(lambda state: [(step.name, step.state) for step in state.steps] == [("leftovers", "running")])
    assert wait_until(lambda: not is_alive(left["Ray"]), 20)
    second.send_signal(signal.SIGTERM)
    cell.reaches(lambda state: state.phase == "stopping")
    assert send(left["Redis"], signal.SIGCONT)
    assert second.wait(SOON_S) == 0
    assert not any(is_alive(mark) for mark in left.values())
    assert cell.state().earlier == []


def test_what_two_killed_keepers_left_is_forgotten(cell):
    first = cell.start()
    cell.runs(first)
    left = cell.state().processes
    first.kill()
    first.wait()
    assert send(left["Redis"], signal.SIGSTOP)
    second = cell.start()
    cell.reaches(lambda state: [(step.name, step.state) for step in state.steps] == [("leftovers", "running")])
    second.kill()
    second.wait()
    assert is_alive(left["Redis"])
    # The second one may have told it to end already: it does so as soon as it goes on.
    assert any("Redis" in run.left() for run in cell.state().runs())
    assert send(left["Redis"], signal.SIGCONT)
    end_leftovers(cell.state())
    assert not any(is_alive(mark) for mark in left.values())


def test_a_leftover_whose_process_id_was_recycled_is_ended(cell):
    first = cell.start()
    cell.runs(first)
    first.terminate()
    first.wait(SOON_S)
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        state = cell.state()
        state.phase = "running"
        state.processes = {"Redis": ProcessMark(bystander.pid, "00000000-1")}
        cell.paths.state_file.write_bytes(msgspec.json.encode(state))
        cell.runs(cell.start())
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_two_keepers_share_a_cell(cell):
    cell.runs(cell.start())
    second = cell.start()
    assert second.wait(SOON_S) == 3
    assert "runs already" in (cell.home / "keeper.log").read_text()
    assert cell.state().phase == "running"


def test_a_store_that_cannot_start_is_not_explained(cell):
    cell.config = msgspec.structs.replace(cell.config, redis=Redis(bin="/bin/false"))
    assert cell.start().wait(SOON_S) == 1
    state = cell.state()
    assert state.phase == "failed"
    assert "redis.bin" in state.problems[-1].problem
    assert "correct it" in state.problems[-1].next_step


@pytest.mark.parametrize(
    ("store", "url", "words"),
    [
        ("POSTGRES", "postgresql://me:secret@127.0.0.1:{free_port}/db", "Connection refused"),
        ("POSTGRES", "postgresql://ocefs:secret@/none?host={postgres}", 'database "none" does not exist'),
        ("REDIS", "unix://{redis}?password=secret", "without any password configured"),
    ],
)
def test_a_store_of_the_environment_that_will_not_do_is_not_explained_or_ray_is_started_for_it(
    cell, free_port, postgres_server, redis_socket, store, url, words
):
    variable = f"OCEFS_US_{store}_URL"
    url = url.format(free_port=free_port, postgres=postgres_server.socket_dir, redis=redis_socket)
    assert cell.start(**{variable: url}).wait(SOON_S) == 1
    state = cell.state()
    [problem] = state.problems
    assert words in problem.problem
    assert variable in problem.problem
    assert variable in problem.next_step
    assert "Ray" not in [step.name for step in state.steps]
    assert "secret" not in cell.paths.state_file.read_text() + cell.log()


def test_a_refused_deployment_leaves_processes(cell):
    (cell.home / "refuse").touch()
    assert cell.start().wait(SOON_S) == 1
    state = cell.state()
    assert state.phase == "failed"
    assert [problem.problem for problem in state.problems] == ["the deployment was refused"]
    assert answer(cell.redis, b"PING\r\n") == b""
    cell.postgres_ended_by_itself()
