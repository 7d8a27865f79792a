"""The typed configuration of a region: `config/regions/<name>.toml`.

Every key has a default; an unknown key, a wrong type or a value out of range raises `ConfigError`, which names the
file, the key and what would be right. This module imports neither Ray nor a database driver, so that anything may
read the config: the router, tests, a shell.
"""

import os
import tomllib
import zoneinfo
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, TypeVar, cast

import msgspec
from msgspec import Meta

from cells.errors import ConfigError
from cells.key_config import wrong_keys

PROJECT = Path(__file__).resolve().parent.parent
CONFIG_FOLDER = PROJECT / "config" / "regions"

# Every cell takes this many ports from `[ray] port_base` on; see cells/ports.py for what they are.
RAY_PORT_SPAN = 1000
LOOPBACK = ("127.0.0.1", "::1", "localhost")

Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9]{0,15}$", description="lower-case letters and digits")]
Country = Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217")]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Port = Annotated[int, Meta(ge=1024, le=65535)]
HostName = Annotated[
    str,
    Meta(pattern="^([a-z0-9-]{1,63}[.])*[a-z0-9-]{1,63}$", max_length=253, description="a host name in small letters"),
]
Origin = Annotated[
    str,
    Meta(
        pattern="^https?://([a-z0-9-]{1,63}[.])*[a-z0-9-]{1,63}(:[0-9]{1,5})?$",
        description="as https://ops.example.com",
    ),
]
OwnWord = Annotated[
    str, Meta(pattern=r"^([\W_]*[^\W_]){4}", max_length=64, description="a name of four letters or digits at least")
]
Positive = Annotated[int, Meta(ge=1)]
Count = Annotated[int, Meta(ge=0)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the config's sections: frozen, and no key that we do not know."""


_Section = TypeVar("_Section", bound=Section)


class Region(Section, frozen=True):
    """`[region]`: who is served here, and what may leave.

    `residency` "strict" means that personal data never leaves the region, hence no failover.
    `default` marks the one region that takes callers whose place is unknown. `profile` "production" refuses what is for trying only.
    """

    name: Name = "us"
    title: str = ""
    default: bool = False
    lat: Latitude = 0.0
    lon: Longitude = 0.0
    countries: tuple[Country, ...] = ()
    residency: Literal["strict", "open"] = "open"
    failover: tuple[Name, ...] = ()
    currencies: Annotated[tuple[Currency, ...], Meta(min_length=1)] = ("USD",)
    timezone: str = "UTC"
    profile: Literal["demo", "production"] = "demo"


class Api(Section, frozen=True):
    """`[api]`: the cell's two doors and their limits.

    `port` is the uvicorn door of the Serve replicas, `serve_port` is Serve's own ingress.
    """

    host: str = "127.0.0.1"
    port: Port = 8101
    serve_port: Port = 8111
    replicas: Annotated[int, Meta(ge=1, le=64)] = 2
    max_body_bytes: Annotated[int, Meta(ge=1024, le=64 * 1024 * 1024)] = 1_048_576
    placement_wait_ms: Annotated[int, Meta(ge=0, le=60_000)] = 1000
    request_timeout_ms: Annotated[int, Meta(ge=100, le=120_000)] = 8000
    occurred_at_max_age_days: Positive = 400
    occurred_at_max_ahead_s: Count = 300


class Identity(Section, frozen=True):
    """`[identity]`: who may use the cell.

    `mode`: "required" lets nobody in without a token; "off" lets everybody do everything, and is only taken while the cell listens on
    loopback (`OCEFS_IDENTITY` wins over it). `demo_accounts`: people and a machine to try it with, known to everybody: never in
    production. `breached_passwords`: a file of passwords that nobody may choose, one a line, beside the bundled list. `own_words`:
    names of the retailer, its products and places, of which no password may be made (`serve/identity/own_words.py`), beside those that stand in
    this file. `rp_id`: the domain that passkeys are bound to for ever; `origins`: the pages that may ask for them, on that domain or below it; empty: the router's.
    """

    mode: Literal["off", "required"] = "off"
    demo_accounts: bool = True
    breached_passwords: str = ""
    own_words: Annotated[tuple[OwnWord, ...], Meta(max_length=1000)] = ()
    rp_id: HostName = "localhost"
    origins: Annotated[tuple[Origin, ...], Meta(max_length=16)] = ()


class Tls(Section, frozen=True):
    """`[tls]`: encryption in transit.

    `mode`: "required" lets nothing be read on its way, neither by callers nor between the cell's own parts (`OCEFS_TLS` wins over it).
    `certificate`, `key` and `ca`: PEM files of the cell's door, and of the CA by which others verify it; empty: those of `make certs`.
    Paths are meant from the project's folder on. `name`: the host name in the certificate; empty: `<region>.ocefs.internal`.
    """

    mode: Literal["off", "required"] = "off"
    certificate: str = ""
    key: str = ""
    ca: str = ""
    name: Annotated[
        str, Meta(pattern="^([a-z0-9-]{1,63}[.])*[a-z0-9-]{1,63}$|^$", description="a host name in small letters")
    ] = ""


class Keys(Section, frozen=True):
    """`[keys]`: where the region's key is that wraps customers' data keys (docs/security/keys.md), in a cell with identity.

    `port`: "file" is the cell's key file. "vault" is the transit engine of HashiCorp Vault at `address`, mounted at `mount`: its key `key`, a
    token in `token_file` (mode 600; "": in `OCEFS_<REGION>_VAULT_TOKEN`), and `ca_file`, the only CA that is believed ("": the system's).
    "aws-kms" is AWS KMS in `aws_region`: `key` is an id, alias or ARN; `endpoint_url` is for a private endpoint, or for tests. Paths are
    meant from the project's folder on. The key is tried when the cell starts.
    """

    port: Literal["file", "vault", "aws-kms"] = "file"
    key: str = ""
    address: str = ""
    mount: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", max_length=128)] = "transit"
    token_file: str = ""
    ca_file: str = ""
    aws_region: Annotated[str, Meta(pattern="^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$|^$")] = ""
    endpoint_url: str = ""


class Anomalies(Section, frozen=True):
    """`[anomalies]`: who watches what the audit says, in a cell with identity.

    `thresholds`: those of the rules that shall differ from the built-in ones (docs/security/anomalies.md). `webhook_url`: who else is told of
    alerts, "" for nobody; https, or http on loopback. `webhook_secret_file`: the key of its signatures, 32 bytes or more, readable by
    nobody else. Both are checked when the cell starts.
    """

    enabled: bool = True
    thresholds: dict[str, float] = {}
    webhook_url: str = ""
    webhook_secret_file: str = ""


class Approvals(Section, frozen=True):
    """`[approvals]`: what needs a second person (docs/security/approvals.md), in a cell with identity.

    `adjustment_units`: an adjustment of stock of more units, over all its lines, waits until somebody else approves it; 0: none does.
    `expires_hours`: for how long it waits.
    """

    adjustment_units: Count = 500
    expires_hours: Annotated[int, Meta(ge=1, le=720)] = 72


class Runtime(Section, frozen=True):
    """`[runtime]`: hosts, shards and every limit of the actor runtime."""

    shards: Annotated[int, Meta(ge=1, le=4096)] = 64
    hosts: Annotated[int, Meta(ge=1, le=256)] = 2
    batch_max: Positive = 1024
    mailbox_max: Positive = 1000
    inbox_max: Positive = 20_000
    tail_max_turns: Positive = 500_000
    drain_interval_ms: Annotated[int, Meta(ge=1, le=60_000)] = 250
    drain_max_turns: Positive = 20_000
    idle_passivate_s: Positive = 900
    memory_cap_mb: Annotated[int, Meta(ge=64)] = 1024
    remember_hours: Annotated[int, Meta(ge=24)] = 24
    outbox_retry_max: Positive = 20


class Audit(Section, frozen=True):
    """`[audit]`: lines are kept for `keep_days`, by whole months; three years and a day by default."""

    keep_days: Annotated[int, Meta(ge=31, le=36_525)] = 1_097


class Postgres(Section, frozen=True):
    """`[postgres]`: only for the embedded server; `OCEFS_<REGION>_POSTGRES_URL` wins over it.

    `bin_dir` is a folder with `initdb` and `postgres` 15-18; empty: the one that comes with the Python packages.
    """

    bin_dir: str = ""


class Redis(Section, frozen=True):
    """`[redis]`: only for the embedded server; `OCEFS_<REGION>_REDIS_URL` wins over it.

    `bin` is a `redis-server`; empty: the one on PATH when it is 7 or newer, else the one in the Python packages.
    """

    bin: str = ""


class Ray(Section, frozen=True):
    """`[ray]`: the cell's Ray cluster.

    `num_cpus` is what Ray may place, not what the machine has. `port_base` is the first of `RAY_PORT_SPAN` ports.
    `memory_min_mb` is how much memory must be available before the cell is started.
    """

    num_cpus: Annotated[int, Meta(ge=1, le=1024)] = 4
    object_store_mb: Annotated[int, Meta(ge=80)] = 128
    dashboard_port: Port = 8121
    port_base: Annotated[int, Meta(ge=1024, le=65535 - RAY_PORT_SPAN)] = 21_000
    memory_min_mb: Count = 1500


class RegionConfig(Section, frozen=True):
    """The whole of one `config/regions/<name>.toml`."""

    region: Region = Region()
    api: Api = Api()
    identity: Identity = Identity()
    tls: Tls = Tls()
    keys: Keys = Keys()
    audit: Audit = Audit()
    anomalies: Anomalies = Anomalies()
    approvals: Approvals = Approvals()
    runtime: Runtime = Runtime()
    postgres: Postgres = Postgres()
    redis: Redis = Redis()
    ray: Ray = Ray()

    @property
    def name(self) -> str:
        """The region's name, as it stands at the head of every id: `us-…`."""
        return self.region.name

    @property
    def encrypted(self) -> bool:
        """Whether nothing may go over a network in plain text."""
        return self.tls.mode == "required"

    @property
    def tls_name(self) -> str:
        """The host name that must stand in the certificate of the cell's door."""
        return self.tls.name or f"{self.name}.ocefs.internal"

    @property
    def address(self) -> str:
        """Of the cell's door, as a URL."""
        return self._url(self.api.port)

    @property
    def ingress(self) -> str:
        """Of Serve's own ingress, as a URL."""
        return self._url(self.api.serve_port)

    def _url(self, port: int) -> str:
        host = f"[{self.api.host}]" if ":" in self.api.host else self.api.host
        return f"{'https' if self.encrypted else 'http'}://{host}:{port}"


class StoreAddresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where the cell's stores answer, as handed to `cells.deploy.deploy`.

    Attributes:
        postgres_url: libpq URL, `postgresql://user@/database?host=/socket/folder` or with host and port: as what the cell runs.
        owner_url: the same as the schema's owner, who migrates and keeps the audit.
        redis_url: `unix:///path/of/redis.sock` or `redis://host:port/db`.
    """

    postgres_url: str
    owner_url: str
    redis_url: str


def region_names(folder: Path | None = None) -> list[str]:
    """Names of the regions that have a file in `folder` (default: `config/regions`), in alphabetical order."""
    return sorted(path.stem for path in _folder(folder).glob("*.toml"))


def load_region(name: str, folder: Path | None = None) -> RegionConfig:
    """Read and check one region's file.

    Args:
        name: the region, e.g. "us".
        folder: where the files are; default `OCEFS_CONFIG` or `config/regions` of the project.

    Raises:
        ConfigError: no such file, not TOML, unknown key, wrong type or value, or it contradicts itself.
    """
    path = _folder(folder) / f"{name}.toml"
    known = region_names(folder)
    if name not in known:
        raise ConfigError(
            f"there is no region {name!r}: {path} does not exist",
            f"{_closest(name, known)}known regions: {', '.join(known) or 'none'}",
        )
    config = _typed(_parsed(path), path)
    if config.region.name != name:
        raise ConfigError(
            f"{path}: region.name is {config.region.name!r}, but the file is named {path.name}",
            f'write name = "{name}" or rename the file to {config.region.name}.toml',
        )
    config = _with_paths(_as_told(config))
    _check_alone(config, path)
    return config


def load_all(names: Iterable[str] | None = None, folder: Path | None = None) -> list[RegionConfig]:
    """Read all regions, check them against each other, and give back those in `names` (default: all, by API port).

    Raises:
        ConfigError: as `load_region`, or two regions share a port or a country, or not exactly one is the default.
    """
    known = region_names(folder)
    if not known:
        raise ConfigError(f"{_folder(folder)} has no region", "put a <name>.toml there, as in config/regions/us.toml")
    wanted = known if names is None else list(dict.fromkeys(names))
    every = {name: load_region(name, folder) for name in [*known, *(n for n in wanted if n not in known)]}
    _check_together(list(every.values()), _folder(folder))
    if names is None:
        return sorted(every.values(), key=lambda config: config.api.port)
    return [every[name] for name in wanted]


def _as_told(config: RegionConfig) -> RegionConfig:
    """With what the environment says."""
    if mode := os.environ.get("OCEFS_IDENTITY"):
        if mode not in ("off", "required"):
            raise ConfigError(f"OCEFS_IDENTITY is {mode!r}", "set it to off or required")
        identity = msgspec.structs.replace(config.identity, mode=cast(Literal["off", "required"], mode))
        config = msgspec.structs.replace(config, identity=identity)
    told = tls_told()
    return with_tls(config, told) if told else config


def tls_told() -> Literal["off", "required"] | None:
    """What `OCEFS_TLS` says, for the cells and the router alike; None: nothing. Raises ConfigError."""
    told = os.environ.get("OCEFS_TLS")
    if not told:
        return None
    if told in ("off", "0"):
        return "off"
    if told in ("required", "1"):
        return "required"
    raise ConfigError(f"OCEFS_TLS is {told!r}", "set it to off or required (0 or 1)")


def with_tls(config: RegionConfig, mode: Literal["off", "required"]) -> RegionConfig:
    """The same with another mode."""
    return msgspec.structs.replace(config, tls=msgspec.structs.replace(config.tls, mode=mode))


def _with_paths(config: RegionConfig) -> RegionConfig:
    tls = _with_whole_paths(config.tls, ("certificate", "key", "ca"))
    keys = _with_whole_paths(config.keys, ("token_file", "ca_file"))
    return msgspec.structs.replace(config, tls=tls, keys=keys)


def _with_whole_paths(section: _Section, names: Iterable[str]) -> _Section:
    whole = {name: str(PROJECT / value) for name in names if (value := getattr(section, name))}
    return msgspec.structs.replace(section, **whole)


def _folder(folder: Path | None) -> Path:
    return folder or Path(os.environ.get("OCEFS_CONFIG") or CONFIG_FOLDER)


def _closest(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}? " if near else ""


def _parsed(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", "correct the file at that place") from None
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}", "correct the file's permissions") from None


def _typed(raw: dict[str, object], path: Path) -> RegionConfig:
    sections = {field.name: field.type for field in msgspec.structs.fields(RegionConfig)}
    _known_keys(raw, sections, path, "section")
    for section, struct in sections.items():
        table = raw.get(section, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {section} is a value, not a section", f"write [{section}] on a line of its own")
        _known_keys(table, [field.name for field in msgspec.structs.fields(struct)], path, f"{section}.")
    try:
        return msgspec.convert(raw, RegionConfig)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$.")
        key = place.rstrip("`")
        raise ConfigError(f"{path}: {key}: {reason[:1].lower()}{reason[1:]}", _right(key, sections)) from None


def _known_keys(table: dict[str, object], known: Iterable[str], path: Path, prefix: str) -> None:
    known = list(known)
    for key in table:
        if key not in known:
            what = f"section [{key}]" if prefix == "section" else f"key {prefix}{key}"
            raise ConfigError(f"{path}: unknown {what}", f"{_closest(key, known)}known here: {', '.join(known)}")


def _right(key: str, sections: dict[str, type]) -> str:
    """What a correct value of `section.key` looks like, from its default."""
    section, _, rest = key.partition(".")
    name = rest.split("[")[0]
    default = getattr(sections[section](), name, None) if section in sections else None
    return f"an example of a right value: {name} = {msgspec.json.encode(default).decode()}" if name else "see README.md"


def _check_alone(config: RegionConfig, path: Path) -> None:
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
            f"{_closest(region.timezone, timezones)}write an IANA name such as Europe/Amsterdam",
        )
    if config.runtime.hosts > config.runtime.shards:
        raise ConfigError(
            f"{path}: runtime.hosts is {config.runtime.hosts}, more than runtime.shards ({config.runtime.shards})",
            "a host without a shard has no work: lower hosts, or raise shards before the first start",
        )
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


def _check_together(configs: list[RegionConfig], folder: Path) -> None:
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
                    f"{_closest(other, names)}known regions: {', '.join(names)}",
                )
        for country in config.region.countries:
            if country in countries:
                raise ConfigError(
                    f"{folder / config.name}.toml: region.countries has {country}, which {countries[country]} serves",
                    "a country is served by one region: take it out of one of the two",
                )
            countries[country] = config.name
        _check_ports(config, folder, ports)


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
