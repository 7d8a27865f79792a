"""Keeps one cell: starts its stores and its Ray cluster, deploys to it, and starts again what dies.

    PostgreSQL ─┐
    Redis ──────┼─▶ deploy ─▶ running ──┐ a store dies: started again at once (the hosts reconnect)
    Ray head ───┘              ▲        │ the Ray head dies: everything of Ray is ended, started and deployed again
                               └────────┘

One keeper a region: it holds a lock that the kernel releases when it dies, however it dies. Its children outlive it
then (a crash of the keeper stops no order); the next keeper finds them by its state file, ends them and says so.
"""

import logging
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from types import FrameType
from typing import IO

from cells import keeper_lock
from cells.checks import check_ports
from cells.config_copy import copy_config
from cells.config_rules import missing_in_production
from cells.errors import AlreadyRunning, CellError
from cells.paths import CellPaths
from cells.processes import ProcessTree, mark_of, stop, wait_until
from cells.ray_cluster import Cluster, RayCluster
from cells.settings import RegionConfig
from cells.state import Journal, KeeperState, Run, Step, read_state
from cells.stores import OutsideStore, Store, check_kept_elsewhere, stores, without_password
from cells.tls import prepare
from cells.untold import refusal_kept, tell

_WATCH_S = 0.05
_AUDIT_EVERY_S = 3600.0
_TELL_EVERY_S = 60.0
_BACKOFF_MAX_S = 10.0
_CALM_S = 30.0  # after this long without a death, the next restart is immediate again
_OVERTAKEN_S = 90.0
_LOG_MAX_BYTES = 20 * 1024 * 1024

ClusterMaker = Callable[[RegionConfig, CellPaths, str], Cluster]
log = logging.getLogger("ocefs.keeper")


