"""`python -m perf.load`: the Locust suite against the router; headless, or with `WEB=1` in the browser.

Environment: WEB=1, USERS (at the peak, default 60), MINUTES (default 3), REGIONS (default us,eu,latam), HOST (the
router's address). Further arguments go to Locust. Ends with code 1 when a request failed.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from cells.config import load_region
from cells.errors import CellError
from perf.cell import answers
from perf.credentials import REGION_HEADER, of_cell
from perf.scenarios.shape import region_names, router_address, setting

WEB_HOST = "127.0.0.1"
WEB_PORT = "8089"
STOP_S = "10"


def main() -> int:
    """Runs Locust and gives its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m perf.load",
        description=__doc__,
        epilog="What else there is to give: python -m locust --help",
        usage="%(prog)s [-h] [options of Locust …]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _, further = parser.parse_known_args()
    host, names = router_address(), region_names()
    try:
        if not setting("HOST", ""):  # which regions another router has is not for our files to say
            for name in names:
                load_region(name)
        headers = [{REGION_HEADER: name, **of_cell(host, name, asking_s=0).headers()} for name in names]
    except CellError as error:
        print(error)
        return 1
    if not any(answers(host, "/v1/locations", fields) for fields in headers):
        print(
            f"Nothing that serves orders of {', '.join(names) or 'no region'} answers at {host}. Next step: `make up`, or HOST=http://… for another router."
        )
        return 1
    file = str(Path(__file__).with_name("locustfile.py"))
    command = [sys.executable, "-m", "locust", "-f", file, "--host", host, "--stop-timeout", STOP_S, *further]
    if setting("WEB", "0") == "1":
        command += ["--web-host", WEB_HOST, "--web-port", WEB_PORT]
    else:
        command += ["--headless", "--only-summary"]
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
