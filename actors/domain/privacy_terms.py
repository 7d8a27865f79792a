"""What people may ask about their own data, by which law, how long there is for the answer, and
what has to be done for it.

One table each, with the source of every term. Times are UTC milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from actors.domain.times import DAY_MS

Law = Literal["gdpr", "ccpa", "lgpd"]
Right = Literal[
    "access", "portability", "rectification", "restriction", "erasure", "know", "delete", "correct", "opt_out", "object"
]  # fmt: skip
Step = Literal["export", "rectify", "restrict", "lift_restriction", "erase", "opt_out"]


class Term(NamedTuple):
    """days: from the receipt to the answer. more_days: by which it may be extended once, 0 for never.
    source: where that stands."""

    days: int
    more_days: int
    source: str


TERMS: Mapping[Law, Term] = {
    "gdpr": Term(30, 60, "GDPR Art. 12(3): one month, two further ones where necessary"),
    "ccpa": Term(45, 45, "Cal. Civ. Code §1798.130(a)(2)(A), 11 CCR §7021(b): 45 calendar days, 45 more once"),
    "lgpd": Term(15, 0, "LGPD Art. 19 II: 15 days"),
}
# 15 business days are never fewer.
OPT_OUT_TERM = Term(15, 0, "11 CCR §7026(f): 15 business days")
RIGHTS: Mapping[Law, frozenset[Right]] = {
    # Art. 15, 20, 16, 18, 17, 21
    "gdpr": frozenset({"access", "portability", "rectification", "restriction", "erasure", "object"}),
    # §1798.110, .105, .106, .120
    "ccpa": frozenset({"know", "delete", "correct", "opt_out"}),
    # Art. 18 II, V, III, IV, VI and §2
    "lgpd": frozenset({"access", "portability", "rectification", "restriction", "erasure", "object"}),
}
# What may be done for a right, and of it what has to be done before it is completed.
STEPS: Mapping[Right, tuple[frozenset[Step], frozenset[Step]]] = {
    "access": (frozenset({"export"}), frozenset({"export"})),
    "portability": (frozenset({"export"}), frozenset({"export"})),
    "know": (frozenset({"export"}), frozenset({"export"})),
    "rectification": (frozenset({"rectify"}), frozenset({"rectify"})),
    "correct": (frozenset({"rectify"}), frozenset({"rectify"})),
    "restriction": (frozenset({"restrict", "lift_restriction"}), frozenset({"restrict"})),
    "erasure": (frozenset({"erase", "restrict", "lift_restriction"}), frozenset({"erase"})),
    "delete": (frozenset({"erase", "restrict", "lift_restriction"}), frozenset({"erase"})),
    "opt_out": (frozenset({"opt_out"}), frozenset({"opt_out"})),
    # Art. 18(1)(d): restricted while it is looked at whose grounds weigh more.
    "object": (frozenset({"opt_out", "restrict", "lift_restriction"}), frozenset({"opt_out", "restrict"})),
}


def term_of(law: Law, right: Right) -> Term:
    """How long there is for the answer."""
    return OPT_OUT_TERM if right == "opt_out" else TERMS[law]


def deadline_of(law: Law, right: Right, received_ms: int) -> int:
    """The last moment for the answer."""
    after_days = received_ms + term_of(law, right).days * DAY_MS
    # A month from the end of January is over before 30 days are (Regulation 1182/71 Art. 3(2)(c)).
    return min(after_days, _month_later(received_ms)) if law == "gdpr" else after_days


def _month_later(at_ms: int) -> int:
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    first_of_next = (at.replace(day=1) + timedelta(days=32)).replace(day=1)
    last_of_next = (first_of_next + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return int(last_of_next.replace(day=min(at.day, last_of_next.day)).timestamp()) * 1000
