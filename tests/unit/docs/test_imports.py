"""A layer imports what its rules don't name (ARCHITECTURE, "may import"). Contracts of import-linter forbid; these are
lists of what is allowed, so that a library that nobody thought of is refused too. Who may import Ray, the drivers and
the clients of key services stands in the contracts alone."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
TOPS = tuple(SETTINGS["root_packages"])
# What is protected, and by whom it may be imported.
PROTECTED = [contract for contract in SETTINGS["contracts"] if contract["type"] == "protected"]
GUARDED = {
    library: contract["allowed_importers"] for contract in PROTECTED for library in contract["protected_modules"]
}

# A layer: what it may import of ours, and of others. The longest name counts. Ours are modules or
# packages with all that is in them.
LAYERS: dict[str, tuple[set[str], set[str]]] = {
    "actors.domain": (set(), {"msgspec"}),
    "actors.anomalies": ({"actors.domain"}, {"msgspec", "river"}),
    "actors.enumeration": ({"actors.domain"}, {"numpy"}),
    "actors.figures": ({"actors.domain"}, {"msgspec"}),
    "actors.runtime": ({"actors.domain", "actors.anomalies", "actors.figures"}, {"msgspec", "numpy"}),
    "actors.storage": ({"actors.domain", "actors.runtime", "actors.anomalies", "actors.figures"}, {"msgspec"}),
    "actors.link": ({"actors.runtime"}, {"msgspec"}),
    "actors.webhook": ({"actors.domain", "actors.runtime", "actors.receiver"}, {"aiohttp", "msgspec"}),
    "actors.audit_forwarder": ({"actors.domain", "actors.runtime", "actors.receiver"}, {"aiohttp", "msgspec"}),
    "actors.receiver": (set(), set()),
    "actors.clock": (set(), set()),
    "actors.logs": ({"actors.domain", "actors.log_secrets"}, {"structlog"}),
    "actors.log_secrets": (set(), {"structlog"}),
    **{f"actors.{path.stem}": ({"actors"}, {"msgspec"}) for path in ROOT.glob("actors/ray_*.py")},
    "actors.ray_heartbeat": ({"actors"}, set()),
    "actors.ray_meters": ({"actors"}, set()),
    "actors.ray_figures": ({"actors"}, set()),
    "actors.ray_forwarder": ({"actors"}, set()),
    "actors.paper": ({"actors.domain"}, {"pymupdf_fonts", "reportlab"}),
    "actors.zpl": ({"actors.domain"}, set()),
    "partners": (
        {"actors.domain", "actors.paper", "actors.zpl", "actors.runtime.ports"},
        {"msgspec"},
    ),
    "serve": (
        {
            "actors.domain", "actors.enumeration", "actors.figures", "actors.paper", "actors.zpl", "actors.runtime", "partners",
        },
        {
            "argon2", "cryptography", "email_validator", "fastapi", "fastapi_offline", "joserfc", "msgspec", "prometheus_client",
            "pydantic", "pyotp", "segno", "starlette", "structlog", "uvicorn", "webauthn",
        },
    ),
    "router": (
        {
            f"cells.{part}" for part in (
                "certs", "checks", "config", "demo_exposure", "errors", "haproxy", "log_files", "modes", "paths", "pem", "processes", "settings", "shell", "tls",
                "told_notices", "trust",
            )
        },
        {"maxminddb", "msgspec"},
    ),
    "cells": ({"actors", "router", "serve"}, {"cryptography", "msgspec", "psutil", "pyotp", "rich"}),
    "perf": (
        {"actors", "cells", "router", "serve"},
        {"aiohttp", "fastapi", "httptools", "locust", "msgspec", "psutil", "pydantic", "rich", "uvicorn", "uvloop"},
    ),
}  # fmt: skip
PURE = ("actors.domain", "actors.anomalies", "actors.enumeration", "actors.figures")
# Nothing that reads a clock, a file or a process, draws lots, or waits.
PLAIN = {
    "__future__", "bisect", "calendar", "collections", "copy", "dataclasses", "datetime", "fractions", "functools", "hashlib", "heapq", "hmac",
    "itertools", "math", "operator", "re", "statistics", "typing", "unicodedata", "zoneinfo",
}  # fmt: skip


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def is_ours(module: str) -> bool:
    path = ROOT / module.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def imports_of(source: str, module: str) -> set[str]:
    """Whatever is imported anywhere in it: under TYPE_CHECKING and in functions too, and by the name of a constant."""
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found |= {name.name for name in names}
            case ast.ImportFrom(module=origin, names=names, level=level):
                base = ".".join([*module.split(".")[:-level], *([origin] if origin else [])]) if level else origin or ""
                found |= {f"{base}.{name.name}" if is_ours(f"{base}.{name.name}") else base for name in names}
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=[ast.Constant(value=str(named))]):
                found |= {named} if called in {"import_module", "__import__"} else set()
    return found


def modules() -> Iterator[tuple[str, set[str]]]:
    for top in TOPS:
        for path in sorted((ROOT / top).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield module, imports_of(path.read_text(), module)


MODULES = dict(modules())


def refused(module: str, imported: str) -> bool:
    if module in TOPS:  # an empty __init__
        return True
    layer = max((layer for layer in LAYERS if within(module, layer)), key=len)
    ours, others = LAYERS[layer]
    root = imported.partition(".")[0]
    if root in TOPS:
        return not any(
            within(imported, package) for package in ({layer.partition(".")[0]} - {"actors"}) | ours | {layer}
        )
    if root in GUARDED:
        return not any(within(module, importer) for importer in GUARDED[root])
    if root not in sys.stdlib_module_names:
        return root not in others
    return layer in PURE and root not in PLAIN


def test_a_layer_imports_what_its_rules_do_not_name():
    wrong = [f"{module} imports {name}" for module, names in MODULES.items() for name in names if refused(module, name)]
    assert sorted(wrong) == []


def test_a_module_of_ours_stands_in_no_layer():
    assert [m for m in MODULES if m not in TOPS and not any(within(m, layer) for layer in LAYERS)] == []


def test_a_list_still_allows_what_nobody_imports_any_more():
    def used_in(package):
        inside = [names for module, names in MODULES.items() if within(module, package)]
        return {name.partition(".")[0] for names in inside for name in names}

    for contract in PROTECTED:
        stale = [
            name for name in contract["allowed_importers"] if not used_in(name) & set(contract["protected_modules"])
        ]
        assert stale == [], contract["name"]
    for layer, (_, others) in LAYERS.items():
        assert others - used_in(layer) == set(), layer


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("actors.domain.money", "numpy"),
        ("actors.domain.money", "httpx"),
        ("actors.domain.money", "actors.enumeration"),
        ("actors.domain.money", "socket"),
        ("actors.anomalies.rules", "actors.runtime.ports"),
        ("actors.runtime.host", "river"),
        ("actors.webhook", "ray"),
        ("actors.webhook", "psycopg"),
        ("actors.audit_forwarder", "actors.storage"),
        ("actors.ray_host", "psycopg"),
        ("actors.ray_heartbeat", "ray"),
        ("serve.orders.sourcing", "actors.link"),
        ("serve.orders.sourcing", "actors.storage.reader"),
        ("serve.orders.sourcing", "httpx"),
        ("partners.carrier", "actors.runtime.host"),
        ("router.process", "cells.redis"),
        ("cells.up", "ray"),
        ("perf.replay.trace", "ray"),
        ("perf.replay.trace", "psycopg"),
        ("actors", "msgspec"),
    ],
)
def test_an_import_over_the_edge_of_a_layer_is_allowed(module, imported):
    assert refused(module, imported)


def test_an_import_is_overlooked_in_whatever_form_it_is_written():
    source = """
import numpy.linalg as algebra
def late():
    from actors import enumeration
    import_module("psycopg")
from . import errors
from .ids import new_order_id
"""
    assert imports_of(source, "actors.domain.money") == {
        "numpy.linalg", "actors.enumeration", "psycopg", "actors.domain.errors", "actors.domain.ids",
    }  # fmt: skip
