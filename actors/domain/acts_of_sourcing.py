"""What the audit calls what is done to sourcing. See `acts.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.domain.audit import Act
from actors.domain.sourcing_policies import SetPolicy, SourcingPolicies


def of_sourcing(state: SourcingPolicies | None, command: SetPolicy, events: Sequence[Any]) -> Act:
    """`sourcing.set_policy` with the version before and after; why, the policies' own history says."""
    if not events:
        return Act("sourcing.set_policy")
    known = state.versions.get(command.channel) if state is not None else None
    before = known[-1].policy.version if known else None
    change = (before, events[0].policy.version)
    return Act("sourcing.set_policy", "", "", {f"{command.channel or 'all'}.version": change})
