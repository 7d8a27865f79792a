"""Rows of decisions without a cell: a figure that is compared with another one must be of the same work."""

from perf import inside, rows, switches


def test_a_row_is_without_the_one_that_it_is_compared_with_or_counts_something_else():
    pair = inside.Pair("w", [0.002, 0.001], [0.004, 0.002], 10, "before")
    (ours, told), (other, _) = inside.rows_of(pair)
    assert (ours.work, ours.system, other.system) == ("w", rows.OURS, inside.WITHOUT)
    assert (round(ours.rate_per_s), round(other.rate_per_s)) == (6667, 3333)
    assert (ours.p50_ms, ours.p99_ms) == (1.0, 2.0)
    assert told.startswith("2.00 × before")


def test_decisions_are_compared_that_do_not_serve_the_same_orders():
    for pair in (inside.placements(3), inside.availability(2)):
        assert len(pair.ours) == len(pair.other) > 0


def test_the_cells_that_are_compared_differ_in_more_than_the_policy():
    switch = switches.SWITCHES["sourcing"]
    assert switch.changes("off") == {}
    assert switch.changes("required") == {"sourcing": {"version": 2, "currency": "USD"}}
    assert switches.SWITCHES["tls"].changes("off") == {"tls": {"mode": "off"}}
