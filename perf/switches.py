"""What a switch of a region's config costs: two cells of our own side by side, one with it and one without, under load by turns."""

from collections.abc import Callable, Mapping

import msgspec

from perf import rows
from perf.cell import answers

ROUNDS = 8
"""More than for the router: two cells side by side, each with work of its own behind, differ more from round to round."""
ORDERS_MAX = 8_000


class Switch(msgspec.Struct, frozen=True):
    """section: of `config/regions/*.toml`, whose `mode` is "off" or "required"; works: what is measured, as named on the command line, with the
    rows of the cell that has it and of the one that has not; is_on: does the cell at an address do as the switch says?"""

    section: str
    is_on: Callable[[str], bool]
    works: Mapping[str, tuple[str, str]]

    def changes(self, mode: str) -> dict[str, dict[str, object]]:
        """The config of a cell that differs in nothing else."""
        return {self.section: {"mode": mode}}


def _asks_who(base: str) -> bool:
    return not answers(base, "/v1/skus?limit=1")


def _is_encrypted(base: str) -> bool:
    return base.startswith("https:")


SWITCHES = {
    "identity": Switch("identity", _asks_who, {"updates": (rows.IDENTITY, rows.NO_IDENTITY)}),
    "tls": Switch(
        "tls", _is_encrypted, {"updates": (rows.TLS, rows.NO_TLS), "availability": (rows.TLS_READS, rows.NO_TLS_READS)}
    ),
}
