"""Of which place serves what, and of what would have been otherwise."""

from __future__ import annotations

from serve.problem_codes.entry import Entry

CODES: dict[str, Entry] = {
    "simulation.unknown": Entry(404, "No such simulation"),
    "simulation.exists": Entry(409, "Simulation exists already"),
    "simulation.busy": Entry(429, "Another simulation is under way"),
    "simulation.over": Entry(409, "Simulation is not under way"),
    "simulation.not_yours": Entry(409, "Somebody else runs the simulation"),
    "simulation.period_invalid": Entry(422, "Period is not valid"),
    "simulation.not_fresh": Entry(503, "What happened is not all written down yet"),
    "sourcing.policy_invalid": Entry(422, "Sourcing policy is not valid"),
    "sourcing.policy_excludes_all": Entry(422, "No place could ever serve"),
    "sourcing.currency_not_accepted": Entry(422, "Currency is not accepted"),
    "sourcing.calendar_invalid": Entry(422, "Calendar is not valid"),
    "sourcing.lines_too_many": Entry(422, "Too many lines"),
    "sourcing.units_invalid": Entry(422, "Units are not valid"),
    "sourcing.places_too_many": Entry(422, "Too many places"),
    "sourcing.place_twice": Entry(422, "Place is named twice"),
}
