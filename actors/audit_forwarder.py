"""Sends the audit to another system, line by line, until each is taken.

    POST <url>   Content-Type: application/x-ndjson
                 Ocefs-Region: us
                 Ocefs-Signature: t=<UTC seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">
                 Authorization: <what the receiver wants, where there is a file of it>

A body has lines as `GET /v1/audit?format=ndjson` gives them, each shard's in the order of its chain. Any 2xx takes all
of them, and how far that is is written down before the next body goes. After anything else the same lines go again, for
as long as it takes: they are kept for years anyway, and none is passed over. So a line may come twice, and is known by
`shard`, `number` and `chain` (docs/security/audit.md says why). No redirects are followed: the file's owner chose this
address and no other.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping

import aiohttp
import msgspec

from actors.domain.times import moment
from actors.receiver import Receiver, signature
from actors.runtime.alerts import Kept, MonitorMemory, Position
from actors.runtime.audit_lines import Line
from actors.runtime.audit_queue import AuditQueue, Batch, Missing
from actors.runtime.errors import StoreUnavailable
from actors.runtime.ports import Clock
from actors.runtime.rounds import rounds_for_ever

log = logging.getLogger("ocefs.forwarder")
LOOK_S = 1.0
TIMEOUT_S = 10.0
LINES_MAX = 2_000
# What servers take unless they are told otherwise.
BODY_BYTES_MAX = 1_000_000
# After so many bodies of a smaller size a larger one is tried.
BODIES_UNTIL_LARGER = 100
PAUSE_S_MAX = 60.0
TOO_LARGE = 413
_encode = msgspec.json.Encoder().encode
_decode_changes = msgspec.json.Decoder(dict[str, list[str | int | None]]).decode


class AuditForwarder:
    """Of one cell, to one receiver. receiver: asked before each body, since his secrets may be replaced at any time;
    raises ValueError when they can't be read, which is waited for like any failure."""

    def __init__(
        self, region: str, receiver: Callable[[], Receiver], queue: AuditQueue, memory: MonitorMemory, clock: Clock
    ) -> None:
        self._region, self._receiver = region, receiver
        self._queue, self._memory, self._clock = queue, memory, clock
        self._cursor: dict[int, Position] | None = None
        self._failures = 0
        self._next_at = 0.0
        self._body_bytes, self._bodies = BODY_BYTES_MAX, 0
        # Said once, although it is read again and again while the receiver is away.
        self._said: set[Missing] = set()
        self.lines = 0

    async def run(self) -> None:
        """For ever."""
        await rounds_for_ever(self.forward, self._forget, self._clock, LOOK_S, log, "the audit's forwarder")

    def _forget(self) -> None:
        self._cursor = None

    async def forward(self) -> bool:
        """Sends what there is, unless it is too soon after a failure; whether there is more at once. Never raises for
        faults of the other side. Raises StoreUnavailable."""
        if self._clock.monotonic() < self._next_at:
            return False
        try:
            return await self._forward()
        except StoreUnavailable:
            # It may come back as an older copy, and what was taken of that stands in it.
            self._forget()
            raise

    async def _forward(self) -> bool:
        if self._cursor is None:
            kept = await self._memory.load()
            self._cursor = dict(kept.cursor) if kept else {}
        batch = await self._queue.after(self._cursor, LINES_MAX)
        self._say(batch)
        lines = encoded(batch.lines)
        while lines:
            some = _fitting(lines, self._body_bytes)
            body = b"".join(text for _, text in lines[:some])
            status, why = await self._answer(body)
            if status == TOO_LARGE and some > 1:
                self._body_bytes, self._bodies = len(body) // 2, 0
                continue
            if not 200 <= status < 300:
                self._wait(why or str(status))
                return False
            self._took(some)
            self._cursor |= {line.shard: Position(line.number, line.at) for line, _ in lines[:some]}
            lines = lines[some:]
            await self._keep({} if lines else batch.then)
        if batch.then and not batch.lines:
            await self._keep(batch.then)
        return batch.more

    async def _keep(self, more: Mapping[int, Position]) -> None:
        assert self._cursor is not None
        self._cursor |= more
        await self._memory.save(Kept(dict(self._cursor), b""), self._clock.now_ms())

    def _took(self, lines: int) -> None:
        if self._failures:
            log.warning("the receiver of the audit takes it again")
        self._failures = 0
        self.lines += lines
        self._bodies += 1
        if self._bodies >= BODIES_UNTIL_LARGER:
            self._body_bytes, self._bodies = min(BODY_BYTES_MAX, self._body_bytes * 2), 0

    def _wait(self, why: str) -> None:
        self._failures += 1
        pause_s = min(PAUSE_S_MAX, LOOK_S * 2.0 ** min(self._failures, 30))
        self._next_at = self._clock.monotonic() + pause_s
        log.warning("the receiver did not take lines of the audit (%s), again in %.0f s", why, pause_s)

    async def _answer(self, body: bytes) -> tuple[int, str]:
        """The status of what the receiver says to these lines; 0 and why, if he says nothing."""
        try:
            return await self._posted(self._receiver(), body), ""
        except (aiohttp.ClientError, TimeoutError, OSError) as fault:
            return 0, type(fault).__name__
        except ValueError as unread:
            return 0, str(unread)

    async def _posted(self, receiver: Receiver, body: bytes) -> int:
        """The answer's status. Raises aiohttp.ClientError, TimeoutError, OSError."""
        headers = {
            "Content-Type": "application/x-ndjson",
            "Ocefs-Region": self._region,
            "Ocefs-Signature": signature(receiver.secret, body, self._clock.now_ms() // 1000),
        }
        if receiver.authorization:
            headers["Authorization"] = receiver.authorization
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.post(receiver.url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status

    def _say(self, batch: Batch) -> None:
        for missing in batch.missing:
            if missing not in self._said:
                self._said.add(missing)
                log.error(
                    "lines %d to %d of shard %d are not in the audit any more: dropped with their month, or see `audit verify`",
                    missing.first, missing.last, missing.shard,
                )  # fmt: skip
        if batch.put_off:
            log.error(
                "lines of the shards %s are not found in the time that there is for it; the others go on, and these are looked for again later",
                list(batch.put_off),
            )  # fmt: skip


def encoded(lines: list[Line]) -> list[tuple[Line, bytes]]:
    """Each with what is sent of it: one line of a body."""
    return [(line, _encode(as_told(line)) + b"\n") for line in lines]


def as_told(line: Line) -> dict[str, object]:
    """A line as `GET /v1/audit` gives it."""
    changes: object = {}
    if line.changes:
        try:
            changes = _decode_changes(line.changes)
        except msgspec.DecodeError:
            # None of ours: whoever put it there does not stop the others by it.
            changes = line.changes
    told = msgspec.structs.asdict(line)
    return told | {"at": moment(line.at), "changes": changes, "chain": line.chain.hex()}


def _fitting(lines: list[tuple[Line, bytes]], bytes_max: int) -> int:
    """How many of the next lines a body takes; one at least."""
    size = 0
    for number, (_, text) in enumerate(lines):
        size += len(text)
        if size > bytes_max and number:
            return number
    return len(lines)


def place_of(region: str, url: str) -> str:
    """By which it is remembered how far a receiver has the audit: another address begins at the beginning."""
    return f"{region}-forwarder-{hashlib.sha256(url.encode()).hexdigest()[:16]}"
