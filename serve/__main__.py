"""The API's command line.

python -m serve permissions   the matrix of endpoints and roles, as docs/security/permissions.md has it
python -m serve errors        all codes that a refusal is answered with, as docs/errors.md has them
python -m serve fields        who sees and changes which fields, and which go together, as docs/security/fields.md has it
python -m serve limits        limits of signing in, sessions, business and cost, as docs/security/limits.md has them
python -m serve processing    the register of processing, as docs/privacy/processing.md has it
"""

import argparse
import sys

from serve import fields_page, limits_page, permissions, problem_page, processing

PAGES = {
    "permissions": permissions.page,
    "errors": problem_page.page,
    "fields": fields_page.page,
    "limits": limits_page.page,
    "processing": processing.page,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m serve", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=list(PAGES))
    print(PAGES[parser.parse_args(arguments).command](), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
