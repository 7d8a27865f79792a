"""Planners: they begin what-ifs while another is under way, report for each other's, finish twice,
and cancel what is over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from actors.domain import ids
from actors.domain.simulations import (
    KEPT_MAX,
    BeginSimulation,
    CancelSimulation,
    Command,
    FailSimulation,
    FinishSimulation,
    Question,
    ReportProgress,
    Scope,
    SimulationAdvanced,
    SimulationBegun,
)
from actors.domain.sourcing_policy import Limits, Policy
from actors.domain.what_if_report import WhatIf
from actors.domain.what_if_terms import Past, WhatIfTerms
from actors.runtime import wire
from actors.runtime.gateway import Ask
from tests.simulation.clients import REGION, Client, digest
from tests.simulation.history import History

POLICY = Policy(limits=Limits(places=2))


class Planner(Client):
    """One of them. `begun`: (id, runner) of what all of them began."""

    def __init__(self, world, name: str, seed: str, actions: int, begun: list[tuple[str, str]]) -> None:
        super().__init__(world, name, seed, actions)
        self.begun = begun

    async def run(self) -> None:
        """Begins now and then, and goes on with what is there."""
        for _ in range(self.actions):
            await asyncio.sleep(self.rng.expovariate(1 / 0.15))
            if not self.begun or self.rng.random() < 0.3:
                await self.begin()
            else:
                await self.go_on()

    async def begin(self) -> None:
        """A what-if; mostly another one is under way."""
        key = self._key()
        identity = ids.simulation_id(REGION, self.world.now_ms(), key)
        told = await self._told(BeginSimulation(identity, Question(POLICY, "", 0, 1, 10), key, ""), key)
        if told is not None and told.status == wire.OK:
            self.begun.append((identity, key))

    async def go_on(self) -> None:
        """Reports, ends or cancels one of the last, sometimes one of somebody else's runner's, sometimes twice."""
        rng = self.rng
        identity, runner = rng.choice(self.begun[-3:])
        runner = runner if rng.random() < 0.8 else "nobody"
        command: Command = rng.choice(
            (
                ReportProgress(identity, runner, rng.randrange(9), 9),
                ReportProgress(identity, runner, rng.randrange(9), 9),
                FinishSimulation(identity, runner, Scope(1, 1), empty_report()),
                FailSimulation(identity, runner, "simulation.fault"),
                CancelSimulation(identity),
            )
        )
        key = self._key()
        await self._told(command, key)
        if rng.random() < 0.3:
            await self._told(command, key, remember=False)

    async def _told(self, command: Command, key: str, *, remember: bool = True):
        ask = Ask("simulations", ids.simulations_id(REGION), command, key, digest(command))
        return await self.ask(ask, remember=remember)


def empty_report():
    """Of a past without orders."""
    what_if = WhatIf(Past(WhatIfTerms(POLICY, {}, 0, 1, (0.0, 0.0))))
    list(what_if.steps())
    assert what_if.report is not None
    return what_if.report


def simulations(history: History) -> Iterator[str]:
    """One was under way at a time, each ended once, and nothing was said of one that was over."""
    entity = history.entities.get(("simulations", ids.simulations_id(REGION)))
    running, ended = "", set()
    for _, event in entity.events if entity is not None else ():
        if type(event) is SimulationBegun:
            if running:
                yield f"{event.simulation_id} began while {running} was under way"
            running = event.simulation_id
            continue
        if event.simulation_id != running or event.simulation_id in ended:
            yield f"{event.simulation_id} was told of by {type(event).__name__} and is not under way"
        if type(event) is not SimulationAdvanced:
            ended.add(event.simulation_id)
            running = ""
    if entity is not None and entity.state is not None:
        kept = entity.state.all
        if len(kept) > KEPT_MAX or sum(one.status == "running" for one in kept.values()) != bool(running):
            yield f"of {len(kept)} what-ifs that are kept others are under way than {running!r}"
