"""Whom a cell tells something by itself, checked before anything starts."""

from __future__ import annotations

from collections.abc import Callable

from actors.receiver import check_url, read_authorization, read_secret
from cells.errors import ConfigError
from cells.settings import RegionConfig


def check_receivers(config: RegionConfig) -> None:
    """Raises ConfigError for an address, a secret or an authorization that is not good, of whoever is told: without
    identity there is nothing to be told."""
    if config.identity.mode != "required":
        return
    told, audit = config.anomalies, config.audit
    if told.enabled and told.webhook_url:
        _check_url(config, "anomalies.webhook_url", told.webhook_url, "https://alerts.example/ocefs")
        _check_file(config, "anomalies.webhook_secret_file", told.webhook_secret_file, read_secret)
    if audit.forward_url:
        _check_url(config, "audit.forward_url", audit.forward_url, "https://logs.example/ocefs")
        _check_file(config, "audit.forward_secret_file", audit.forward_secret_file, read_secret)
        _check_file(config, "audit.forward_authorization_file", audit.forward_authorization_file, read_authorization)


def _check_url(config: RegionConfig, key: str, url: str, example: str) -> None:
    if wrong := check_url(url):
        raise ConfigError(f"{config.name}: {key} {wrong}", f"an example of a right value: {example}")


def _check_file(config: RegionConfig, key: str, path: str, read: Callable[[str], object]) -> None:
    try:
        read(path)
    except ValueError as error:
        wanted = "one line, as the receiver wants it" if read is read_authorization else "32 random bytes or more"
        raise ConfigError(f"{config.name}: {key}: {error}", f"name a file of {wanted}, mode 600") from None
