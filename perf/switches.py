"""What a switch of a region's config costs: two cells of our own side by side, one with it and one without, under load by turns."""

from collections.abc import Mapping

import msgspec

from perf import rows

ROUNDS = 8
"""More than for the router: two cells side by side, each with work of its own behind, differ more from round to round."""
ORDERS_MAX = 8_000


class Switch(msgspec.Struct, frozen=True):
    """section: of `config/regions/*.toml`, whose `mode` is "off" or "required"; works: what is measured, as named on the command line, with the
    rows of the cell that has it and of the one that has not."""

    section: str
    works: Mapping[str, tuple[str, str]]

    def changes(self, mode: str) -> dict[str, dict[str, object]]:
        """The config of a cell that differs in nothing else."""
        return {self.section: {"mode": mode}}


SWITCHES = {
    "identity": Switch("identity", {"updates": (rows.IDENTITY, rows.NO_IDENTITY)}),
    "tls": Switch("tls", {"updates": (rows.TLS, rows.NO_TLS), "availability": (rows.TLS_READS, rows.NO_TLS_READS)}),
}
