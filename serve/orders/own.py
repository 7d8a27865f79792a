"""What customers and guests may do with orders: with their own. Whose an order is, the order itself judges
(`actors/domain/order.py`): that of another person is answered as one that there is not, at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated

import msgspec
from fastapi import Path

from actors.domain.order_commands import UpdateOrder
from serve.context import PRINCIPAL, Scope
from serve.identity.desk import not_before
from serve.identity.tokens import GUEST
from serve.permissions import OWN
from serve.problems import Answer, Problem, field_problem

OrderInPath = Annotated[str, Path(max_length=64, description="e.g. us-01kah2v3nq7h3k2m9qk4t1x0ab")]
# No order is unknown to them earlier than that: whether it is in memory, on disk, another person's or
# nowhere takes different times.
UNKNOWN_S = 0.25


def asker_of(scope: Scope, permission: str) -> str:
    """Whose orders the caller may reach: "" for those of all, by the permission, or when nobody has to say who he is.
    Of a guest his session says it (`ids.guest_of`): to which mailbox his code went."""
    principal = scope.get(PRINCIPAL)
    if principal is None or permission in principal.permissions:
        return ""
    subject: str = principal.subject
    if principal.role == GUEST:
        session_id: str = principal.session_id
        # Never "", which is somebody who may see all; by the order's id alone it is nobody's.
        return session_id.rpartition(".")[0] or subject
    return subject


def owner_of(scope: Scope) -> str:
    """Whose an order is that the caller places: the customer's, or "" when it is placed for somebody else."""
    return asker_of(scope, "orders.place")


def reveals(scope: Scope) -> bool:
    """May the caller see what is restricted: a customer his own orders, and whoever handles
    requests of data subjects?"""
    principal = scope.get(PRINCIPAL)
    return principal is not None and ("privacy.handle" in principal.permissions or principal.permissions <= OWN)


def sees_corrected(scope: Scope) -> bool:
    """May the caller see what was there before it was corrected: whoever handles requests of data subjects?"""
    principal = scope.get(PRINCIPAL)
    return principal is not None and "privacy.handle" in principal.permissions


def check_ref(scope: Scope, customer_ref: str) -> None:
    """Raises Problem 422 when a customer names a reference: those are the retailer's, and might be another person's."""
    if customer_ref and owner_of(scope):
        detail = "Whose the order is, the token says."
        raise field_problem("order.customer_ref_not_allowed", detail, "/customer/customer_ref")


def of_customer(command: object, asker: str) -> UpdateOrder:
    """The cancellation of the asker's own order. Raises Problem 403 for any other step."""
    if type(command) is not UpdateOrder or command != UpdateOrder("cancel"):
        raise Problem("auth.forbidden", "Customers may cancel a whole order of theirs, and take no other step.")
    return msgspec.structs.replace(command, asker=asker)


async def told_alike(answering: Awaitable[Answer], noun: str = "order") -> Answer:
    """The answer. Raises Problem; of whatever order (or other noun) is unknown, the same one at the same time."""
    earliest = asyncio.get_running_loop().time() + UNKNOWN_S
    try:
        return await answering
    except Problem as problem:
        if problem.code != f"{noun}.unknown":
            raise
        alike = Problem(f"{noun}.unknown", f"There is no such {noun}.")
        alike.remembered = problem.remembered
    await not_before(earliest)
    raise alike
