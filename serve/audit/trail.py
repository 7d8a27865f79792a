"""What the audit keeps of reads and of refusals at the door: handed to a `trail` entity, some lines at a time.

    read of personal data ──▶ `read`: waits until the line is durable; without it nothing is told
    machine's sign-in     ──▶ `signed_in`: likewise; its secret is checked by a view, which has no turn
    operator's act        ──▶ `acted`: likewise; it is done already
    keeper's act          ──▶ `said`: likewise; under a key, because it is said again until it is answered
    refusal               ──▶ `refused`: goes with the next lines; the same one again within a moment is counted, not repeated; of somebody whom nobody
                              knows for a minute (`strangers.py`)
    what nobody asked for ──▶ `note`: goes with the next lines, and waits for as long as it takes

Ids of another region are kept as that region alone (`eu-`): who is meant by them stays there. What can be no id of ours
is not kept: people type names, e-mail addresses and numbers of cards where an id belongs, and
nothing can be erased here.

A read is noted before it is answered, so the line says that it was asked for. Refusals are told at once: of a replica
that is killed, those of its last moment are lost, and of strangers the number of its last minute.
"""

from __future__ import annotations

import asyncio
import logging
import secrets

import msgspec

from actors.domain.audit import Act, Audited, Changes, Who
from actors.domain.ids import ANY_PATTERN, is_of, region_of
from actors.domain.trail import NOTES_MAX, Note
from actors.runtime.ports import Clock
from actors.runtime.sharding import digest_of
from actors.runtime.wire import KEY_REUSED, OK, Reply
from serve.audit.strangers import FOLD_S, Strangers, is_stranger
from serve.context import ENTITY_ID, REQUEST_ID, WHO, Scope
from serve.gateway import Gateway
from serve.identity.limits import Routers, network_around
from serve.payments.pan import text_holds_pan
from serve.problems import Problem, of_refusal
from serve.requests import Write

log = logging.getLogger("ocefs.audit")
TRAILS = 16
# Refusals gather for so long.
GATHER_S = 0.25
# What waits; past it reads are refused, and of refusals only the number is kept.
WAITING_MAX = 5_000
CLOSE_S = 2.0
OVERFLOW = "audit.overflow"
NOTHING: Changes = {}
# (who, code, endpoint, entity id)
_Refusal = tuple[Who, str, str, str]


class _Seen(msgspec.Struct):
    """A refusal that waits: when and for which request first, and how often since."""

    at_ms: int
    request_id: str
    times: int = 1


