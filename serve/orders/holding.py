"""`hold`, `release` and `prioritise` among the updates of orders: who may, and the commands. The rules are in
`actors/domain/order_holds.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from actors.domain.order_terms_commands import HoldOrder, PrioritiseOrder, ReleaseOrder
from actors.domain.order_terms_state import HoldKind
from actors.domain.times import HOUR_MS
from serve.callers import caller_of, subject_of
from serve.context import Scope
from serve.orders.terms_schemas import AnyUpdate, HoldDetails
from serve.problems import Problem, field_problem

HOLDING = frozenset({"hold", "release", "prioritise"})
# Whoever may let an order go that looks like fraud, or is not paid for, decides over money.
_RISKY: frozenset[HoldKind] = frozenset({"fraud", "payment"})


class Sent(Protocol):
    """What of an update is about this."""

    @property
    def update(self) -> AnyUpdate: ...
    @property
    def hold(self) -> HoldDetails | None: ...
    @property
    def priority(self) -> int | None: ...


def check_may(scope: Scope, kinds: Iterable[HoldKind]) -> None:
    """Raises Problem 403 when the caller may not hold and release for these reasons."""
    principal = caller_of(scope)
    if principal is None:
        return
    needed = {"orders.hold_risk" if kind in _RISKY else "orders.hold" for kind in kinds} or {"orders.hold"}
    absent = sorted(needed - principal.permissions)
    if absent:
        raise Problem("auth.forbidden", f"That needs {absent[0]}.", extra={"permission": absent[0]})


def check_plain(sent: Sent, base: str) -> None:
    """Raises Problem 422 when a step of the order's life comes with what belongs to holds."""
    for name in ("hold", "priority"):
        if getattr(sent, name) is not None:
            raise field_problem("update.details_not_allowed", f"That is no part of {sent.update}.", f"{base}/{name}")


def holding(
    sent: Sent, base: str, scope: Scope, within: list[str], now_ms: int
) -> HoldOrder | ReleaseOrder | PrioritiseOrder:
    """The command. Raises Problem 403, 422."""
    if sent.update == "prioritise":
        check_may(scope, ())
        if sent.priority is None or sent.hold is not None:
            raise field_problem(
                "update.details_required", "prioritise needs `priority`, and nothing else.", f"{base}/priority"
            )
        return PrioritiseOrder(sent.priority, within)
    details = sent.hold
    if details is None or sent.priority is not None:
        raise field_problem("update.details_required", f"{sent.update} needs `hold`, and nothing else.", f"{base}/hold")
    check_may(scope, details.reasons)
    by = subject_of(scope)
    if sent.update == "release":
        if details.release_within_hours is not None:
            raise field_problem(
                "update.details_not_allowed", "That is no part of release.", f"{base}/hold/release_within_hours"
            )
        return ReleaseOrder(details.reasons, by, details.note, within)
    hours = details.release_within_hours
    # To the minute: a call that is repeated asks for the same.
    until_ms = None if hours is None else now_ms // 60_000 * 60_000 + hours * HOUR_MS
    return HoldOrder(details.reasons, by, details.note, until_ms, within)
