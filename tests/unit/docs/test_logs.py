"""docs/security/logs.md: nothing writes a log of which nobody can read where it is, and for how long."""

import re
from pathlib import Path

import pytest

from router.config import RouterConfig

PROJECT = Path(__file__).parents[3]
TEXT = (PROJECT / "docs" / "security" / "logs.md").read_text()
FOLDERS = ("actors", "cells", "partners", "router", "serve")
# Of the actors that log under their own name (`configure_logs`): `<region>-<actor>.log`.
ACTORS = ("api", "host", "supervisor", "monitor", "figures", "forwarder")


def names(pattern: str) -> set[str]:
    """What the pattern finds in the code."""
    return {
        found
        for folder in FOLDERS
        for path in (PROJECT / folder).rglob("*.py")
        for found in re.findall(pattern, path.read_text(), re.MULTILINE)
    }


def test_a_log_is_written_that_is_on_no_list():
    files = names(r'"([a-z]+\.log)"')
    assert files >= {"keeper.log", "operator.log", "router.log", "postgres.log"}
    assert sorted(file for file in files if f"`{file}`" not in TEXT) == []


@pytest.mark.parametrize("actor", ACTORS)
def test_an_actor_s_log_is_on_no_list(actor):
    assert f"`<region>-{actor}" in TEXT


def test_an_actor_logs_that_is_on_no_list():
    # One for each of ACTORS: of those that live alone, one for all of them.
    calls = names(r"(?<!def )configure_logs\(([^)]*\)?)")
    alone = names(r'^    part = "(\w+)"$')
    assert alone < set(ACTORS)
    assert len(calls) - 1 + len(alone) == len(ACTORS), calls


def test_a_log_is_bounded_and_the_page_says_that_it_is_kept():
    """`log_bytes_max` of the router."""
    for name in ("router", "control"):
        (row,) = (line for line in TEXT.splitlines() if line.startswith(f"| `{name}.log` "))
        assert f"`{name}.log.1`" in row
    assert f"`log_bytes_max` ({RouterConfig().log_bytes_max >> 20} MiB)" in TEXT