class Keeper:
    """The keeper of one region; `run` is its whole life.

    Args:
        config: the region.
        paths: its folders.
        cluster: makes the cluster; the real one by default.
    """

    def __init__(self, config: RegionConfig, paths: CellPaths, cluster: ClusterMaker = RayCluster) -> None:
        self._config = config
        self._paths = paths
        self._run = secrets.token_hex(16)
        self._make_cluster = cluster
        self._cluster: Cluster | None = None
        self._stores: tuple[Store, ...] = ()
        self._starting: list[Future[None]] = []
        self._handing_out = False
        self._watchers: list[Thread] = []
        self._deployed = False
        self._ending = threading.Event()
        self._lock_file: IO[str] | None = None
        state = KeeperState(
            region=config.name, keeper=mark_of(os.getpid()), run=self._run, started_at=time.time(),
            tls=config.tls.mode, identity=config.identity.mode,
        )  # fmt: skip
        self._journal = Journal(paths.state_file, state)

    def run(self) -> int:
        """Start the cell and keep it until SIGTERM or SIGINT. 0 if it ran and was stopped, 1 if it did not start.

        Raises:
            AlreadyRunning: another keeper of this region runs.
            CellError: the record of the keeper before can't be read: what it left, and where the
                cell's data is, is not known.
        """
        self._paths.create()
        self._lock()
        if before := read_state(self._paths.state_file):
            self._journal.state.earlier = before.runs()  # kept until they are ended: this record replaces theirs
            # So that a start which fails does not forget them.
            self._journal.state.outside, self._journal.state.addresses = before.outside, before.addresses
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        outcome = 1
        try:
            self._start()
            outcome = 0
            self._watch()
        except _Ended:
            outcome = 0
        except Exception as error:
            log.exception("the cell of %s ends", self._config.name)
            self._journal.problem(error)
            outcome = 1
        finally:
            self._stop("stopped" if outcome == 0 else "failed")
        return outcome

    def _lock(self) -> None:
        self._lock_file = keeper_lock.take(self._paths.lock_file)
        if self._lock_file is None:
            holder = keeper_lock.holder(self._paths.lock_file) or keeper_lock.Holder(0)
            raise AlreadyRunning(
                f"{self._config.name} runs already, or is being ended (process {holder.process})",
                f"look with: python -m cells status; stop with: python -m cells down {self._config.name}",
            ) from None

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """End: out of whatever the main thread does while it starts, at once; a second signal changes nothing."""
        if not self._ending.is_set():
            self._ending.set()
            log.info("asked to end by %s", signal.Signals(number).name)
            if not self._handing_out:
                raise _Ended

    # --- starting

    def _start(self) -> None:
        self._journal.begin()
        with self._journal.step("leftovers") as step:
            step.note = self._end_earlier()
        for missing in missing_in_production(self._config):
            with self._journal.step("MISSING") as step:
                step.note = missing
            log.warning(missing)
        copy_config(self._paths.config)
        if self._config.encrypted:
            with self._journal.step("certificates"), refusal_kept(self._config, self._paths):
                prepare(self._config, self._paths.home)
        with self._journal.step("ports"):
            check_ports(self._config)
        for file in self._paths.logs.glob("*.log"):
            if file.stat().st_size > _LOG_MAX_BYTES and file != self._paths.keeper_log:
                file.replace(file.with_suffix(".log.1"))
        self._stores = stores(self._config, self._paths, store_token(self._run))
        check_kept_elsewhere(self._paths, self._stores)
        self._cluster = self._make_cluster(self._config, self._paths, self._run)
        self._start_together()
        with self._journal.step("hosts and API"):
            self._cluster.deploy()
            self._deployed = True
        with self._journal.change() as state:
            state.phase = "running"
        log.info("%s runs", self._config.name)

    def _end_earlier(self) -> str:
        """End what keepers before this one left behind; says what that was."""
        runs = self._journal.state.earlier
        note = _end_runs(runs)
        if note:
            log.warning(note)
        with self._journal.change() as state:
            state.earlier = living(runs) if note else []
        return note

    def _start_together(self) -> None:
        """The stores and the cluster at the same time: none needs another one to come up. Only the stores of the
        environment are asked before: a wrong one is told at once, and nothing was started for it."""
        assert self._cluster is not None
        asked: dict[str, Callable[[], object]] = {}
        work: dict[str, Callable[[], object]] = {}
        for store in self._stores:
            (asked if isinstance(store, OutsideStore) else work)[store.name] = store.start
        work["Ray"] = self._cluster.start
        pool = ThreadPoolExecutor(len(asked | work), thread_name_prefix="start")
        try:
            for together in (asked, work):
                # Not interrupted: a start that is under way before it stands in the list would be nobody's to wait for,
                # and its process would stay.
                self._handing_out = True
                for name, start in together.items():
                    self._starting.append(pool.submit(self._one_step, name, start))
                self._handing_out = False
                if self._ending.is_set():
                    raise _Ended
                for future in self._starting:
                    future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        with self._journal.change() as state:
            state.addresses = {store.name: without_password(store.url) for store in self._stores}
            state.outside = {store.name: store.variable for store in self._stores if isinstance(store, OutsideStore)}

    def _one_step(self, name: str, start: Callable[[], object]) -> None:
        with self._journal.step(name) as step:
            try:
                start()
            except Exception as error:
                if not self._ending.is_set():
                    raise
                # All end since another one did not start: that is the problem, and not that this one was ended, too.
                step.note = "broken off"
                log.info("%s was broken off: %s", name, error)
                raise _Ended from error
            self._record_processes()

    def _record_processes(self) -> None:
        with self._journal.change() as state:
            named = {store.name: store.mark for store in self._stores}
            named["Ray"] = self._cluster.mark if self._cluster else None
            state.processes = {name: mark for name, mark in named.items() if mark is not None}

    # --- watching

    def _watch(self) -> None:
        """The main thread keeps the cluster; the stores have a thread each, as they must be back within a second."""
        for store in self._stores:
            name = f"watch-{store.name}"
            self._watchers.append(Thread(target=self._keep_store, args=(store,), name=name, daemon=True))
            self._watchers[-1].start()
        if self._config.identity.mode == "required":
            Thread(target=self._keep_audit, name="audit", daemon=True).start()
        cluster = self._cluster
        assert cluster is not None
        backoff = _Backoff(self._ending)
        while True:
            if cluster.exited():
                backoff.wait()
                self._restart_cluster(cluster)
            self._ending.wait(_WATCH_S)

    def _keep_store(self, store: Store) -> None:
        backoff = _Backoff(self._ending)
        while not self._ending.is_set():
            if store.exited():
                backoff.wait()
                if self._ending.is_set():
                    return
                self._restart(store.name, store.start)
            self._ending.wait(_WATCH_S)

    def _keep_audit(self) -> None:
        from cells.audit import keep_daily  # heavy, and most keepers of a trial cell have no use for it

        due = time.monotonic()
        while not self._ending.is_set():
            try:
                if time.monotonic() >= due:
                    due = time.monotonic() + _AUDIT_EVERY_S
                    keep_daily(self._config, self._paths)
            except Exception:  # the store may be away; the next hour sees it as it is then
                log.exception("the audit of %s could not be kept", self._config.name)
            try:
                tell(self._paths, self._config.name)
            except Exception:  # the daily anchors and drops go on by this thread too
                log.exception("what waits for the audit of %s could not be told", self._config.name)
            self._ending.wait(_TELL_EVERY_S)

    def _restart_cluster(self, cluster: Cluster) -> None:
        with self._journal.change() as state:
            state.phase = "recovering"
        cluster.stop()

        def start() -> None:
            cluster.start()
            self._record_processes()
            cluster.deploy()

        if self._restart("Ray", start):
            with self._journal.change() as state:
                state.phase = "running"
        else:
            cluster.stop()

    def _restart(self, name: str, start: Callable[[], object]) -> bool:
        """Start something again; a failure is recorded, and tried again by the caller's loop."""
        log.warning("%s of %s died; starting it again", name, self._config.name)
        started = time.monotonic()
        try:
            start()
        except (CellError, OSError) as error:
            log.error("%s of %s did not start again: %s", name, self._config.name, error)
            self._journal.problem(error)
            return False
        seconds = round(time.monotonic() - started, 2)
        log.warning("%s of %s is back after %s s", name, self._config.name, seconds)
        self._record_processes()
        with self._journal.change() as state:
            state.restarts[name] = state.restarts.get(name, 0) + 1
            state.steps = [*state.steps, Step(f"{name} again", "done", seconds)][-100:]
        return True

    # --- ending

    def _stop(self, phase: str) -> None:
        """Everything that this keeper started, in an order that loses nothing: API and hosts,
        Ray, Redis, PostgreSQL."""
        self._ending.set()
        with self._journal.change() as state:
            state.phase = "stopping"
        steps: list[tuple[str, Callable[[], object]]] = []
        if self._journal.state.earlier:  # asked to end while it was about that
            steps.append(("leftovers end", self._end_earlier))
        if self._cluster is not None:
            if self._deployed:
                steps.append(("API and hosts finish", self._cluster.withdraw))
            steps.append(("Ray ends", self._cluster.stop))
        steps += [(f"{store.name} ends", store.stop) for store in reversed(self._stores)]
        for name, action in steps:
            try:
                with self._journal.step(name):
                    action()
            except Exception:
                log.exception("%s: failed", name)
        self._stop_overtaken()
        if self._cluster is not None:
            self._cluster.stop()
        with self._journal.change() as state:
            state.phase = "stopped" if phase == "stopped" else "failed"
            state.processes = {}
        log.info("%s: %s", self._config.name, phase)

    def _stop_overtaken(self) -> None:
        """A start that was overtaken by the end: wait for it, and end that too, lest a store
        that loads be waited for."""

        def last() -> bool:
            for store in reversed(self._stores):
                store.stop()
            return all(future.done() for future in self._starting) and not any(map(Thread.is_alive, self._watchers))

        wait_until(last, _OVERTAKEN_S, 0.1)
        for store in reversed(self._stores):
            store.stop()


