"""The advisories that a project's page at PyPI tells of its newest release.

pip-audit asks for the page of each version. A registry that stands in between may serve a project's page alone; that
one has the advisories of the newest release, which is what we pin when the locks were renewed lately. Of an older
release it says nothing.
"""

import json
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

INDEX = "https://pypi.org"
# A page may have megabytes: each release that there ever was, with all its files.
PAGE_BYTES_MAX = 64 << 20
AT_ONCE = 8
ANSWER_S = 10
ALL_S = 90


class Page(NamedTuple):
    """A project's newest release, and its advisories as pip-audit has them (`id`, `aliases`, `fix_versions`)."""

    version: str
    vulns: list[dict[str, Any]]


def newest(names: Iterable[str], index: str = INDEX) -> dict[str, Page]:
    """The pages of these projects, without those that there are not. Nothing more is asked once the index can't be
    reached, or after ALL_S seconds."""
    enough = threading.Event()
    until = time.monotonic() + ALL_S

    def ask(name: str) -> Page | None:
        if enough.is_set() or time.monotonic() > until:
            return None
        try:
            with urlopen(f"{index}/pypi/{name}/json", timeout=ANSWER_S) as answer:  # noqa: S310 -- the index's address
                return read(answer.read(PAGE_BYTES_MAX))
        except HTTPError:
            return None
        except (OSError, HTTPException):
            enough.set()
            return None

    named = [*dict.fromkeys(names)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pages = [*pool.map(ask, named)]
    return {name: page for name, page in zip(named, pages, strict=True) if page is not None}


def read(page: bytes) -> Page | None:
    """A page's JSON, without advisories that were withdrawn; None for what is no such page. One that has no list of
    advisories does not say that there are none."""
    try:
        told = json.loads(page)
        vulns = [
            {"id": one["id"], "aliases": one.get("aliases") or [], "fix_versions": one.get("fixed_in") or []}
            for one in told["vulnerabilities"]
            if not one.get("withdrawn")
        ]
        return Page(told["info"]["version"], vulns)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
