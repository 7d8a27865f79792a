"""What is shown at the end: the figures beside those that they should equal, what happened on
the way, what was refused.

What comes from a trace or a cell is escaped: its square brackets are no markup.
"""

from collections import defaultdict
from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from perf.replay.figures import Difference, Figures, compare, total
from perf.replay.stock import StockReport
from perf.replay.survey import Survey
from perf.replay.tally import Tally


def show_figures(
    console: Console, wanted: Mapping[str, Figures], found: Mapping[str, Figures], title: str, scarce: bool
) -> bool:
    """One table for all together and, where there are several traces, one for each. Returns
    whether all figures are equal."""
    equal = _show_table(console, f"{title}: all", compare(total(wanted), total(found), scarce))
    names = sorted({*wanted, *found})
    if len(names) > 1:
        for name in names:
            differences = compare(wanted.get(name, Figures()), found.get(name, Figures()), scarce)
            equal &= _show_table(console, f"{title}: {name}", differences)
    return equal


def _show_table(console: Console, title: str, differences: list[Difference]) -> bool:
    table = Table(title=escape(title), title_justify="left")
    table.add_column("figure")
    table.add_column("expected", justify="right")
    table.add_column("in Postgres", justify="right")
    table.add_column("")
    for difference in differences:
        if not difference.compared:
            verdict = "not compared (scarce)"
        else:
            verdict = "[green]equal[/]" if difference.equal else "[bold red]different[/]"
        table.add_row(escape(difference.name), f"{difference.wanted:,}", f"{difference.found:,}", verdict)
    console.print(table)
    return all(difference.equal for difference in differences if difference.compared)


def show_stock(console: Console, stock: StockReport) -> bool:
    """What was compared of the stock, and the first of what differs. Returns whether all of it is equal."""
    table = Table(title="Stock of the trace's SKUs, read back from Postgres", title_justify="left")
    table.add_column("what", overflow="fold")
    for column in ("expected", "in Postgres", "compared one by one", ""):
        table.add_column(column, justify="right" if column else "left")
    for figure in stock.figures:
        if figure.note:
            table.add_row(figure.name, "", "", "", figure.note)
            continue
        verdict = f"[bold red]{figure.different:,} different[/]" if figure.different else "[green]equal[/]"
        if figure.at_most and not figure.different:
            verdict = "[green]not more[/]"
        table.add_row(figure.name, f"{figure.wanted:,}", f"{figure.found:,}", f"{figure.compared:,}", verdict)
    console.print(table)
    for problem in stock.problems:
        console.print(f"  {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
    return stock.equal


def show_rejected(console: Console, found: Survey) -> None:
    """The rows that could not be taken: counts by reason, then where the first ones stand. And how many were read as
    one row of several lines, since that rests on quotes: where there should be none, it is the place to look.
    """
    if found.joined:
        console.print(f"Rows that go over several lines: {found.joined:,}")
    if not found.rejected:
        console.print("Rows that could not be taken: 0")
        return
    table = Table(title=f"Rows that could not be taken: {sum(found.rejected.values()):,}", title_justify="left")
    table.add_column("reason", overflow="fold")
    table.add_column("rows", justify="right")
    table.add_column("on lines (the header is 1)", overflow="fold")
    numbers: defaultdict[str, list[str]] = defaultdict(list)
    for rejection in found.rejections:
        numbers[rejection.reason].append(str(rejection.row))
    for reason, count in found.rejected.most_common():
        more = " …" if count > len(numbers[reason]) else ""
        table.add_row(escape(reason), f"{count:,}", ", ".join(numbers[reason]) + more)
    console.print(table)


def show_equal(console: Console, rejected: int, joined: int, scarce: bool, lacking: int, sent: bool) -> None:
    """The last words of a replay in which nothing differs: no more than was compared. Not compared are rows that could
    not be taken, orders by status where stock is scarce, the write-offs of the `lacking` orders, whose units were not
    there, and receipts of a run that sent nothing. Of `joined` rows, which go over several lines, quotes
    alone say that each was one."""
    if sent and not (rejected or joined or scarce or lacking):
        console.print("[bold green]equal[/]: Postgres holds exactly this trace, and its stock adds up.")
        return
    compared, left_out = [], [] if sent else ["receipts were not compared"]
    if scarce:
        compared.append(" in what is compared under --scarce")
    if rejected:
        compared.append(" for the rows that were taken")
        left_out.append("1 row was not" if rejected == 1 else f"{rejected:,} rows were not")
    elif joined:
        compared.append(" for the rows as they were read")
    if joined:
        left_out.append(f"{'1 row was' if joined == 1 else f'{joined:,} rows were'} read over several lines")
    if lacking:
        whose = "1 order's" if lacking == 1 else f"{lacking:,} orders'"
        left_out.append(f"{whose} write-offs were left out")
    what = (" and".join(compared) or " in what was compared") + (
        f"; {', '.join(left_out)}, see above" if left_out else ""
    )
    console.print(f"[bold green]equal[/]{what}. The stock adds up.", highlight=False)


def show_tally(console: Console, tally: Tally, retries: int) -> None:
    """What happened on the way, and what the cell refused for good."""
    table = Table(title="On the way", title_justify="left")
    table.add_column("what")
    table.add_column("count", justify="right")
    for what, count in (
        ("orders acknowledged", tally.placed),
        ("updates acknowledged", tally.updates),
        ("adjustment lines acknowledged", tally.adjusted_lines),
        ("adjustments that a second person approved", tally.approved),
        ("country substituted: none given", tally.country_missing),
        ("country substituted: outside the region", tally.country_foreign),
        ("allocated only when asked again", tally.allocated_late),
        ("left without stock", tally.left_unallocated),
        ("shipped in part, the rest left open", tally.shipped_in_part),
        ("already at their last status", tally.already_so),
        ("requests sent again", retries),
        ("orders with write-offs of units that were not there", len(tally.lacking)),
        ("refused", sum(tally.refused.values())),
    ):
        table.add_row(what, f"{count:,}")
    console.print(table)
    if not tally.refused:
        return
    refused = Table(title="Refused", title_justify="left")
    for column in ("step", "code", "count", "first"):
        refused.add_column(column, overflow="fold")
    for (step, code), count in tally.refused.most_common():
        first = next((r for r in tally.refusals if (r.step, r.code) == (step, code)), None)
        told = f"{first.reference} {first.detail}" if first else ""
        refused.add_row(escape(step), escape(code), f"{count:,}", escape(told))
    console.print(refused)
