"""What the README tells of all runs is what their table has."""

import re
from pathlib import Path

import pytest

PERF = Path(__file__).parents[3] / "perf"
README = (PERF / "README.md").read_text()


def column(number: int) -> list[float]:
    """Of each run that has one: of several, both ends. What stands in brackets is another system's."""
    table = (PERF / "figures.md").read_text().partition("\n| when, seconds each, orders |")[2].partition("\n\n")[0]
    rows = [row.strip().removeprefix("|").split("|") for row in table.splitlines()[2:] if row]
    cells = [re.sub(r"\(.*\)|,", "", row[number]) for row in rows if number < len(row)]
    return [float(figure) for cell in cells for figure in re.findall(r"[\d.]+", cell)]


@pytest.mark.parametrize(
    ("work", "number", "told"),
    [
        ("single updates", 1, "{:,.0f} to {:,.0f}/s"),
        ("single updates", 2, "{:.2f} to {:.2f},"),
        (r"\| \| 3 x", 3, "{:.1f} to {:.1f},"),
        ("bodies of 100", 6, "{:,.0f} to {:,.0f} updates/s"),
        ("placements", 7, "{:,.0f} to {:,.0f}/s"),
        ("placements", 8, "{:.2f} to {:.2f},"),
        ("placements", 9, "{:.2f} to {:.2f}:"),
        ("availability of 5 SKUs", 10, "{:.2f} to {:.2f}:"),
        ("through the router", 11, "{:.2f} to {:.2f}:"),
        ("with identity", 12, "{:.2f} to {:.2f},"),
    ],
)
def test_a_range_is_told_that_the_table_does_not_have(work, number, told):
    figures = column(number)
    assert len(figures) > 5
    # Rates are told to three figures at most.
    least, most = (float(f"{figure:.3g}") for figure in (min(figures), max(figures)))
    (row,) = re.findall(rf"^\| {work}.*$", README.partition("## Figures")[2], re.MULTILINE)
    assert told.format(least, most) in row


def test_more_runs_fell_short_of_the_availability_than_are_told():
    figures = column(10)
    short = len([figure for figure in figures if figure < 0.6])
    words = ("none", "one", "two", "three", "four", "five", "six")
    assert f"met but in {words[short]} of {len(figures)} runs" in README
