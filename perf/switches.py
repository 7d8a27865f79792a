"""What a switch of a region's config costs: two cells of our own side by side, one with it and one
without, under load by turns."""

import urllib.request
from collections.abc import Callable, Mapping

import msgspec

from perf import rows
from perf.cell import answers
from perf.https import tls_of

ROUNDS = 8
"""More than for the router: two cells side by side, each with work of its own behind, differ
more from round to round."""
ORDERS_MAX = 8_000


class Switch(msgspec.Struct, frozen=True):
    """turned_on: what stands in the section of the cell that has it, instead of a mode, and nothing in the other's.
    more_places: that both cells have besides the usual two. section: of `config/regions/*.toml`, whose `mode` is "off"
    or "required"; works: what is measured, as named on the command line, with the rows of the cell that has it and of
    the one that has not; is_on: does the cell at an address, asked with these headers, do as the switch says?"""

    section: str
    is_on: Callable[[str, Mapping[str, str]], bool]
    works: Mapping[str, tuple[str, str]]
    turned_on: Mapping[str, object] | None = None
    more_places: int = 0

    def changes(self, mode: str) -> dict[str, dict[str, object]]:
        """The config of a cell that differs in nothing else."""
        if self.turned_on is None:
            return {self.section: {"mode": mode}}
        return {self.section: dict(self.turned_on)} if mode == "required" else {}


def _asks_who(base: str, headers: Mapping[str, str]) -> bool:
    return not answers(base, "/v1/skus?limit=1")


def _is_encrypted(base: str, headers: Mapping[str, str]) -> bool:
    return base.startswith("https:")


def _has_policy(base: str, headers: Mapping[str, str]) -> bool:
    request = urllib.request.Request(base + "/v1/sourcing/policies", headers=dict(headers))
    with urllib.request.urlopen(request, timeout=5, context=tls_of(base)) as reply:
        return b'"origin":"config"' in reply.read()


SWITCHES = {
    "identity": Switch("identity", _asks_who, {"updates": (rows.IDENTITY, rows.NO_IDENTITY)}),
    "tls": Switch(
        "tls", _is_encrypted, {"updates": (rows.TLS, rows.NO_TLS), "availability": (rows.TLS_READS, rows.NO_TLS_READS)}
    ),
    "sourcing": Switch(
        "sourcing",
        _has_policy,
        {"placements": (rows.SOURCING, rows.NO_SOURCING)},
        turned_on={"version": 2, "currency": "USD"},
        more_places=136,
    ),
}
