"""What the routes of `/v1/breaches` do: bodies into commands, the summary sealed on its way in
and opened on its way out."""

from __future__ import annotations

import hmac
from datetime import datetime

import msgspec
from fastapi import Request

from actors.domain.breach import (
    BreachView,
    CloseBreach,
    Command,
    JudgeRisk,
    RecordBreach,
    ReviseExtent,
    SpareSubjects,
    Step,
    TakeMeasure,
    TellAuthority,
    TellSubjects,
    ViewBreach,
)
from actors.domain.ids import BREACH_PATTERN, breach_id, is_of
from actors.domain.times import moment
from serve.breaches.schemas import (
    AnyStep,
    AuthorityStep,
    BreachDetail,
    BreachStep,
    CloseStep,
    ExtentStep,
    NewBreach,
    RiskStep,
    SpareStep,
    SubjectsStep,
    TakenMeasure,
    ToldAuthority,
    ToldSubjects,
)
from serve.callers import check_reaches_all
from serve.context import ENTITY_ID, REQUEST_ID, WHO
from serve.identity.keyring import Keyring
from serve.identity.sealing import Unsealable, seal, unseal
from serve.problems import Problem
from serve.replies import body_of
from serve.requests import Write, decode
from serve.services import Services

_new_decoder = msgspec.json.Decoder(NewBreach)
_step_decoder = msgspec.json.Decoder(BreachStep)
_view_decoder = msgspec.json.Decoder(BreachView)


def place_of(breach_id: str) -> str:
    """What a breach's summary is sealed for."""
    return f"breach:{breach_id}:summary"


class Register:
    """The register of one replica."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._region = services.settings.region

    async def record(self, request: Request) -> BreachView:
        """A new breach. The same key gives the same breach again. Raises Problem."""
        self.check_reach(request)
        write = await self._services.bodies.read(request.scope, request.receive)
        sent = decode(_new_decoder, write.body)
        identity = breach_id(self._region, self._services.clock.now_ms(), write.key)
        sealed = seal(self._keys(), sent.summary.encode(), place_of(identity))
        command = RecordBreach(sent.law, _ms(sent.discovered_at), sent.extent, sealed)
        return await self._ask(identity, request, command, write, creates=True)

    async def step(self, identity: str, request: Request) -> BreachView:
        """Raises Problem."""
        self._check(identity, request)
        write = await self._services.bodies.read(request.scope, request.receive)
        command = self._command(decode(_step_decoder, write.body).step)
        return await self._ask(identity, request, command, write)

    async def view(self, identity: str, request: Request) -> BreachView:
        """Raises Problem 403 or 404."""
        self._check(identity, request)
        reply = await self._services.gateway.view(
            "breach", identity, ViewBreach(identity), cause=request.scope[REQUEST_ID]
        )  # fmt: skip
        return _view_decoder.decode(body_of(reply))

    @staticmethod
    def check_reach(request: Request) -> None:
        """Breaches are of people, wherever they buy or work. Raises Problem 403."""
        check_reaches_all(request.scope, "Breaches are of the whole region; your rights reach some locations.")

    def detail(self, view: BreachView) -> BreachDetail:
        """As callers see it. Raises Problem 500 when the summary can't be opened."""
        breach = view.breach
        try:
            summary = unseal(self._keys(), breach.sealed_summary, place_of(view.breach_id)).decode()
        except Unsealable:
            raise Problem("keys.unreadable", "The summary was sealed by a key that is gone.") from None
        return BreachDetail(
            view.breach_id, view.version, view.status, breach.law, moment(breach.discovered_ms), moment(breach.recorded_ms),
            moment(view.deadline_ms), view.duties, breach.extent, summary, breach.risk, breach.risk_reason,
            [ToldAuthority(moment(told.at_ms), told.reference, told.delay) for told in breach.authority],
            [ToldSubjects(moment(told.at_ms), told.persons) for told in breach.subjects],
            breach.spared, [TakenMeasure(moment(taken.at_ms), taken.measure) for taken in breach.measures],
            breach.reminded, moment(breach.closed_ms) if breach.closed_ms else None,
        )  # fmt: skip

    async def _ask(
        self, identity: str, request: Request, command: Command, write: Write, *, creates: bool = False
    ) -> BreachView:
        request.scope[ENTITY_ID] = identity
        reply = await self._services.gateway.ask(
            "breach", identity, command,
            command_id=write.key, digest=self._digest(write.body), creates=creates, cause=request.scope[REQUEST_ID],
            who=request.scope.get(WHO),
        )  # fmt: skip
        return _view_decoder.decode(body_of(reply))

    def _command(self, sent: AnyStep) -> Step:
        if isinstance(sent, RiskStep):
            return JudgeRisk(sent.risk, sent.reason)
        if isinstance(sent, SpareStep):
            return SpareSubjects(sent.reason)
        if isinstance(sent, ExtentStep):
            return ReviseExtent(sent.extent)
        if isinstance(sent, CloseStep):
            return CloseBreach()
        at_ms = self._services.clock.now_ms() if sent.at is None else _ms(sent.at)
        if isinstance(sent, AuthorityStep):
            return TellAuthority(at_ms, sent.reference, sent.delay or "")
        if isinstance(sent, SubjectsStep):
            return TellSubjects(at_ms, sent.persons)
        return TakeMeasure(at_ms, sent.measure)

    def _check(self, identity: str, request: Request) -> None:
        self.check_reach(request)
        if not is_of(identity, BREACH_PATTERN, self._region):
            raise Problem("breach.unknown", "There is no such breach.")
        request.scope[ENTITY_ID] = identity

    def _keys(self) -> Keyring:
        services = self._services
        found = None if services.keys is None else services.keys.current(services.clock.monotonic())
        if found is None:
            raise Problem("keys.unavailable", "The cell has no keys to seal a summary with.")
        return found

    def _digest(self, body: bytes) -> int:
        """63 bits of a body that may tell of people. Without the cell's key nobody can try out what stood in it."""
        return int.from_bytes(hmac.digest(self._keys().lookup_key, b"body\0breach\0" + body, "sha256")[:8], "big") >> 1


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
