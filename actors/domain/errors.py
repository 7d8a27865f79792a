"""Refusals of the domain.

    Refused                     a command that can't be done, by a stable code
      (code = "order.illegal_transition", "stock.insufficient", …; the table with HTTP statuses is serve/problem_codes/)

A refusal changes nothing but is remembered with its command id, so that the same command gives the same refusal again.
"""

from __future__ import annotations

from typing import Any

import msgspec


class RefusalBody(msgspec.Struct, frozen=True):
    """What is remembered and sent of a refusal: stable `code`, human `detail`, and facts (`extra`)
    that a program can use."""

    code: str
    detail: str
    extra: dict[str, Any] = msgspec.field(default_factory=dict)


class Refused(Exception):
    """Raised by `decide`. `extra` values are JSON types only."""

    def __init__(self, code: str, detail: str, /, **extra: Any) -> None:
        super().__init__(f"{code}: {detail}")
        self.body = RefusalBody(code, detail, extra)


# What a refused command is answered with, as bytes: raises msgspec's errors for anything else.
decode_refusal = msgspec.json.Decoder(RefusalBody).decode
