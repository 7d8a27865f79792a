"""Tells somebody else of alerts: a signed POST for each piece of news, until it is taken.

    POST <url>   Ocefs-Signature: t=<UTC seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">

What is still to be told stands in the alerts themselves (`told`), so a restart forgets nothing. Failures are repeated
after ever longer pauses, and given up when the news is older than GIVE_UP_MS. An answer that is about one alert only
makes that one wait: the others are told. No redirects are followed: the key's owner chose this address and no other.
The body says neither whom nor where: an auditor looks that up.
"""

from __future__ import annotations

import logging
from enum import Enum

import aiohttp
import msgspec

from actors.domain.alert import AlertTold, AlertView, ViewAlert
from actors.domain.audit import Who
from actors.domain.times import DAY_MS
from actors.receiver import SECRET_BYTES_MIN, check_url, signature
from actors.runtime.alerts import AlertList
from actors.runtime.errors import StoreUnavailable
from actors.runtime.pauses import Pauses
from actors.runtime.ports import Clock
from actors.runtime.rounds import rounds_for_ever
from actors.runtime.sharding import digest_of
from actors.runtime.watch import WATCHMAN, Asks
from actors.runtime.wire import OK, REFUSED

log = logging.getLogger("ocefs.webhook")
LOOK_S = 2.0
TIMEOUT_S = 5.0
AT_ONCE = 20
# Of the list, whose oldest may all be such that the receiver refuses.
UNTOLD_MAX = 1_000
# Client errors that are about the receiver as a whole (who asks, the address, how much of it, and
# when): RFC 9110, 6585, 8470.
OF_THE_RECEIVER = frozenset({401, 403, 404, 408, 410, 425, 429})
PAUSE_S_MAX = 600.0
GIVE_UP_MS = 3 * DAY_MS
_encode = msgspec.json.Encoder().encode


class News(msgspec.Struct, frozen=True):
    """The body. Times: UTC ms."""

    alert_id: str
    version: int
    status: str
    role: str
    rules: list[str]
    score: float
    action: str
    began_ms: int
    last_ms: int


class Outcome(Enum):
    """What came of telling one alert."""

    TOLD = "told"
    NOT_THIS = "this one is refused; others may be taken"
    NOBODY = "nobody listens: others would fare no better"


def outcome_of(status: int) -> Outcome:
    """What an answer's HTTP status says."""
    if 200 <= status < 300:
        return Outcome.TOLD
    return Outcome.NOT_THIS if 400 <= status < 500 and status not in OF_THE_RECEIVER else Outcome.NOBODY


class Webhook:
    """Of one cell. Raises ValueError for an address or a secret that is not good."""

    def __init__(self, region: str, url: str, secret: bytes, alerts: AlertList, gateway: Asks, clock: Clock) -> None:
        wrong = check_url(url)
        if wrong or len(secret) < SECRET_BYTES_MIN:
            raise ValueError(f"the webhook's address {wrong}" if wrong else "the webhook's secret is too short")
        self._who = Who(f"{region}-{WATCHMAN}")
        self._url, self._secret = url, secret
        self._alerts, self._gateway, self._clock = alerts, gateway, clock
        self._failures = 0
        self._next_at = 0.0
        # Alerts that the receiver refuses.
        self._refused = Pauses(int(2000 * LOOK_S))

    async def run(self) -> None:
        """For ever, beside the monitor: nobody else waits for a receiver that takes its time."""
        await rounds_for_ever(self._round, lambda: None, self._clock, LOOK_S, log, "the webhook")

    async def _round(self) -> bool:
        await self.tell()
        return False

    async def tell(self) -> None:
        """What there is to be told, unless it is too soon. Never raises for faults of the other side."""
        if self._clock.monotonic() < self._next_at:
            return
        self._next_at = self._clock.monotonic() + LOOK_S
        try:
            due = await self._due()
        except StoreUnavailable:
            return
        if due:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
                for alert_id in due:
                    if await self._told(session, alert_id) is Outcome.NOBODY:
                        return

    async def _due(self) -> list[str]:
        """The next alerts to be told: oldest first, but after all others those that were refused before.
        Raises StoreUnavailable."""
        limit = min(UNTOLD_MAX, AT_ONCE + len(self._refused))
        untold = await self._alerts.untold(self._clock.now_ms() - GIVE_UP_MS, limit)
        self._refused.keep(untold)
        now_ms = self._clock.now_ms()
        fresh = [alert_id for alert_id in untold if alert_id not in self._refused]
        again = [one for one in untold if one in self._refused and self._refused.until(one) <= now_ms]
        return (fresh + again)[:AT_ONCE]

    async def _told(self, session: aiohttp.ClientSession, alert_id: str) -> Outcome:
        reply = await self._gateway.view("alert", alert_id, ViewAlert(alert_id))
        if reply.status == REFUSED:
            return self._passed_over(alert_id, "the cell refuses to show it")
        if reply.status != OK:
            return Outcome.NOBODY
        alert = msgspec.json.decode(reply.body, type=AlertView)
        if alert.told:  # the list is a moment behind
            return Outcome.TOLD
        outcome = await self._posted(session, alert)
        if outcome is not Outcome.TOLD:
            return outcome
        self._refused.well(alert_id)
        command = AlertTold(alert.version)
        done = await self._gateway.ask(
            "alert", alert_id, command,
            command_id=f"{alert_id}:told:{alert.version}", digest=digest_of(msgspec.msgpack.encode(command)), who=self._who,
        )  # fmt: skip
        return Outcome.TOLD if done.status == OK else Outcome.NOBODY

    async def _posted(self, session: aiohttp.ClientSession, alert: AlertView) -> Outcome:
        body = _body(alert)
        headers = {
            "Content-Type": "application/json",
            "Ocefs-Signature": signature(self._secret, body, self._clock.now_ms() // 1000),
        }
        try:
            async with session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                outcome, why = outcome_of(answer.status), str(answer.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as fault:
            outcome, why = Outcome.NOBODY, type(fault).__name__
        if outcome is Outcome.NOBODY:
            self._failures += 1
            pause_s = min(PAUSE_S_MAX, LOOK_S * 2.0 ** min(self._failures, 30))
            self._next_at = self._clock.monotonic() + pause_s
            _warn(alert.alert_id, why, pause_s)
            return outcome
        self._failures = 0
        return self._passed_over(alert.alert_id, why) if outcome is Outcome.NOT_THIS else outcome

    def _passed_over(self, alert_id: str, why: str) -> Outcome:
        """This one waits, and longer each time."""
        _warn(alert_id, why, self._refused.fault(alert_id, self._clock.now_ms()) / 1000)
        return Outcome.NOT_THIS


def _warn(alert_id: str, why: str, pause_s: float) -> None:
    log.warning("the webhook did not take an alert (%s), again in %.0f s", why, pause_s, extra={"entity_id": alert_id})


def _body(alert: AlertView) -> bytes:
    found = alert.finding
    return _encode(
        News(
            alert.alert_id, alert.version, alert.status, found.role, found.rules, found.score, found.action,
            found.began_ms, found.last_ms,
        )
    )  # fmt: skip
