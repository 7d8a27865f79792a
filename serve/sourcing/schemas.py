"""What callers send and get about sourcing policies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.domain.personal_notes import APPROVER
from actors.domain.sourcing_policy import Policy
from serve.limits import TEXT

# `all`: of every channel that has no policy of its own.
PolicyChannel = Literal["all", "online", "store", "marketplace"]
Why = Annotated[str, Meta(min_length=1, max_length=200, pattern=TEXT, examples=["Peak season: no splits below 20 USD"])]


class PolicyChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `PUT /v1/sourcing/policies/{channel}`: the whole policy, and why it is changed. What is left out of
    it has its default; its `version` is given by the cell, whatever is sent."""

    policy: Policy
    reason: Why


class PolicyView(msgspec.Struct, frozen=True):
    """A policy. `origin`: it was `set` by somebody, is of the region's `config`, or `built_in`; only of the first it is
    known since when, by whom and why."""

    channel: PolicyChannel
    version: int
    origin: Literal["set", "config", "built_in"]
    policy: Policy
    reason: str
    set_by: Annotated[str, APPROVER]
    set_at: datetime | None


class PolicyList(msgspec.Struct, frozen=True):
    """The policies that hold, by channel."""

    policies: list[PolicyView]


class PolicyHistory(msgspec.Struct, frozen=True):
    """Versions of a channel's policy, newest first: the last 100. `next_cursor`: null at the end."""

    versions: list[PolicyView]
    next_cursor: str | None


class TakenPolicy(msgspec.Struct, frozen=True):
    """The version that holds now; the one before when nothing is different."""

    channel: PolicyChannel
    version: int
