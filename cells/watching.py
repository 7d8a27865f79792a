"""What the monitor of a cell has to know, checked before anything starts."""

from __future__ import annotations

import msgspec

from actors.anomalies.settings import AnomalySettings
from actors.anomalies.windows import ENTRIES_MAX
from actors.webhook_address import check_url, read_secret
from cells.errors import ConfigError
from cells.settings import RegionConfig


def anomaly_settings(config: RegionConfig) -> AnomalySettings | None:
    """None where nobody watches: without identity there is nobody to watch. What a refund needs a second person from is
    told once, in `[approvals]`, unless the monitor shall have another. Raises ConfigError for a threshold, an address
    or a secret that is not good."""
    told = config.anomalies
    if config.identity.mode != "required" or not told.enabled:
        return None
    if told.webhook_url:
        _check_webhook(config)
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


def _check_webhook(config: RegionConfig) -> None:
    told = config.anomalies
    if wrong := check_url(told.webhook_url):
        raise ConfigError(
            f"{config.name}: anomalies.webhook_url {wrong}", "an example of a right value: https://alerts.example/ocefs"
        )
    try:
        read_secret(told.webhook_secret_file)
    except ValueError as error:
        raise ConfigError(
            f"{config.name}: anomalies.webhook_secret_file: {error}", "name a file of 32 random bytes or more, mode 600"
        ) from None
