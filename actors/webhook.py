"""Tells somebody else of alerts: a signed POST for each piece of news, until it is taken.

    POST <url>   Ocefs-Signature: t=<UTC seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">

What is still to be told stands in the alerts themselves (`told`), so a restart forgets nothing. Failures are repeated after ever longer pauses,
and given up when the news is older than GIVE_UP_MS. No redirects are followed: the key's owner chose this address and no other. The body says
neither whom nor where: an auditor looks that up.
"""

from __future__ import annotations

import hashlib
import hmac
import logging

import aiohttp
import msgspec

from actors.domain.alert import AlertTold, AlertView, ViewAlert
from actors.domain.audit import Who
from actors.domain.times import DAY_MS
from actors.runtime.alerts import AlertList
from actors.runtime.errors import StoreUnavailable
from actors.runtime.ports import Clock
from actors.runtime.sharding import digest_of
from actors.runtime.watch import WATCHMAN, Asks
from actors.runtime.wire import OK
from actors.webhook_address import SECRET_BYTES_MIN, check_url

log = logging.getLogger("ocefs.webhook")
LOOK_S = 2.0
TIMEOUT_S = 5.0
AT_ONCE = 20
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


def signature(secret: bytes, body: bytes, now_s: int) -> str:
    """The header's value."""
    return f"t={now_s},v1={hmac.new(secret, b'%d.%b' % (now_s, body), hashlib.sha256).hexdigest()}"


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

    async def tell(self) -> None:
        """What there is to be told, unless it is too soon. Never raises for faults of the other side."""
        if self._clock.monotonic() < self._next_at:
            return
        self._next_at = self._clock.monotonic() + LOOK_S
        try:
            untold = await self._alerts.untold(self._clock.now_ms() - GIVE_UP_MS, AT_ONCE)
        except StoreUnavailable:
            return
        if untold:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
                for alert_id in untold:
                    if not await self._told(session, alert_id):
                        return

    async def _told(self, session: aiohttp.ClientSession, alert_id: str) -> bool:
        reply = await self._gateway.view("alert", alert_id, ViewAlert(alert_id))
        if reply.status != OK:
            return False
        alert = msgspec.json.decode(reply.body, type=AlertView)
        if alert.told:  # the list is a moment behind
            return True
        if not await self._posted(session, alert):
            return False
        command = AlertTold(alert.version)
        done = await self._gateway.ask(
            "alert", alert_id, command,
            command_id=f"{alert_id}:told:{alert.version}", digest=digest_of(msgspec.msgpack.encode(command)), who=self._who,
        )  # fmt: skip
        return done.status == OK

    async def _posted(self, session: aiohttp.ClientSession, alert: AlertView) -> bool:
        found = alert.finding
        body = _encode(
            News(
                alert.alert_id, alert.version, alert.status, found.role, found.rules, found.score, found.action,
                found.began_ms, found.last_ms,
            )
        )  # fmt: skip
        headers = {
            "Content-Type": "application/json",
            "Ocefs-Signature": signature(self._secret, body, self._clock.now_ms() // 1000),
        }
        try:
            async with session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                fine = 200 <= answer.status < 300
                why = str(answer.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as fault:
            fine, why = False, type(fault).__name__
        if fine:
            self._failures = 0
            return True
        self._failures += 1
        pause_s = min(PAUSE_S_MAX, LOOK_S * 2.0**self._failures)
        self._next_at = self._clock.monotonic() + pause_s
        log.warning(
            "the webhook did not take an alert (%s), again in %.0f s", why, pause_s, extra={"entity_id": alert.alert_id}
        )
        return False
