"""Reads the typed configuration of a region: `config/regions/<name>.toml`.

Every key has a default; an unknown key, a wrong type or a value out of range raises `ConfigError`, which names the
file, the key and what would be right. This module imports neither Ray nor a database driver, so that anything may
read the config: the router, tests, a shell.
"""

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec

from cells.config_rules import check_alone, check_together, closest
from cells.errors import ConfigError
from cells.settings import RegionConfig, Section

PROJECT = Path(__file__).resolve().parent.parent
CONFIG_FOLDER = PROJECT / "config" / "regions"
_Section = TypeVar("_Section", bound=Section)


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
            f"{closest(name, known)}known regions: {', '.join(known) or 'none'}",
        )
    config = _typed(_parsed(path), path)
    if config.region.name != name:
        raise ConfigError(
            f"{path}: region.name is {config.region.name!r}, but the file is named {path.name}",
            f'write name = "{name}" or rename the file to {config.region.name}.toml',
        )
    config = _with_paths(_as_told(config))
    check_alone(config, path)
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
    check_together(list(every.values()), _folder(folder))
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


def config_folder() -> Path:
    """Where the region files are: `OCEFS_CONFIG`, or `config/regions` of the project."""
    return Path(os.environ.get("OCEFS_CONFIG") or CONFIG_FOLDER)


def _folder(folder: Path | None) -> Path:
    return folder or config_folder()


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
            below = f", and below it: mode = {msgspec.json.encode(table).decode()}" if hasattr(struct(), "mode") else ""
            next_step = f"write [{section}] on a line of its own{below}"
            raise ConfigError(f"{path}: {section} is a value, not a section", next_step)
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
            raise ConfigError(f"{path}: unknown {what}", f"{closest(key, known)}known here: {', '.join(known)}")


def _right(key: str, sections: dict[str, type]) -> str:
    """What a correct value of `section.key` looks like: all that it may be, or its default."""
    section, _, rest = key.partition(".")
    if section == "packing":
        return "docs/domain/packing.md tells what may stand in [packing]"
    name = rest.split("[")[0]
    if not name or section not in sections:
        return "docs/settings.md tells all that may be set"
    choices = get_args(kind) if get_origin(kind := get_type_hints(sections[section]).get(name)) is Literal else ()
    if choices:
        return f"it is one of: {', '.join(msgspec.json.encode(choice).decode() for choice in choices)}"
    default = getattr(sections[section](), name, None)
    return f"an example of a right value: {name} = {msgspec.json.encode(default).decode()}"
