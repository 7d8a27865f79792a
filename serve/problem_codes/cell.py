"""Of the cell as it runs."""

from __future__ import annotations

from serve.problem_codes.entry import Entry

CODES: dict[str, Entry] = {
    "cell.busy": Entry(429, "Too many requests"),
    "cell.unavailable": Entry(503, "Not available at the moment"),
    "cell.write_behind_full": Entry(503, "Writing behind has no room left"),
    "cell.journal_full": Entry(503, "The journal has no room left"),
    "cell.store_unavailable": Entry(503, "Lists are not available at the moment"),
    "cell.fault": Entry(500, "Internal error"),
    "audit.unavailable": Entry(503, "The audit takes nothing at the moment"),
    "trail.unreadable": Entry(404, "A trail can't be read"),
    "live.too_many": Entry(429, "Too many live streams"),
}
