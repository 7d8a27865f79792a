"""What-ifs under way in this replica: each reads the past, has it played beside, and tells the cell what came of it.

    POST ─▶ BeginSimulation, durable ─▶ task here: Gathering ─pieces─▶ player ─▶ FinishSimulation, durable
                                         │ every few seconds ReportProgress; told "over" it stops, and the player is killed
                                         └ gone with its replica: the lease ends, `simulation.interrupted`

Nothing of it sends a command to anything but the cell's set of what-ifs: stock, orders and places are
read, never asked for anything.
"""

from __future__ import annotations

import asyncio
import logging
import secrets

import msgspec

from actors.domain.ids import simulations_id
from actors.domain.simulations import (
    LONGEST_MS,
    BeginSimulation,
    FailSimulation,
    FinishSimulation,
    Question,
    ReportProgress,
    Scope,
    SimulationView,
)
from actors.domain.what_if_report import Report
from actors.runtime.errors import StoreUnavailable
from actors.runtime.sharding import digest_of
from actors.runtime.wire import OK, PENDING, REFUSED
from serve.orders.private import PrivateOrders
from serve.problems import Problem
from serve.services import Services
from serve.sourcing.gathering import Gathering, TooMuch
from serve.sourcing.playing import PlayerGone, spawned

log = logging.getLogger("ocefs.sourcing")
BEAT_S = 5.0
# What can't be told at once is told again so often.
TELL_TRIES = 5
_encode = msgspec.msgpack.Encoder().encode


class Stopped(Exception):
    """It is not under way any more."""


class Running:
    """Of one replica."""

    def __init__(self, services: Services, private: PrivateOrders) -> None:
        self._services = services
        self._private = private
        self._id = simulations_id(services.settings.region)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, begun: SimulationView, runner: str, cause: str) -> None:
        """Goes on with it in the background, if it is this call's: a repeated one is told of the first."""
        if begun.runner == runner and begun.status == "running":
            task = asyncio.get_running_loop().create_task(self._run(begun.simulation_id, begun.question, runner, cause))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, simulation_id: str, question: Question, runner: str, cause: str) -> None:
        try:
            async with asyncio.timeout(LONGEST_MS / 1000):
                scope, report = await self._played(simulation_id, question, runner, cause)
            await self._tell(FinishSimulation(simulation_id, runner, scope, report))
        except Stopped:
            log.info("simulation.stopped", extra={"simulation": simulation_id})
        except Exception as error:
            code = _code_of(error)
            log.warning("simulation.failed", exc_info=error, extra={"simulation": simulation_id, "code": code})
            try:
                await self._tell(FailSimulation(simulation_id, runner, code))
            except Stopped:
                pass

    async def _played(self, simulation_id: str, question: Question, runner: str, cause: str) -> tuple[Scope, Report]:
        clock = self._services.clock
        last = [clock.monotonic()]

        async def told(done: int, total: int) -> None:
            if clock.monotonic() - last[0] >= BEAT_S:
                last[0] = clock.monotonic()
                await self._tell(ReportProgress(simulation_id, runner, done, total))
            # Whoever is served goes first.
            await asyncio.sleep(0)

        async def beat() -> None:
            await told(0, 0)

        gathering = Gathering(self._services, self._private, question, cause, beat)
        playing = self._services.playing or spawned
        report = await playing(gathering.pieces(), told)
        return gathering.scope, report

    async def _tell(self, command: ReportProgress | FinishSimulation | FailSimulation) -> None:
        """Raises Stopped when it is over, or nobody can be told."""
        key, digest = secrets.token_hex(16), digest_of(_encode(command))
        for again in range(TELL_TRIES):
            if again:
                await self._services.clock.sleep(1)
            reply = await self._services.gateway.ask("simulations", self._id, command, command_id=key, digest=digest)
            if reply.status in {OK, PENDING}:
                return
            if reply.status == REFUSED:
                break
        raise Stopped


def _code_of(error: Exception) -> str:
    if isinstance(error, TooMuch):
        return "simulation.too_much"
    if isinstance(error, TimeoutError):
        return "simulation.too_long"
    if isinstance(error, StoreUnavailable | Problem):
        return "simulation.store_unavailable"
    if isinstance(error, PlayerGone):
        return "simulation.player_gone"
    return "simulation.fault"


def begin(simulation_id: str, question: Question, asked_by: str) -> BeginSimulation:
    """The command, with a runner of this call's own."""
    return BeginSimulation(simulation_id, question, secrets.token_hex(8), asked_by)
