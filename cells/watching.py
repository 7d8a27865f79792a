"""What the monitor of a cell has to know, checked before anything starts."""

from __future__ import annotations

import msgspec

from actors.anomalies.settings import AnomalySettings
from actors.anomalies.windows import ENTRIES_MAX
from cells.errors import ConfigError
from cells.settings import RegionConfig


def anomaly_settings(config: RegionConfig) -> AnomalySettings | None:
    """None where nobody watches: without identity there is nobody to watch. What a refund needs a second person from is
    told once, in `[approvals]`, unless the monitor shall have another. Raises ConfigError for a threshold that is not
    good."""
    told = config.anomalies
    if config.identity.mode != "required" or not told.enabled:
        return None
    # TOML knows no "whole number or not": 8.0 is 8.
    whole = {name: int(value) if value.is_integer() else value for name, value in told.thresholds.items()}
    if config.approvals.refund_minor:
        whole.setdefault("refund_threshold_minor", config.approvals.refund_minor)
    try:
        return msgspec.convert(whole, AnomalySettings)
    except msgspec.ValidationError as error:
        known = ", ".join(AnomalySettings.__struct_fields__)
        raise ConfigError(
            f"{config.name}: [anomalies.thresholds]: {error}",
            f"known here: {known}; a rule can't count more than the {ENTRIES_MAX} lines that it keeps of somebody",
        ) from None