class Trail:
    """Of one replica. `others`: the other regions; `routers`: whose word says from where somebody calls."""

    def __init__(self, region: str, others: frozenset[str], gateway: Gateway, clock: Clock, routers: Routers) -> None:
        self._region = region
        self._id = f"{region}-trail-{secrets.randbelow(TRAILS):02}"
        self._others = others
        self._gateway = gateway
        self._clock = clock
        self._routers = routers
        self._reads: list[tuple[Audited, asyncio.Future[bool]]] = []
        self._refusals: dict[_Refusal, _Seen] = {}
        self._notes: list[Audited] = []
        self._overflow = 0
        self._strangers = Strangers()
        self._minute: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[None] | None = None
        self._refusing: asyncio.Task[None] | None = None

    async def read(
        self, scope: Scope, action: str, kind: str = "", entity_id: str = "", behalf: str = "", told: Changes = NOTHING
    ) -> None:  # fmt: skip
        """Somebody is about to be told personal data. `behalf`: whose, when the data is not one entity's; `told`: how
        much. Raises Problem 503 when that can't be written down."""
        if not await self._durable(scope, Act(action, "", "", told), kind, entity_id, behalf):
            raise Problem("audit.unavailable", "What is read must be written down, and that is not possible now.")

    async def signed_in(self, scope: Scope, action: str, kind: str, entity_id: str) -> None:
        """The scope's `Who` has proved who it is and is about to be given a token. Raises Problem 503 when
        that can't be written down."""
        if not await self._durable(scope, Act(action), kind, entity_id):
            raise Problem("audit.unavailable", "Who signs in must be written down, and that is not possible now.")

    async def acted(self, scope: Scope, act: Act) -> None:
        """Somebody says what he did that is no entity's. Raises Problem 503 when that can't be written down."""
        if not await self._durable(scope, act):
            raise Problem("audit.unavailable", "What was done must be written down, and that is not possible now.")

    async def said(self, scope: Scope, who: Who, act: Act, outcome: str, write: Write) -> None:
        """Something came about in the cell that is nobody's request. `write`: by its key it is written down once,
        whichever replica it is said to. Raises Problem 503 when that can't be, 422 for a key that was used before."""
        line = Audited(who, act, outcome, "", "", 0, self._clock.now_ms(), scope[REQUEST_ID])
        reply = await self._handed([line], write.key, write.digest, f"{self._region}-trail-00")
        if reply.status == KEY_REUSED:
            raise of_refusal(reply)
        if reply.status != OK:
            raise Problem("audit.unavailable", "What was done must be written down, and that is not possible now.")

    async def _durable(self, scope: Scope, act: Act, kind: str = "", entity_id: str = "", behalf: str = "") -> bool:
        """Is it written down, as far as anybody is to be named?"""
        who = scope.get(WHO)
        if who is None:
            return True
        if behalf:
            who = msgspec.structs.replace(who, behalf=behalf)
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if len(self._reads) < WAITING_MAX:
            line = Audited(who, act, "", kind, self._kept(entity_id), 0, self._clock.now_ms(), scope[REQUEST_ID])
            self._reads.append((line, told))
            if self._reading is None or self._reading.done():
                self._reading = asyncio.get_running_loop().create_task(self._hand_over_reads())
        else:
            told.set_result(False)
        return await told

    def refused(self, scope: Scope, problem: Problem, endpoint: str) -> None:
        """Somebody was told no here. What an entity refused stands in the audit by its turn already."""
        who = scope.get(WHO)
        if who is None or problem.remembered or not 400 <= problem.status < 500:
            return
        what = (who, problem.code, endpoint, self._kept(str(scope.get(ENTITY_ID, ""))))
        seen = self._refusals.get(what)
        if seen is not None:
            seen.times += 1
            return
        at_ms, request_id = self._clock.now_ms(), scope[REQUEST_ID]
        if is_stranger(who, problem.code):
            self._begin_minute()
            around = network_around(self._routers.address_of(scope))
            if not self._strangers.is_first(who, around, problem.code, endpoint, at_ms, request_id):
                return
        if len(self._refusals) >= WAITING_MAX:
            self._overflow += 1
        else:
            self._refusals[what] = _Seen(at_ms, request_id)
            self._begin()

    def _begin_minute(self) -> None:
        if self._minute is None:
            self._minute = asyncio.get_running_loop().call_later(FOLD_S, self._minute_is_over)

    def _minute_is_over(self) -> None:
        self._minute = None
        self._tell_strangers()
        if len(self._strangers):
            self._begin_minute()

    def _tell_strangers(self) -> None:
        """Puts what was counted of them with what waits."""
        self._notes += self._strangers.told(max(0, WAITING_MAX - len(self._notes)))
        if self._notes:
            self._begin()

    def note(self, act: Act, outcome: str) -> None:
        """Something came about here that is nobody's request and no entity's: of the cell itself. Waits for nothing."""
        if len(self._notes) >= WAITING_MAX:
            self._overflow += 1
            return
        self._notes.append(Audited(Who(), act, outcome, "", "", 0, self._clock.now_ms(), act.action))
        self._begin()

    def _begin(self) -> None:
        if self._refusing is None or self._refusing.done():
            self._refusing = asyncio.get_running_loop().create_task(self._hand_over_refusals())

    def _kept(self, entity_id: str) -> str:
        """Of an id that a caller may have made up."""
        region = region_of(entity_id)
        if region in self._others:
            return f"{region}-"
        ours = is_of(entity_id, ANY_PATTERN, self._region) and not text_holds_pan(entity_id.encode())
        return entity_id if ours else ""

    async def close(self) -> None:
        """Hands over what still waits, if the cell takes it soon."""
        if self._minute is not None:
            self._minute.cancel()
            self._minute = None
        self._tell_strangers()
        self._strangers = Strangers()
        tasks = [task for task in (self._reading, self._refusing) if task is not None and not task.done()]
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=CLOSE_S)
            for task in left:
                task.cancel()

    async def _hand_over_reads(self) -> None:
        try:
            while self._reads:
                # One turn of the loop, so that what is asked in this turn goes together.
                await asyncio.sleep(0)
                waiting, self._reads = self._reads[:NOTES_MAX], self._reads[NOTES_MAX:]
                done = False
                try:
                    done = await self._handed_over([line for line, _ in waiting], secrets.token_hex(16))
                finally:  # whatever becomes of it, none of these waits for ever
                    _tell(waiting, done=done)
        finally:  # nor do those that came meanwhile, when the replica ends
            _tell(self._reads, done=False)
            self._reads = []

    async def _hand_over_refusals(self) -> None:
        while self._refusals or self._notes or self._overflow:
            await asyncio.sleep(GATHER_S)
            lines, command_id = self._taken(), secrets.token_hex(16)
            while True:
                if await self._handed_over(lines, command_id):
                    break
                await asyncio.sleep(GATHER_S)

    def _taken(self) -> list[Audited]:
        out = []
        if self._overflow:
            log.error("audit.overflow", extra={"lines": self._overflow})
            act = Act("request.refused", "", "", {"times": (None, self._overflow)})
            out.append(Audited(Who(), act, OVERFLOW, "", "", 0, self._clock.now_ms(), OVERFLOW))
            self._overflow = 0
        room = NOTES_MAX - len(out)
        out, self._notes = out + self._notes[:room], self._notes[room:]
        for what in list(self._refusals)[: NOTES_MAX - len(out)]:
            who, code, endpoint, entity_id = what
            seen = self._refusals.pop(what)
            changes: Changes = {"endpoint": (None, endpoint)}
            if seen.times > 1:
                changes["times"] = (None, seen.times)
            act = Act("request.refused", "", "", changes)
            out.append(Audited(who, act, code, "", entity_id, 0, seen.at_ms, seen.request_id))
        return out

    async def _handed_over(self, lines: list[Audited], command_id: str) -> bool:
        """Are they durable? With the same id they are noted once, however often they are handed over. A fault of ours
        is logged, and as good as a no: nothing that is to be written down is lost by it."""
        try:
            digest = digest_of(msgspec.msgpack.encode(Note(lines)))
            return (await self._handed(lines, command_id, digest, self._id)).status == OK
        except Exception:
            log.exception("audit.fault")
            return False

    async def _handed(self, lines: list[Audited], command_id: str, digest: int, trail: str) -> Reply:
        """To the same trail with the same id: noted once. `digest`: of what stands for them."""
        return await self._gateway.ask("trail", trail, Note(lines), command_id=command_id, digest=digest, creates=True)


def _tell(waiting: list[tuple[Audited, asyncio.Future[bool]]], *, done: bool) -> None:
    for _, told in waiting:
        if not told.done():
            told.set_result(done)
