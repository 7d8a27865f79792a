"""What happened while a trace was sent: for the report only. The figures that are compared come from Postgres."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

REFUSALS_LISTED_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Refusal:
    """A step of an order that the cell refused for good."""

    reference: str
    step: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Lacking:
    """Write-offs of units that were not there (under --scarce). `whole`: nothing else of their order was taken."""

    reference: str
    final_status: str
    units: int
    lines: int
    value_minor: dict[str, int]
    whole: bool


@dataclass(slots=True)
class Tally:
    """Counts of one run. `placed` and `adjusted_lines` are acknowledged by the cell, now or in an earlier run.
    `approved`: bodies of adjustments that a second person had to approve."""

    placed: int = 0
    adjusted_lines: int = 0
    approved: int = 0
    updates: int = 0
    country_missing: int = 0
    country_foreign: int = 0
    allocated_late: int = 0
    left_unallocated: int = 0
    shipped_in_part: int = 0
    already_so: int = 0
    lacking: list[Lacking] = field(default_factory=list)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    # Of the orders whose `ship` the cell acknowledged, now or in an earlier run.
    shipped: set[str] = field(default_factory=set)
    # Where the stock was received; empty when nothing was sent.
    warehouses: list[str] = field(default_factory=list)

    def refuse(self, reference: str, step: str, code: str, detail: str) -> None:
        """Counts a refusal by step and code; the first REFUSALS_LISTED_MAX are kept in full."""
        self.refused[step, code] += 1
        if len(self.refusals) < REFUSALS_LISTED_MAX:
            self.refusals.append(Refusal(reference, step, code, detail))
