"""What must hold in a region's config beyond the type of one value, and between the configs of all regions. Each breach
raises `ConfigError` with what would be right."""

import zoneinfo
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from cells.errors import ConfigError
from cells.key_config import wrong_keys
from cells.packing_config import check_packing, check_prefixes
from cells.settings import LOOPBACK, RAY_PORT_SPAN, RegionConfig

# Beside those of pinned locations: `SHARING_MIN` of actors/runtime/placement.py, which nothing here may import.
HOSTS_SHARING_MIN = 2


def closest(word: str, known: Iterable[str]) -> str:
    """A question after the known word that is most like this one; "" when none is."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}? " if near else ""


def check_alone(config: RegionConfig, path: Path) -> None:
    """One region's, read from `path`. Raises ConfigError."""
    region = config.region
    if region.residency == "strict" and region.failover:
        raise ConfigError(
            f'{path}: region.failover is {list(region.failover)}, but residency is "strict": nothing may leave',
            'write failover = [] or residency = "open"',
        )
    if region.name in region.failover:
        raise ConfigError(f"{path}: region.failover names the region itself", f"take {region.name!r} out of the list")
    if config.identity.mode == "off" and config.api.host not in LOOPBACK:
        raise ConfigError(
            f'{path}: api.host is {config.api.host!r} and identity.mode is "off": whoever reaches the port could do everything',
            'write mode = "required" under [identity], or host = "127.0.0.1" under [api]',
        )
    if not config.encrypted and config.api.host not in LOOPBACK:
        raise ConfigError(
            f'{path}: api.host is {config.api.host!r} and tls.mode is "off": passwords and addresses would cross a network in plain text',
            'write mode = "required" under [tls], or host = "127.0.0.1" under [api]',
        )
    _check_passkeys(config, path)
    _check_tls(config, path)
    check_packing(config, path)
    _check_pickups(config, path)
    if wrong := wrong_keys(config.keys):
        raise ConfigError(f"{path}: keys.{wrong[0]}", wrong[1])
    if config.region.profile == "production":
        _check_production(config, path)
    for key in ("countries", "currencies", "failover"):
        values: Sequence[str] = getattr(region, key)
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise ConfigError(f"{path}: region.{key} names {', '.join(twice)} twice", "keep one of them")
    timezones = zoneinfo.available_timezones()
    if timezones and region.timezone not in timezones:  # empty on a machine without a time zone database
        raise ConfigError(
            f"{path}: region.timezone: unknown time zone {region.timezone!r}",
            f"{closest(region.timezone, timezones)}write an IANA name such as Europe/Amsterdam",
        )
    if config.runtime.hosts > config.runtime.shards:
        raise ConfigError(
            f"{path}: runtime.hosts is {config.runtime.hosts}, more than runtime.shards ({config.runtime.shards})",
            "a host without a shard has no work: lower hosts, or raise shards before the first start",
        )
    _check_pinned(config, path)
    if config.api.placement_wait_ms >= config.api.request_timeout_ms:
        raise ConfigError(
            f"{path}: api.placement_wait_ms must be below api.request_timeout_ms ({config.api.request_timeout_ms})",
            "lower placement_wait_ms",
        )


def _check_passkeys(config: RegionConfig, path: Path) -> None:
    """Browsers refuse passkeys elsewhere (Web Authentication, 5.1.3)."""
    domain = config.identity.rp_id
    for origin in config.identity.origins:
        scheme, _, place = origin.partition("://")
        host = place.partition(":")[0]
        if host != domain and not host.endswith(f".{domain}"):
            raise ConfigError(
                f"{path}: identity.origins: {origin} is neither {domain} (identity.rp_id) nor below it",
                f'write an origin such as "https://{domain}", or another rp_id',
            )
        if scheme != "https" and host != "localhost":
            raise ConfigError(
                f"{path}: identity.origins: {origin} is not https: no browser has passkeys there",
                f'write "https://{place}"',
            )


def _check_pinned(config: RegionConfig, path: Path) -> None:
    pinned, region = config.runtime.pinned, config.name
    for name in pinned:
        if not name.startswith(f"{region}-"):
            raise ConfigError(
                f"{path}: runtime.pinned names {name!r}, which is no location of {region}",
                f"write the id of one, as {region}-wh-seattle",
            )
        if pinned.count(name) > 1:
            raise ConfigError(f"{path}: runtime.pinned names {name} twice", "keep one of them")
    enough = len(pinned) + HOSTS_SHARING_MIN
    if pinned and config.runtime.hosts < enough:
        raise ConfigError(
            f"{path}: runtime.pinned names {len(pinned)} of its locations, and runtime.hosts is {config.runtime.hosts}: "
            f"each takes a host, and {HOSTS_SHARING_MIN} are left to all others",
            f"write hosts = {enough} or more, or pin fewer",
        )