class _Ended(BaseException):
    """The keeper was asked to end."""


class _Backoff:
    """Restart at once after a calm time, else wait twice as long as before, up to a limit."""

    def __init__(self, ending: threading.Event) -> None:
        self._ending = ending
        self._last = float("-inf")
        self._wait_s = 0.0

    def wait(self) -> None:
        """Wait before a restart, unless the keeper ends."""
        now = time.monotonic()
        self._wait_s = 0.0 if now - self._last > _CALM_S else min(_BACKOFF_MAX_S, max(0.1, self._wait_s * 2))
        self._ending.wait(self._wait_s)
        self._last = time.monotonic()


def end_leftovers(state: KeeperState | None) -> str:
    """End what crashed keepers left behind, known by process id and start time; says what that was, or nothing."""
    return "" if state is None or state.keeper_lives else _end_runs(state.runs())


def living(runs: Iterable[Run]) -> list[Run]:
    """Those of which something still runs, although it was ended."""
    return [run for run in runs if run.left() or any(tree.find() for tree in _trees(run))]


def _trees(run: Run) -> tuple[ProcessTree, ProcessTree]:
    """All of Ray, and all of the stores."""
    return ProcessTree(run.run), ProcessTree(store_token(run.run) if run.run else "")


def _end_runs(runs: Iterable[Run]) -> str:
    ended = [what for run in runs for what in _end_run(run)]
    return f"the keeper before this one crashed; its leftovers were ended: {', '.join(ended)}" if ended else ""


def _end_run(run: Run) -> list[str]:
    """End what is left of one run; says what that was."""
    left = run.left()
    tree, store_tree = _trees(run)
    others = len({*tree.find(), *store_tree.find()} - set(left.values()))
    if not left and not others:
        return []
    if ray := left.get("Ray"):
        stop(ray, grace_s=8.0)
    tree.stop(3.0)
    for name, number in (("Redis", signal.SIGTERM), ("PostgreSQL", signal.SIGINT)):
        if name in left:
            stop(left[name], ask=number, grace_s=30.0)
    store_tree.stop(5.0)  # what was started in the very moment of the crash, and so is not recorded
    return [f"{name} (process {mark.pid})" for name, mark in left.items()] + [f"{others} more processes"][: others > 0]


def store_token(run: str) -> str:
    """The run token of the stores: another than Ray's, so that ending all of Ray leaves them alone."""
    return f"{run}-stores"
