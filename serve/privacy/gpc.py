"""`Sec-GPC: 1`: a browser that says for its person not to sell or share their data (Global Privacy Control; 11 CCR
§7025, Cal. Civ. Code §1798.135(e)).

From a customer who is signed in, or is signing in, it is recorded as a refusal of `sale_or_sharing`, whatever he calls
but availability, which asks nobody who he is (`app.py`, as soon as the guard has let him in), once: who was heard
stands in this replica's memory, so that the next calls cost nothing. It is looked up again after HEARD_S, since another
replica may have been told otherwise meanwhile. While the signal comes, nothing that was agreed to counts against it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict

from actors.domain.consent import Choice, SetConsents
from actors.domain.ids import consent_id
from actors.runtime.ports import Clock
from actors.runtime.wire import OK
from serve.context import PRINCIPAL, REQUEST_ID, WHO, Scope, headers_of
from serve.gateway import Gateway
from serve.keys.data_keys import DataKeys
from serve.permissions import CUSTOMERS

HEARD_MAX = 50_000
HEARD_S = 600.0
# So long a call waits for it at most, and so long it is not tried again for this customer after it failed: consents
# lie in many shards, and one that is away says nothing of the others.
WAIT_S = 0.5
AWAY_S = 5.0
SIGNAL = b"sec-gpc"
# Guests have none, and nothing that it could be recorded with.
_ACCOUNT = "customer.own"
_REFUSED = SetConsents([Choice("sale_or_sharing", False)], "gpc")
log = logging.getLogger("ocefs.privacy")


def signalled(scope: Scope) -> bool:
    """Does the browser send it? Any other value means nothing."""
    return headers_of(scope).get(SIGNAL) == b"1"


class PrivacySignals:
    """Of one replica."""

    def __init__(self, region: str, gateway: Gateway, keys: DataKeys, clock: Clock) -> None:
        self._region = region
        self._gateway = gateway
        self._keys = keys
        self._clock = clock
        # Customer → until when he needs not be recorded again (monotonic seconds).
        self._heard: OrderedDict[str, float] = OrderedDict()
        # Customer → the one recording that is under way.
        self._recording: dict[str, asyncio.Task[None]] = {}

    async def heed_caller(self, scope: Scope) -> None:
        """See `heed`, for whoever calls: a customer with an account, or nobody who is heard."""
        principal = scope.get(PRINCIPAL)
        if principal is not None and principal.role in CUSTOMERS and _ACCOUNT in principal.permissions:
            await self.heed(scope, principal.subject)

    async def heed(self, scope: Scope, customer_id: str) -> None:
        """Records the signal if it comes and is news. Never refuses the call that it came with, nor keeps it for long:
        when it can't be recorded now, a later call tries again."""
        if not signalled(scope) or self._heard.get(customer_id, 0.0) > self._clock.monotonic():
            return
        task = self._recording.get(customer_id)
        if task is None:
            task = self._recording[customer_id] = asyncio.ensure_future(self._hear(scope, customer_id))
        await asyncio.wait((task,), timeout=WAIT_S)

    async def _hear(self, scope: Scope, customer_id: str) -> None:
        recorded = False
        try:
            recorded = await self._record(scope, customer_id)
        except Exception:  # nobody may be waiting for it any more, and none of those who do is to hear of it
            log.exception("privacy.signal_not_recorded", extra={"request_id": scope[REQUEST_ID]})
        finally:
            del self._recording[customer_id]
        self._heard[customer_id] = self._clock.monotonic() + (HEARD_S if recorded else AWAY_S)
        self._heard.move_to_end(customer_id)
        if len(self._heard) > HEARD_MAX:
            self._heard.popitem(last=False)

    def forget(self, customer_id: str) -> None:
        """The customer has said otherwise here: the next signal is news."""
        self._heard.pop(customer_id, None)

    async def _record(self, scope: Scope, customer_id: str) -> bool:
        identity = consent_id(self._region, self._keys.digest("person", customer_id))
        reply = await self._gateway.ask(
            "consent", identity, _REFUSED,
            command_id=secrets.token_hex(16), digest=0, cause=scope[REQUEST_ID], who=scope.get(WHO),
        )  # fmt: skip
        if reply.status != OK:
            log.warning("privacy.signal_not_recorded", extra={"request_id": scope[REQUEST_ID]})
        return reply.status == OK
