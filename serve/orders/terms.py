"""What a placement asks for besides the goods, as the order and sourcing have to know it. See
`actors/domain/order_terms_state.py`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.domain.allocation import Need
from actors.domain.order_state import Kits, Line
from actors.domain.order_terms_plan import Shape, shape_of
from actors.domain.order_terms_state import PROMISED_WITHIN_MS, Hold, Terms
from serve.callers import subject_of
from serve.context import Scope
from serve.orders.holding import check_may
from serve.orders.schemas import NewOrder
from serve.orders.terms_schemas import NewTerms
from serve.problems import field_problem

_NOTHING = NewTerms()


class Asked(msgspec.Struct, frozen=True):
    """For sourcing: what plans have to keep to, over how many places at most (None: as the policy says), and by when it
    shall be there (UTC ms, None for no time)."""

    shape: Shape
    splits: int | None = None
    promise_by_ms: int | None = None

    def seen(self, need: Need) -> Need:
        """What has to be seen of places: the goods, and whatever may stand in."""
        out = dict(need)
        for sku, others in self.shape.substitutes.items():
            for other in others:
                out.setdefault(other, need.get(sku, 0))
        return out


def terms_of(order: NewOrder, kits: Kits | None, scope: Scope, now_ms: int) -> Terms | None:
    """None for a plain order. Raises Problem 403, 422."""
    sent = order.terms or _NOTHING
    groups = _numbered([line.group for line in order.lines])
    offered = [line.substitutes for line in order.lines]
    if order.terms is None and not any(groups) and not any(offered):
        return None
    for position, line in enumerate(order.lines):
        if line.substitutes and (line.sku in (kits or {}) or line.sku in line.substitutes):
            detail = "Neither a kit nor a SKU itself can be stood in for."
            raise field_problem("order.substitute_not_allowed", detail, f"/lines/{position}/substitutes")
    for name, values in (("handling", sent.handling), ("holds", sent.holds)):
        if len(set(values)) < len(values):
            raise field_problem("order.handling_twice", f"{name} names one twice.", f"/terms/{name}")
    if sent.holds:
        check_may(scope, sent.holds)
    gift = sent.gift
    return Terms(
        holds=[Hold(kind, now_ms, subject_of(scope)) for kind in sent.holds],
        ship_complete=sent.ship_complete,
        groups=groups if any(groups) else [],
        substitutes=offered if any(offered) else [],
        service_level=sent.service_level,
        handling=sent.handling,
        gift=gift is not None,
        gift_wrap=gift is not None and gift.wrap,
        message=gift is not None and bool(gift.message),
    )


def _numbered(words: Sequence[str]) -> list[str]:
    """The groups as "1", "2", … in the order in which they come, "" for none. What is kept of a group is in clear, told
    to everybody who sees the order, and outlives an erasure; which lines are of one, a number says as well as the
    caller's word, and names nobody."""
    numbers: dict[str, str] = {}
    return [word and numbers.setdefault(word, str(len(numbers) + 1)) for word in words]


def asked_of(
    order: NewOrder, terms: Terms | None, lines: Sequence[Line], kits: Kits | None, now_ms: int
) -> Asked | None:
    """What sourcing has to keep to; None for a plain order."""
    if terms is None:
        return None
    within_ms = PROMISED_WITHIN_MS[terms.service_level]
    splits = None if order.terms is None else order.terms.max_splits
    return Asked(shape_of(terms, lines, kits), splits, None if within_ms is None else now_ms + within_ms)
