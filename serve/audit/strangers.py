"""Refusals of callers whom nobody knows: the first of a kind is told at once, those that follow once a minute, in one line with their number.

    (network, code) ──first──▶ a line of its own
                    ──again──▶ counted ──each FOLD_S──▶ one line, `times`: as many as were counted
    more than NETWORKS_MAX  ──▶ (what is around, code), which begins anew: a /48 of IPv6, a /16 of IPv4
    more than AROUND_MAX    ──▶ (code)

Without a token there can be as many refusals as somebody sends requests, each for another endpoint or from another address of his network, while a line is kept for years and
goes through the journal that orders use. Refused sign-ins (TRIES) keep lines of their own: they are limited by network, and by whom they are for the monitor sees what is guessed.
"""

from __future__ import annotations

import msgspec

from actors.domain.audit import Act, Audited, Changes, Who
from actors.domain.audit_address import network_in

FOLD_S = 60.0
# Of each so many are counted at once; of codes there are few. A replica writes two lines a minute for each at most: a first one, and what was counted.
NETWORKS_MAX = 50
AROUND_MAX = 50
TRIES = frozenset({"session.refused", "client.refused", "code.refused"})


class _Counted(msgspec.Struct):
    """What came since the last line: how often, and when, for which request and at which endpoint first; `endpoint` "" once there were several."""

    times: int = 0
    at_ms: int = 0
    request_id: str = ""
    endpoint: str = ""


# (place, code) → what was counted
_Kinds = dict[tuple[str, str], _Counted]


class Strangers:
    """Of one replica."""

    def __init__(self) -> None:
        # By network, by what is around it, and by code alone.
        self._kinds: tuple[_Kinds, _Kinds, _Kinds] = ({}, {}, {})

    def __len__(self) -> int:
        """How many kinds are looked after."""
        return sum(map(len, self._kinds))

    def is_first(self, who: Who, around: str, code: str, endpoint: str, at_ms: int, request_id: str) -> bool:
        """Is the refusal to have a line of its own? Else it is counted. `around`: see `limits.network_around`; it is kept nowhere."""
        kinds, kind = self._kind(network_in(who.address), around, code)
        counted = kinds.get(kind)
        if counted is None:
            kinds[kind] = _Counted()
            return True
        if not counted.times:
            counted.at_ms, counted.request_id, counted.endpoint = at_ms, request_id, endpoint
        elif counted.endpoint != endpoint:
            counted.endpoint = ""
        counted.times += 1
        return False

    def _kind(self, network: str, around: str, code: str) -> tuple[_Kinds, tuple[str, str]]:
        """The narrowest that is looked after, or for which there is room."""
        by_network, by_around, by_code = self._kinds
        for kinds, place, most in ((by_network, network, NETWORKS_MAX), (by_around, around, AROUND_MAX)):
            if (place, code) in kinds or len(kinds) < most:
                return kinds, (place, code)
        return by_code, ("", code)

    def told(self, most: int) -> list[Audited]:
        """The lines of what was counted, once; what is more waits for the next time. A kind of which nothing came since the last time is forgotten: its next is a first one."""
        lines: list[Audited] = []
        for kinds in self._kinds:
            counts = dict(kinds)
            kinds.clear()
            for (place, code), counted in counts.items():
                if counted.times:
                    waits = len(lines) >= most
                    kinds[place, code] = counted if waits else _Counted()
                    if not waits:
                        # Of more than a network there is no digest, by which anybody could look for it.
                        lines.append(_line(place if kinds is self._kinds[0] else "", code, counted))
        return lines


def is_stranger(who: Who, code: str) -> bool:
    """Is it a refusal of somebody of whom nothing is known but where he is, and no sign-in?"""
    return not who.subject and not who.device and code not in TRIES


def _line(network: str, code: str, counted: _Counted) -> Audited:
    changes: Changes = {"endpoint": (None, counted.endpoint)} if counted.endpoint else {}
    changes["times"] = (None, counted.times)
    act = Act("request.refused", "", "", changes)
    return Audited(Who(address=network), act, code, "", "", 0, counted.at_ms, counted.request_id)
