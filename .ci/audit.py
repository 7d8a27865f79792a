"""Are there known vulnerabilities in what we pin? Asks pip-audit for every package of the lock files, and the project's
page at PyPI for those that it got no answer about (`project_pages.py`).

pip-audit itself calls an audit without findings a success, also when its service knew nothing of the packages that it
was asked for, or could not be reached in the middle. So its answer is counted here: what was not looked
up is told as NOT CHECKED.

exit code   0  everything was looked up and nothing was found; or something was not checked, which is said
            1  a vulnerability; or, with OCEFS_REQUIRE_AUDIT=1, something was not checked
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from locks import Pinned, pinned
from project_pages import Page, newest

# Known vulnerabilities without a release that closes them, by any of their names, and why they don't reach us. Told
# each time, and never a reason to pass over another of the same package.
ACCEPTED = {
    "CVE-2025-34351": (
        "ray: commands from whoever reaches its ports; a cell's Ray asks for its token, and listens on loopback "
        "(cells/ports.py)"
    ),
}
LOCKS = ("requirements.lock", "requirements-dev.lock")
TIMEOUT_S = 300
COMPLAINT_MAX = 120
# Runs pip-audit over a lock file: (what it wrote to stdout, the end of what it complained about).
Run = Callable[[str], tuple[str, str]]
# The pages of the projects of these names.
Look = Callable[[Iterable[str]], Mapping[str, Page]]
# Advisories as pip-audit tells them, by name and version: a lock may pin one package twice, by the version of Python.
Told = Mapping[tuple[str, str], list[dict[str, Any]]]


class Audited(NamedTuple):
    """What came out of one lock file. `by_page`: how many of `checked` the project's page told of.
    `vulnerable`, `accepted`: lines for people; `unchecked`: what was not looked up."""

    checked: int
    by_page: int
    vulnerable: list[str]
    accepted: list[str]
    unchecked: list[str]


def pip_audit(lock: str) -> tuple[str, str]:
    """See Run. Versions and hashes come from the file alone: nothing is resolved, downloaded or installed."""
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    try:
        done = subprocess.run(  # noqa: S603 -- our own interpreter and files of ours
            [*command, "--format", "json", "--requirement", lock], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "", f"no answer within {TIMEOUT_S} s"
    lines = done.stderr.strip().splitlines()
    return done.stdout, lines[-1][:COMPLAINT_MAX] if lines else f"pip-audit ended with {done.returncode}"


def answered(told: str) -> Told:
    """What pip-audit's JSON tells of the packages that it looked up. What is no such JSON is an audit that did not take
    place."""
    try:
        found: list[dict[str, Any]] = json.loads(told)["dependencies"]
        return {(one["name"], one["version"]): one["vulns"] for one in found if "vulns" in one}
    except (ValueError, KeyError, TypeError):
        return {}


def judge(packages: Iterable[Pinned], told: Told, pages: Mapping[str, Page]) -> Audited:
    """The audit of a lock's packages, from what is known of them."""
    checked, by_page, vulnerable, accepted, unchecked = 0, 0, [], [], []
    for name, version, _ in packages:
        vulns, page = told.get((name, version)), pages.get(name)
        if vulns is None and page is not None and page.version == version:
            vulns = page.vulns
            by_page += 1
        if vulns is None:
            unchecked.append(f"{name} {version}" + (f", the newest is {page.version}" if page else ""))
            continue
        checked += 1
        for found in vulns:
            what = f"{name} {version}: {found['id']}"
            fixed = ", ".join(found.get("fix_versions", ()))
            known = {found["id"], *found.get("aliases", ())} & ACCEPTED.keys()
            # What can be closed by now is accepted no more.
            if known and not fixed:
                accepted.append(f"{what}: {ACCEPTED[known.pop()]}")
            else:
                vulnerable.append(f"{what} (fixed in: {fixed or 'none yet'})")
    return Audited(checked, by_page, vulnerable, accepted, unchecked)


def _why(answer: str, complaint: str) -> str:
    # What it says at the end of an audit that took place is its own sum, which counts what it knew nothing of as good.
    return "no answer about them" if '"dependencies"' in answer else f"no answer: {complaint}"


def main(
    locks: Sequence[str] = LOCKS, environment: Mapping[str, str] = os.environ, run: Run = pip_audit, look: Look = newest
) -> int:
    """Audits the files; the exit code."""
    packages = {lock: pinned(Path(lock).read_text(encoding="utf-8")) for lock in locks}
    said = {lock: run(lock) for lock in locks}
    told = {lock: answered(answer) for lock, (answer, _) in said.items()}
    pages = look([one.name for lock in locks for one in packages[lock] if one[:2] not in told[lock]])
    results = {lock: judge(packages[lock], told[lock], pages) for lock in locks}
    for lock, audited in results.items():
        for line in audited.vulnerable:
            print(f"VULNERABLE {lock}: {line}")
        for line in audited.accepted:
            print(f"ACCEPTED {lock}: {line}")
        if audited.unchecked:
            some = "; ".join(audited.unchecked[:5]) + ("; …" if len(audited.unchecked) > 5 else "")
            print(f"NOT CHECKED {lock}: {len(audited.unchecked)} ({some}): {_why(*said[lock])}")
        pages_told = f" ({audited.by_page} of them by the project's page)" if audited.by_page else ""
        print(f"{lock}: {audited.checked} packages looked up{pages_told}, {len(audited.vulnerable)} vulnerabilities")
    if any(audited.vulnerable for audited in results.values()):
        return 1
    required = environment.get("OCEFS_REQUIRE_AUDIT") == "1"
    return int(required and any(audited.unchecked for audited in results.values()))


if __name__ == "__main__":
    sys.exit(main())
