"""The sourcing policies of a cell, by channel, with their history. One entity per cell, always in memory; every Serve
replica holds a copy of those that hold.

    (the region's own, of its config) ──SetPolicy──▶ version n ──SetPolicy──▶ version n + 1 …      each channel, and "" for all that have none of their own

A version's number is the cell's: no two policies have the same, whatever their channel, so a stored decision names the
one that it was made by. Numbers go on above the config's own (`SetPolicy.above`). Nothing is taken back: an earlier
policy is set again, as a new version.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from actors.domain.errors import Refused
from actors.domain.kind import Context, Decision, Kind, Row, StoredRows
from actors.domain.personal_notes import APPROVER
from actors.domain.rows_of_sourcing import SourcingPolicyRow
from actors.domain.sourcing_policy import Policy, check

# Of a channel so many versions are kept in memory and told; the table has all.
KEPT_MAX = 100
VERSION_MAX = 1_000_000_000


class SetPolicy(msgspec.Struct, frozen=True, tag=True, gc=False):
    """This is the channel's policy from now on ("": of all others). Its `version` is given to it here. above: the
    version of the region's own policy."""

    channel: str
    policy: Policy
    reason: str
    set_by: Annotated[str, APPROVER]
    above: int = 1


class PolicySet(msgspec.Struct, frozen=True, tag=True, gc=False):
    """The channel has this policy now."""

    channel: str
    policy: Policy
    reason: str
    set_by: Annotated[str, APPROVER]


class ViewPolicies(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Which policies hold?"""


class ViewVersions(msgspec.Struct, frozen=True, tag=True, gc=False):
    """What were the policies of this channel? Newest first, below the version `before` (0: from the newest on)."""

    channel: str
    before: int = 0
    limit: int = KEPT_MAX


class PolicyVersion(msgspec.Struct, frozen=True, gc=False):
    """A policy, since when (UTC ms), why, and by whom."""

    channel: str
    policy: Policy
    reason: str
    set_by: Annotated[str, APPROVER]
    set_at_ms: int


class PolicyVersions(msgspec.Struct, frozen=True, gc=False):
    """The answer to both questions. more: there are earlier ones."""

    versions: list[PolicyVersion]
    more: bool = False


class PolicyTaken(msgspec.Struct, frozen=True, gc=False):
    """The answer to SetPolicy: the version that holds now, which is the one before when nothing is different."""

    channel: str
    version: int


class SourcingPolicies(msgspec.Struct):
    """versions: by channel, oldest first. last: the highest version that was given."""

    versions: dict[str, list[PolicyVersion]] = {}
    last: int = 0


def decide(state: SourcingPolicies | None, command: SetPolicy, context: Context) -> Decision:
    """Raises Refused `sourcing.policy_invalid`, `sourcing.policy_excludes_all`."""
    check(command.policy)
    policies = state if state is not None else SourcingPolicies()
    known = policies.versions.get(command.channel)
    if known and msgspec.structs.replace(command.policy, version=known[-1].policy.version) == known[-1].policy:
        same = PolicyTaken(command.channel, known[-1].policy.version)
        return Decision([], lambda state, version: same)
    number = max(policies.last, command.above) + 1
    if number > VERSION_MAX:
        raise Refused("sourcing.policy_invalid", f"version: is more than {VERSION_MAX}.", field="version")
    policy = msgspec.structs.replace(command.policy, version=number)
    reply = PolicyTaken(command.channel, number)
    return Decision([PolicySet(command.channel, policy, command.reason, command.set_by)], lambda state, version: reply)


def evolve(state: SourcingPolicies | None, event: PolicySet, context: Context) -> SourcingPolicies:
    """The next state; takes over `state`."""
    policies = state if state is not None else SourcingPolicies()
    _keep(policies, PolicyVersion(event.channel, event.policy, event.reason, event.set_by, context.now_ms))
    return policies


def _keep(policies: SourcingPolicies, one: PolicyVersion) -> None:
    kept = policies.versions.setdefault(one.channel, [])
    kept.append(one)
    del kept[:-KEPT_MAX]
    policies.last = max(policies.last, one.policy.version)


def view(state: SourcingPolicies | None, query: ViewPolicies | ViewVersions, version: int) -> PolicyVersions:
    """What holds, or what held."""
    versions = state.versions if state is not None else {}
    if type(query) is ViewPolicies:
        return PolicyVersions([versions[channel][-1] for channel in sorted(versions)])
    assert type(query) is ViewVersions
    kept = versions.get(query.channel, [])
    found = [one for one in reversed(kept) if not query.before or one.policy.version < query.before]
    return PolicyVersions(found[: query.limit], len(found) > query.limit)


# --- rows -----------------------------------------------------------------------------------------------------------
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Policy).decode


def policy_of(row: SourcingPolicyRow) -> Policy:
    """The policy of a row."""
    return _decode(row.policy)


def _row(policies_id: str, one: PolicyVersion) -> SourcingPolicyRow:
    return SourcingPolicyRow(
        policies_id, one.channel, one.policy.version, _encode(one.policy), one.reason, one.set_by, one.set_at_ms
    )


def rows(state: SourcingPolicies, version: int, events: Sequence[PolicySet], context: Context) -> list[Row]:
    """One for each version."""
    return [
        _row(context.entity_id, PolicyVersion(one.channel, one.policy, one.reason, one.set_by, context.now_ms))
        for one in events
    ]


def feed(policies_id: str, state: SourcingPolicies, version: int) -> list[Row]:
    """Those that hold."""
    return [_row(policies_id, kept[-1]) for kept in state.versions.values()]


def restore(entity_id: str, stored: StoredRows) -> tuple[SourcingPolicies, int] | None:
    """The state from its stored rows; each is one event, so they are its version."""
    found: Sequence[SourcingPolicyRow] = stored.get("sourcing_policies", ())
    if not found:
        return None
    policies = SourcingPolicies()
    for row in sorted(found, key=lambda row: row.version):
        _keep(policies, PolicyVersion(row.channel, policy_of(row), row.reason, row.set_by, row.set_at))
    return policies, len(found)


SOURCING_POLICIES = Kind(
    name="sourcing_policies",
    commands=SetPolicy,
    events=PolicySet,
    queries=ViewPolicies | ViewVersions,
    decide=decide,
    evolve=evolve,
    view=view,
    tables=(SourcingPolicyRow,),
    restore=restore,
    rows=rows,
    feed=feed,
    resident=True,
)
