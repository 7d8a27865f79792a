"""The page of all settings that people read: `python -m cells.settings_page > docs/settings.md`."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import msgspec

from cells.settings import RegionConfig, Section

_HEAD = """# What can be set

Made from the types of the settings (`cells/settings.py`) by `python -m cells.settings_page`; a test compares the two. A region's file is `config/regions/<name>.toml`; each key has the default
that stands here, and a wrong one is named with what would be right. A cell reads its file once, as it starts: `make down`, then `make up`. The router's keys stand in
`config/router.toml` itself, each with its default and what it is for.

## From the environment
These win over the files. The commands are to be given the same ones as the cell.

| variable | what |
|---|---|
| `OCEFS_HOME` | the folder of all state; default `.ocefs` in the project |
| `OCEFS_CONFIG`, `OCEFS_ROUTER_CONFIG` | the folder of the regions' files, and the router's file, which must be there; default `config/regions` and `config/router.toml` in the project |
| `OCEFS_IDENTITY` | `off` or `required`: `[identity] mode` of all cells (`make up IDENTITY=…`) |
| `OCEFS_TLS` | `off` or `required`, or 0 or 1: `[tls] mode` of all cells, and `tls` of the router (`make up TLS=…`) |
| `OCEFS_TLS_CA` | the PEM file of the CA by which our own tools verify cells and router, or `system`; default: the CA of `make certs`, if there is one |
| `OCEFS_<REGION>_POSTGRES_URL`, `…_POSTGRES_OWNER_URL`, `…_REDIS_URL` | your own stores ([how](../deploy/stores.md)) |
| `OCEFS_<REGION>_VAULT_TOKEN` | Vault's token, where `[keys] token_file` is empty ([keys](security/keys.md)) |
| `OCEFS_HAPROXY` | a HAProxy 2.8 or newer for the router and the cells' Serve; default: that of the Python packages ([what it brings](security/dependencies.md#programs-that-packages-bring)) |
| `OCEFS_TOKEN` | the token with which the tools of [perf](../perf/README.md) ask a cell elsewhere |
| `OCEFS_REQUIRE_AUDIT` | `1`: `make audit` fails when known vulnerabilities can't be looked up |

"""


def page() -> str:
    """All of it: the environment, then section by section."""
    hints = get_type_hints(RegionConfig, include_extras=True)
    sections = {field.name: hints[field.name] for field in msgspec.structs.fields(RegionConfig)}
    return _HEAD + "\n".join(_section(name, section) for name, section in sections.items())


def _section(name: str, section: type[Section]) -> str:
    text = " ".join(inspect.cleandoc(section.__doc__ or "").split()).removeprefix(f"`[{name}]`: ")
    hints = get_type_hints(section, include_extras=True)
    rows = [
        f"| `{field.name}` | {_shown(field.default)} | {_bounds(hints[field.name])} |"
        for field in msgspec.structs.fields(section)
    ]
    return "\n".join(
        [f"## [{name}]", f"{text[0].upper()}{text[1:]}", "", "| key | default | bounds |", "|---|---|---|", *rows, ""]
    )


def _shown(default: Any) -> str:
    if default is None or default is msgspec.NODEFAULT:  # a table or list that begins empty
        return ""
    return f"`{msgspec.json.encode(default).decode()}`"


def _bounds(kind: Any) -> str:
    """What a value must be, in words."""
    found = msgspec.json.schema(kind)
    if "enum" in found:
        return " or ".join(f"`{one}`" for one in found["enum"])
    least, most = found.get("minimum"), found.get("maximum")
    said = [
        f"{least:,} to {most:,}"
        if least is not None and most is not None
        else f"{least:,} or more"
        if least is not None
        else "",
        str(found.get("description", "")),
        f"{found['maxItems']:,} at most" if "maxItems" in found else "",
        f"{found['minItems']:,} at least" if "minItems" in found else "",
    ]
    return ", ".join(one for one in said if one)


if __name__ == "__main__":
    print(page(), end="")