def _check_pickups(config: RegionConfig, path: Path) -> None:
    days, most = config.pickups.hold_days, config.pickups.hold_max_days
    if days > most:
        raise ConfigError(
            f"{path}: pickups.hold_days: {days} is more than pickups.hold_max_days, which is {most}",
            f"write hold_max_days = {days} or more",
        )
    late, given_up = config.pickups.late_hours, config.pickups.give_up_hours
    if given_up and not 0 < late < given_up:
        raise ConfigError(
            f"{path}: pickups.give_up_hours: {given_up} comes after pickups.late_hours, which is {late}",
            f"write late_hours from 1 to {given_up - 1}, or give_up_hours = 0",
        )


def _check_tls(config: RegionConfig, path: Path) -> None:
    tls = config.tls
    given = [key for key in ("certificate", "key", "ca") if getattr(tls, key)]
    if given and len(given) < 3:
        raise ConfigError(
            f"{path}: tls.{' and tls.'.join(given)} is given, but not all of certificate, key and ca",
            "give all three, or none to have those of `make certs`",
        )


def _check_production(config: RegionConfig, path: Path) -> None:
    identity = config.identity
    if identity.mode == "off":
        raise ConfigError(
            f'{path}: region.profile is "production", but identity.mode is "off": everybody could do everything',
            'write mode = "required" under [identity]',
        )
    if identity.demo_accounts:
        raise ConfigError(
            f'{path}: region.profile is "production", but identity.demo_accounts is true: everybody knows their passwords',
            "write demo_accounts = false under [identity]",
        )


def missing_in_production(config: RegionConfig) -> list[str]:
    """What a cell of production starts without, and should not: its operators are told whenever it does."""
    if config.region.profile != "production" or config.identity.mode == "off" or config.identity.breached_passwords:
        return []
    return [
        "identity.breached_passwords names no file: of passwords stolen elsewhere only the commonest are refused (docs/security/passwords.md)"
    ]


def check_together(configs: list[RegionConfig], folder: Path) -> None:
    """All regions', of the folder: each country and port is one region's, and one is the
    default. Raises ConfigError."""
    defaults = [config.name for config in configs if config.region.default]
    if len(defaults) != 1:
        raise ConfigError(
            f"{folder}: region.default is true in {', '.join(defaults) or 'no region'}; exactly one must have it",
            "write default = true in the region that takes callers whose place is unknown, default = false elsewhere",
        )
    names = [config.name for config in configs]
    ports: dict[int, str] = {}
    countries: dict[str, str] = {}
    for config in configs:
        for other in config.region.failover:
            if other not in names:
                raise ConfigError(
                    f"{folder / config.name}.toml: region.failover names {other!r}, which is no region",
                    f"{closest(other, names)}known regions: {', '.join(names)}",
                )
        for country in config.region.countries:
            if country in countries:
                raise ConfigError(
                    f"{folder / config.name}.toml: region.countries has {country}, which {countries[country]} serves",
                    "a country is served by one region: take it out of one of the two",
                )
            countries[country] = config.name
        _check_ports(config, folder, ports)
    check_prefixes(configs, folder)


def _check_ports(config: RegionConfig, folder: Path, taken: dict[int, str]) -> None:
    named = {
        "api.port": config.api.port,
        "api.serve_port": config.api.serve_port,
        "ray.dashboard_port": config.ray.dashboard_port,
    }
    spans = {key: range(port, port + 1) for key, port in named.items()}
    spans["ray.port_base"] = range(config.ray.port_base, config.ray.port_base + RAY_PORT_SPAN)
    for key, span in spans.items():
        for port in span:
            if port in taken:
                width = f" (takes {RAY_PORT_SPAN} ports from there on)" if key == "ray.port_base" else ""
                raise ConfigError(
                    f"{folder / config.name}.toml: {key} = {span.start}{width} meets {taken[port]}, at port {port}",
                    "give it a port that no key of any region uses",
                )
            taken[port] = f"{key} of {config.name}"
