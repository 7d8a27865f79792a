"""Refusals of callers whom nobody knows: the first of a kind is told at once, those that follow once a minute, in one line with their number.

    (network, code) ──first──▶ a line of its own
                    ──again──▶ counted ──each FOLD_S──▶ one line, `times`: as many as were counted
                    ──one network or code too many──▶ only the number is kept (`audit.overflow`)

Without a token there can be as many refusals as somebody sends requests, each for another endpoint or from another address of his network, while a line is kept for years and
goes through the journal that orders use. Refused sign-ins (TRIES) keep lines of their own: they are limited by network, and by whom they are for the monitor sees what is guessed.
"""

from __future__ import annotations

import msgspec

from actors.domain.audit import Act, Audited, Changes, Who
from actors.domain.audit_address import network_in

FOLD_S = 60.0
# (network, code) that are counted at once. So much is the most of a replica: twice as many lines a minute.
KINDS_MAX = 500
TRIES = frozenset({"session.refused", "client.refused", "code.refused"})


class _Counted(msgspec.Struct):
    """What came since the last line: how often, and when, for which request and at which endpoint first; `endpoint` "" once there were several."""

    times: int = 0
    at_ms: int = 0
    request_id: str = ""
    endpoint: str = ""


class Strangers:
    """Of one replica. `overflow`: refusals of kinds for which there was no room, since the last `told`."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], _Counted] = {}
        self.overflow = 0

    def __len__(self) -> int:
        """How many kinds are looked after."""
        return len(self._kinds)

    def is_first(self, who: Who, code: str, endpoint: str, at_ms: int, request_id: str) -> bool:
        """Is the refusal to have a line of its own? Else it is counted."""
        kind = network_in(who.address), code
        counted = self._kinds.get(kind)
        if counted is None:
            if len(self._kinds) >= KINDS_MAX:
                self.overflow += 1
                return False
            self._kinds[kind] = _Counted()
            return True
        if not counted.times:
            counted.at_ms, counted.request_id, counted.endpoint = at_ms, request_id, endpoint
        elif counted.endpoint != endpoint:
            counted.endpoint = ""
        counted.times += 1
        return False

    def told(self, most: int) -> list[Audited]:
        """The lines of what was counted, once; what is more waits for the next time. A kind of which nothing came since the last time is forgotten: its next is a first one."""
        self.overflow = 0
        counts, self._kinds = self._kinds, {}
        lines: list[Audited] = []
        for (network, code), counted in counts.items():
            if counted.times:
                waits = len(lines) >= most
                self._kinds[network, code] = counted if waits else _Counted()
                if not waits:
                    lines.append(_line(network, code, counted))
        return lines


def is_stranger(who: Who, code: str) -> bool:
    """Is it a refusal of somebody of whom nothing is known but where he is, and no sign-in?"""
    return not who.subject and not who.device and code not in TRIES


def _line(network: str, code: str, counted: _Counted) -> Audited:
    changes: Changes = {"endpoint": (None, counted.endpoint)} if counted.endpoint else {}
    changes["times"] = (None, counted.times)
    act = Act("request.refused", "", "", changes)
    return Audited(Who(address=network), act, code, "", "", 0, counted.at_ms, counted.request_id)
