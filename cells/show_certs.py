"""`python -m cells certs`: see that there are certificates of our own, and say how long each lasts."""

import datetime as dt
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cells.certs import Pair, ca_file, cell_holders, inside_of, make, pair_of, router_holder
from cells.config import load_all
from cells.paths import home_folder
from cells.pem import read_certificates
from cells.tls import door_pair


def run(console: Console) -> int:
    """Make what is missing or soon ends, for the router and all regions; the exit code. Raises CellError."""
    from router.config import load

    home, configs, router = home_folder(), load_all(), load()
    holders = [holder for config in configs for holder in cell_holders(config)]
    if not router.tls_certificate:
        holders.append(router_holder(router.host, router.tls_name))
    made = make(home, holders, repair=True)
    given = Pair(Path(router.tls_certificate), Path(router.tls_key)) if router.tls_certificate else None
    shown = {"local CA": ca_file(home), "router": (given or pair_of(home, "router")).certificate}
    for config in configs:
        shown[f"door of {config.name}"] = door_pair(config, home).certificate
        shown[f"inside {config.name}"] = pair_of(home, inside_of(config.name)).certificate
    table = Table("certificate", "of", "until", "")
    for whose, file in shown.items():
        until = read_certificates(file)[0].not_valid_after_utc
        days = (until - dt.datetime.now(dt.UTC)).days
        left = f"[red]ended {-days} days ago[/]" if days < 0 else f"{days} days"
        table.add_row(str(file), whose, f"{until:%Y-%m-%d}", f"{left}, new" if file.name in made else left)
    console.print(table)
    console.print(
        "Doors and the router take new certificates at once; what a cell's parts say to each other, at its next start."
        if made
        else "Nothing had to be made.",
        soft_wrap=True,
    )
    return 0
