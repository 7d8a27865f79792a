"""One line of the audit as the monitor reads it: flat, pseudonymous, in the order in which it was written."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from actors.domain.audit import Changed
from actors.domain.audit_address import around_in, network_in

# (shard, number): names a line of the audit for ever.
Reference = tuple[int, int]
SIGN_IN = "session.open"
# What one person found in a blind count, and nobody else looked at.
COMPARED = "count.compare"
# Of the door, whose refusals stand in `outcome` and whose endpoint in `changes`.
REFUSED = "request.refused"
SIGN_IN_REFUSED = "session.refused"
FORBIDDEN = "auth.forbidden"
# Ends of codes: a door that is open to the role, but not at that place.
ELSEWHERE = ".location_forbidden"
# How machines sign in, and how a new one takes its place; and with which codes anybody is turned away who wants in.
MACHINE_IN = frozenset({"device.sign_in", "device.claim"})
MACHINE_REFUSED = "client.refused"
NOT_LET_IN = frozenset({SIGN_IN_REFUSED, MACHINE_REFUSED, "code.refused"})
# An auditor is done with an alert: the entity is the alert.
CLOSED = "alert.close"
# Done by a screen that is open, whether or not anybody sits at it.
REFRESH = "session.refresh"
# Roles, and nouns of sign-ins, of those who buy: anybody may be one, and there is no end of them.
VISITORS = frozenset({"customer", "guest"})

# Steps of orders, which machines take by thousands a second: all that is asked of these is where they come from, so one
# line in SAMPLED is looked at. People's are all looked at, and so is whatever was refused or
# changed something sensitive.
ROUTINE = (
    "order.place", "order.start_picking", "order.pause_picking", "order.pack", "order.ship", "order.deliver", "order.allocate",
)  # fmt: skip
SAMPLED = 16


class Record(msgspec.Struct, frozen=True, gc=False):
    """See `actors/domain/audit.py` for what the fields mean. at_ms: UTC ms. outcome: "" for done,
    else the code of the refusal.
    changes: field → (before, after)."""

    shard: int
    number: int
    at_ms: int
    subject: str
    role: str
    action: str
    outcome: str = ""
    session_id: str = ""
    address: str = ""
    device: str = ""
    behalf: str = ""
    request_id: str = ""
    location_id: str = ""
    kind: str = ""
    entity_id: str = ""
    version: int = 0
    why: str = ""
    changes: Mapping[str, Changed] = {}

    @property
    def reference(self) -> Reference:
        """Where it stands in the audit."""
        return self.shard, self.number

    @property
    def network(self) -> str:
        """Where it came from: who has one address of an IPv6 network has them all."""
        return network_in(self.address)

    @property
    def around(self) -> str:
        """What one owner may have all of: of IPv6 more than its network."""
        return around_in(self.address)

    @property
    def who(self) -> str:
        """Whose account it is about: a refused sign-in has no subject yet, but a target."""
        return self.subject or (self.entity_id if self.turned_away or self.action == SIGN_IN else "")

    @property
    def turned_away(self) -> bool:
        """Did anybody or anything try to get in and fail: by password, passkey, secret, signature or code, whether
        there is such an account or not?"""
        return self.sign_in_refused or (
            self.outcome in NOT_LET_IN and (self.action == REFUSED or self.action in MACHINE_IN)
        )

    @property
    def sign_in_refused(self) -> bool:
        """Did somebody try to get in and fail, where guessing may lead to something: not at secrets of 256 bits, nor
        where no code was asked for?"""
        return (self.action == SIGN_IN and bool(self.outcome)) or (
            self.action == REFUSED and self.outcome == SIGN_IN_REFUSED
        )

    @property
    def visits(self) -> bool:
        """Is it a customer or a guest, and neither staff nor a machine? A sign-in says it by its noun,
        for it has no role yet."""
        return self.role in VISITORS or (not self.role and self.action == SIGN_IN and self.kind in VISITORS)

    @property
    def door(self) -> str:
        """What was refused: the endpoint, where the door refused, else the act."""
        return str(self.changes.get("endpoint", (None, self.action))[1])


def is_read(action: str) -> bool:
    """Looks at something without changing it."""
    return action.rpartition(".")[2].startswith(("read", "search", "view", "export"))
