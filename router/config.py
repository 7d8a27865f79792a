"""The router's own settings: `config/router.toml`, typed and checked.

Every key has a default, so the file may be empty. Times carry their unit in the name.
"""

import difflib
import ipaddress
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from cells.config import tls_told
from cells.errors import CellError

_PROJECT = Path(__file__).resolve().parent.parent
DEFAULT_FILE = _PROJECT / "config" / "router.toml"

# A dead cell is found within this time (the router's promise); `check` refuses intervals that can't keep it.
DETECTION_MS_MAX = 3000

Port = Annotated[int, Meta(ge=1, le=65535)]
Milliseconds = Annotated[int, Meta(ge=50, le=3_600_000)]
Seconds = Annotated[int, Meta(ge=1, le=86_400)]

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&*+.^_`|~-]{1,64}")  # RFC 9110 section 5.1, without the quote
_PATH = re.compile(r"/[A-Za-z0-9_./-]{0,200}")
_NOUN = re.compile(r"[a-z][a-z0-9-]{0,40}(/[a-z][a-z0-9-]{0,40})?")


class RouterConfigError(CellError):
    """A wrong key or value; the message says which, in which file, and what would be right."""


class RouterConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section `[router]`. See `config/router.toml` for what each key is for."""

    host: str = "127.0.0.1"
    port: Port = 8080
    stats_port: Port = 8081
    threads: Annotated[int, Meta(ge=1, le=64)] = 1
    country_header: str = "X-OCEFS-Country"
    mmdb: str = ""
    trusted_proxies: tuple[str, ...] = ()
    tls: Literal["off", "required"] = "off"
    tls_certificate: str = ""
    tls_key: str = ""
    tls_ca: str = ""
    tls_name: Annotated[str, Meta(pattern="^([a-z0-9-]{1,63}[.])*[a-z0-9-]{1,63}$")] = "localhost"
    hsts_max_age_s: Annotated[int, Meta(ge=0, le=63_072_000)] = 31_536_000
    connections_max: Annotated[int, Meta(ge=100, le=1_000_000)] = 20_000
    cell_connections_max: Annotated[int, Meta(ge=10, le=1_000_000)] = 8_000
    cell_queue_max: Annotated[int, Meta(ge=1, le=100_000)] = 2_000
    header_bytes_max: Annotated[int, Meta(ge=4096, le=65_536)] = 15_360
    body_bytes_max: Annotated[int, Meta(ge=1024, le=1_073_741_824)] = 1_048_576
    check_interval_ms: Milliseconds = 500
    check_timeout_ms: Milliseconds = 800
    connect_timeout_ms: Milliseconds = 1_000
    request_timeout_ms: Milliseconds = 10_000
    client_timeout_ms: Milliseconds = 30_000
    cell_timeout_ms: Milliseconds = 20_000
    keep_alive_ms: Milliseconds = 60_000
    stream_timeout_s: Seconds = 3_600
    retry_after_s: Seconds = 2
    request_log: Literal["off", "errors", "all"] = "off"
    log_bytes_max: Annotated[int, Meta(ge=65_536, le=1_073_741_824)] = 16_777_216
    id_nouns: tuple[str, ...] = (
        "orders",
        "locations",
        "accounts",
        "clients",
        "alerts",
        "approvals",
        "reservations",
        "breaches",
        "notices",
        "privacy-requests",
        "transfers",
        "counts",
        "inbounds",
        "shipments",
        "collections",
        "sourcing/simulations",
    )
    stream_paths: tuple[str, ...] = ("/v1/live",)
    failover_paths: tuple[str, ...] = ("/v1/availability", "/v1/skus", "/v1/locations")
    private_paths: tuple[str, ...] = ("/metrics",)

    @property
    def encrypted(self) -> bool:
        """Whether callers and cells are spoken to by TLS only."""
        return self.tls == "required"

    @property
    def address(self) -> str:
        """As a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.encrypted else 'http'}://{host}:{self.port}"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    router: RouterConfig = RouterConfig()


def config_file() -> Path:
    """Where the settings are: `OCEFS_ROUTER_CONFIG`, or `config/router.toml` of the project."""
    return Path(os.environ.get("OCEFS_ROUTER_CONFIG") or DEFAULT_FILE)


def load(file: Path | None = None) -> RouterConfig:
    """Read and check the settings; a missing default file means all defaults, one that `OCEFS_ROUTER_CONFIG` names must
    be there. `OCEFS_TLS` wins over `tls`. Raises `CellError`."""
    path = file or config_file()
    if file is None and path == DEFAULT_FILE and not path.exists():
        return _as_told(RouterConfig())
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RouterConfigError(f"{path}: can't be read: {error}") from error
    config = _as_told(parse(text, str(path)))
    _check_tls(config, str(path))
    paths = ("mmdb", "tls_certificate", "tls_key", "tls_ca")
    return msgspec.structs.replace(config, **{key: _absolute(getattr(config, key)) for key in paths})


def _as_told(config: RouterConfig) -> RouterConfig:
    """With what the environment says."""
    told = tls_told()
    return msgspec.structs.replace(config, tls=told) if told else config


def _absolute(path: str) -> str:
    """Paths in the file are meant from the project's folder on."""
    return str(_PROJECT / path) if path else ""


def parse(text: str, name: str) -> RouterConfig:
    """The settings in TOML `text`; `name` stands in messages. Raises `RouterConfigError`."""
    try:
        config = msgspec.convert(tomllib.loads(text), _File).router
    except tomllib.TOMLDecodeError as error:
        raise RouterConfigError(f"{name}: not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise RouterConfigError(f"{name}: {_explain(str(error))}") from error
    check(config, name)
    return config


def _explain(message: str) -> str:
    unknown = re.search(r"unknown field `([^`]+)`", message)
    if not unknown:
        return message.replace("$.", "")
    keys = RouterConfig.__struct_fields__ if "at `$.router`" in message else ("router",)
    near = difflib.get_close_matches(unknown[1], keys, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(keys)}"
    return f"unknown key {unknown[1]!r}; {hint}"


def check(config: RouterConfig, name: str = "router configuration") -> None:
    """What types can't say. Raises `RouterConfigError`."""
    _check_names(config, name)
    for proxy in config.trusted_proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            raise RouterConfigError(
                f"{name}: router.trusted_proxies: {proxy!r}: {error}; write an address or a network as 10.0.0.0/8"
            ) from error
    if config.port == config.stats_port:
        raise RouterConfigError(f"{name}: router.stats_port must differ from router.port ({config.port})")
    if detection_ms(config) > DETECTION_MS_MAX:
        raise RouterConfigError(
            f"{name}: router.check_interval_ms and check_timeout_ms: a dead cell would be found after "
            f"{detection_ms(config)} ms, and at most {DETECTION_MS_MAX} ms is promised; lower one of them"
        )


def _check_tls(config: RouterConfig, name: str) -> None:
    if bool(config.tls_certificate) != bool(config.tls_key):
        raise RouterConfigError(
            f"{name}: router.tls_certificate and router.tls_key: one of them is given",
            "give both, or none to have those of `make certs`",
        )
    if config.tls_certificate and not config.encrypted:
        raise RouterConfigError(
            f'{name}: router.tls_certificate is given, but router.tls is "off": the router would speak plain HTTP',
            'write tls = "required", here and as [tls] mode of all regions; or take the certificate out',
        )


def _check_names(config: RouterConfig, name: str) -> None:
    if not _TOKEN.fullmatch(config.country_header):
        raise RouterConfigError(f"{name}: router.country_header: {config.country_header!r} is not a header name")
    if not re.fullmatch(r"[A-Za-z0-9_.:*-]{1,253}", config.host):
        raise RouterConfigError(f"{name}: router.host: {config.host!r} is not an address or a host name")
    for key in ("stream_paths", "failover_paths", "private_paths"):
        for path in getattr(config, key):
            if not _PATH.fullmatch(path):
                raise RouterConfigError(f"{name}: router.{key}: {path!r} must be a plain path as /v1/skus")
    for noun in config.id_nouns:
        if not _NOUN.fullmatch(noun):
            raise RouterConfigError(
                f"{name}: router.id_nouns: {noun!r} must be a path segment as orders, or two as sourcing/simulations"
            )


def detection_ms(config: RouterConfig) -> int:
    """The longest time until a cell that hangs is marked down.

    Two checks must fail: the wait for the first, its timeout, the shortened wait (half) and the second timeout.
    """
    return config.check_interval_ms + config.check_interval_ms // 2 + 2 * config.check_timeout_ms
