"""Refusals of callers whom nobody knows: the first of a kind is told at once, those that follow once a minute, in
one line with their number.

    (network, code) ──first──▶ a line of its own
                    ──again──▶ counted ──each FOLD_S──▶ one line, `times`: as many as were counted
    more than NETWORKS_MAX, or NEAR_MAX of what is around    ──▶ (what is around, code), which begins anew: a /48 of IPv6, a /16 of IPv4
    more than AROUND_MAX, or CODES_MAX of what is around     ──▶ (code)

Of what is around, which one owner may well have all of, there are only so many, so that he doesn't take the places of
all others. Honest people who share it (an office, a provider's customers) lose detail by that, and no refusal: a line
of several networks has that of the first. Without a token there can be as many refusals as somebody sends requests,
each for another endpoint or from another address of his network, while a line is kept for years and goes through the
journal that orders use. Refused sign-ins (TRIES) keep lines of their own: they are limited by network, and by whom they
are for the monitor sees what is guessed.
"""

from __future__ import annotations

import msgspec

from actors.domain.audit import Act, Audited, Changes, Who
from actors.domain.audit_address import network_in

FOLD_S = 60.0
# Of each so many are counted at once; of codes there are few. A replica writes two lines a minute for each at most: a
# first one, and what was counted.
NETWORKS_MAX = 50
AROUND_MAX = 50
# Of each of them that one /48 or /16 may have at once.
NEAR_MAX = 5
CODES_MAX = 3
TRIES = frozenset({"session.refused", "client.refused", "code.refused"})


class _Counted(msgspec.Struct):
    """What came since the last line: how often, and when, for which request, from which network and at which endpoint
    first; `endpoint` "" once there were several, `alone` no longer once there were several networks.
    `around`: whose place it takes."""

    around: str
    times: int = 0
    at_ms: int = 0
    request_id: str = ""
    endpoint: str = ""
    network: str = ""
    alone: bool = True


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
        """Is the refusal to have a line of its own? Else it is counted. `around`: see
        `limits.network_around`; it stands in no line."""
        network = network_in(who.address)
        kinds, kind = self._kind(network, around, code)
        counted = kinds.get(kind)
        if counted is None:
            kinds[kind] = _Counted(around)
            return True
        if not counted.times:
            counted.at_ms, counted.request_id, counted.endpoint, counted.network = at_ms, request_id, endpoint, network
        if counted.endpoint != endpoint:
            counted.endpoint = ""
        if counted.network != network:
            counted.alone = False
        counted.times += 1
        return False

    def _kind(self, network: str, around: str, code: str) -> tuple[_Kinds, tuple[str, str]]:
        """The narrowest that is looked after, or for which there is room."""
        by_network, by_around, by_code = self._kinds
        for kinds, place, most, near in (
            (by_network, network, NETWORKS_MAX, NEAR_MAX),
            (by_around, around, AROUND_MAX, CODES_MAX),
        ):
            if (place, code) in kinds or (len(kinds) < most and _of(around, kinds) < near):
                return kinds, (place, code)
        return by_code, ("", code)

    def told(self, most: int) -> list[Audited]:
        """The lines of what was counted, once; what is more waits for the next time. A kind of which nothing came since
        the last time is forgotten: its next is a first one."""
        lines: list[Audited] = []
        for kinds in self._kinds:
            counts = dict(kinds)
            kinds.clear()
            for (place, code), counted in counts.items():
                if counted.times:
                    waits = len(lines) >= most
                    kinds[place, code] = counted if waits else _Counted(counted.around)
                    if not waits:
                        lines.append(_line(code, counted))
        return lines


def is_stranger(who: Who, code: str) -> bool:
    """Is it a refusal of somebody of whom nothing is known but where he is, and no sign-in?"""
    return not who.subject and not who.device and code not in TRIES


def _of(around: str, kinds: _Kinds) -> int:
    return sum(counted.around == around for counted in kinds.values())


def _line(code: str, counted: _Counted) -> Audited:
    changes: Changes = {"endpoint": (None, counted.endpoint)} if counted.endpoint else {}
    if not counted.alone:
        # The first of them is one that can be looked for: of more than a network there is no digest.
        changes["networks"] = (None, "several")
    changes["times"] = (None, counted.times)
    act = Act("request.refused", "", "", changes)
    return Audited(Who(address=counted.network), act, code, "", "", 0, counted.at_ms, counted.request_id)
