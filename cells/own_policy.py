"""The region's own sourcing policy, from `[sourcing]` of its config: it holds while nobody has set another one."""

from __future__ import annotations

from typing import Any

import msgspec

from actors.domain.errors import Refused
from actors.domain.sourcing_policy import Policy, policy_from
from cells.errors import ConfigError
from cells.settings import RegionConfig, Sourcing


def own_policy(config: RegionConfig) -> Policy | None:
    """None when the section says nothing. Raises ConfigError with the key that is wrong."""
    section = config.sourcing
    if section == Sourcing():
        return None
    said: dict[str, Any] = {name: value for name, value in msgspec.structs.asdict(section).items() if value is not None}
    currencies = config.region.currencies
    said.setdefault("currency", currencies[0])
    try:
        policy = policy_from(said)
    except Refused as refused:
        where = f"config/regions/{config.name}.toml"
        raise ConfigError(
            f"{where}: sourcing: {refused.body.detail}", "docs/domain/sourcing.md tells what a policy may say"
        ) from None
    if policy.currency not in currencies:
        raise ConfigError(
            f"config/regions/{config.name}.toml: sourcing.currency is {policy.currency}, which region.currencies does not name",
            f"write one of {', '.join(currencies)}",
        )
    return policy
