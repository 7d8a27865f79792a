"""What is sealed of an order is corrected: what its person says is otherwise, or an address that is
another's is taken out of it.

Of what is sealed as a whole only the changes are otherwise: when the customer has just changed
something himself, it is read anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from actors.domain.order_events import OrderRectified
from actors.domain.order_views import OrderContact, ViewContact
from actors.domain.times import moment
from serve.collections.telling import log_told
from serve.identity.emails import Email
from serve.keys.data_keys import Erased
from serve.orders.private import PrivateOrders
from serve.privacy.asking import Asking
from serve.privacy.order_past import events_of
from serve.privacy.redirecting import Redirecting
from serve.problems import Problem
from serve.replies import body_of
from serve.services import Services

# So often a correction is tried while its order changes.
RECTIFY_TRIES = 5
_CHANGED = "order.changed_meanwhile"
_ERASED = "order.person_erased"
_RECTIFIED = OrderRectified.__name__
# So long a command is remembered at least.
_REMEMBERED = timedelta(hours=24)
_decode_contact = msgspec.json.Decoder(OrderContact).decode


class Correcting:
    """Of one replica."""

    def __init__(self, services: Services, private: PrivateOrders) -> None:
        self._services = services
        self._private = private
        self._redirecting = Redirecting(services, private)

    async def correct(
        self, order_id: str, changes: Mapping[str, Any], email: Email | None, request_id: str, asking: Asking
    ) -> None:
        """See `PrivateOrders.rectified`; what waits to be sent follows to another address. The order's
        history keeps by which request it was corrected (`has_corrected`). Raises Problem."""
        for number in range(RECTIFY_TRIES):
            try:
                contact = await self._contact(order_id, asking)
                await self._once(contact, changes, email, f":{request_id}{_of_try(number)}", asking)
            except Problem as problem:
                if problem.code != _CHANGED or number == RECTIFY_TRIES - 1:
                    raise
            else:
                return

    async def without_address(self, order_id: str, email_digest: str, asking: Asking) -> bool:
        """Takes the address out of an order, if it is (still) the one of this digest: was it? Nobody is written to
        about the order any more; its account still finds it. Raises Problem 409, 503."""
        for number in range(RECTIFY_TRIES):
            contact = await self._contact(order_id, asking)
            if contact.email_digest != email_digest:
                return False
            try:
                await self._once(contact, {"email": ""}, None, _of_try(number), asking)
            except Problem as problem:
                if problem.code == _ERASED:
                    return False
                if problem.code != _CHANGED or number == RECTIFY_TRIES - 1:
                    raise
            else:
                return True
        raise AssertionError("the last one is raised")

    async def has_corrected(self, order_id: str, email: Email | None, request_id: str, asking: Asking) -> bool:
        """Has this request corrected the order, and is its address by now the one that is given? Or was it this very
        call: the order remembers what it answered, and does nothing again. Raises Problem 503."""
        contact = await self._contact(order_id, asking)
        is_here = email is not None and contact.email_digest == self._private.email_digest(email)
        remembered = moment(self._services.clock.now_ms()) - _REMEMBERED
        part = f":{request_id}"
        try:
            async for event in events_of(self._services.gateway, order_id):
                if event["type"] != _RECTIFIED or part not in event["command_id"]:
                    continue
                is_this = event["command_id"].startswith(f"{asking.key}{part}")
                if is_here or (is_this and msgspec.convert(event["at"], datetime) > remembered):
                    return True
        except Problem as problem:
            if problem.code != "privacy.too_much_past":  # perhaps of somebody else: nothing is told of it
                raise
        return False

    async def _contact(self, order_id: str, asking: Asking) -> OrderContact:
        reply = await self._services.gateway.view("order", order_id, ViewContact(order_id), cause=asking.cause)
        return _decode_contact(body_of(reply))

    async def _once(
        self, contact: OrderContact, changes: Mapping[str, Any], email: Email | None, part: str, asking: Asking
    ) -> None:
        """`part`: of the command's id, another for each try. A refusal is remembered as an answer is: to repeat the
        call goes the same way again."""
        try:
            command = await self._private.rectified(contact.order_id, contact.sealed, changes, email, asking.cause)
            redirection = await self._redirecting.of(contact.order_id, contact, command, asking)
        except Erased:
            raise Problem(_ERASED, "The person was erased: there is nothing to correct.") from None
        # What is sealed is never the same twice; what was asked is told by the call's own digest.
        await asking.ask("order", contact.order_id, redirection.command, part)
        log_told(redirection.lines)


def _of_try(number: int) -> str:
    return f":{number}" if number else ""
