"""Are there known vulnerabilities in what we pin? Asks pip-audit for every package of the lock files.

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
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

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
# Runs pip-audit over a lock file: (what it wrote to stdout, the end of what it complained about).
Run = Callable[[str], tuple[str, str]]


class Audited(NamedTuple):
    """What came out of one lock file. `vulnerable`, `accepted`: lines for people; `unchecked`: names, or why
    there is no answer at all."""

    checked: int
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
    return done.stdout, lines[-1] if lines else f"pip-audit ended with {done.returncode}"


def judge(told: str, complaint: str) -> Audited:
    """Of pip-audit's JSON. What is no such JSON is an audit that did not take place."""
    try:
        dependencies: list[dict[str, Any]] = json.loads(told)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Audited(0, [], [], [complaint])
    checked, vulnerable, accepted, unchecked = 0, [], [], []
    for dependency in dependencies:
        if "skip_reason" in dependency:
            unchecked.append(dependency["name"])
            continue
        checked += 1
        for found in dependency["vulns"]:
            what = f"{dependency['name']} {dependency['version']}: {found['id']}"
            fixed = ", ".join(found.get("fix_versions", ()))
            known = {found["id"], *found.get("aliases", ())} & ACCEPTED.keys()
            # What can be closed by now is accepted no more.
            if known and not fixed:
                accepted.append(f"{what}: {ACCEPTED[known.pop()]}")
            else:
                vulnerable.append(f"{what} (fixed in: {fixed or 'none yet'})")
    return Audited(checked, vulnerable, accepted, unchecked if dependencies else [complaint])


def main(locks: Sequence[str] = LOCKS, environment: Mapping[str, str] = os.environ, run: Run = pip_audit) -> int:
    """Audits the files; the exit code."""
    results = {lock: judge(*run(lock)) for lock in locks}
    for lock, audited in results.items():
        for line in audited.vulnerable:
            print(f"VULNERABLE {lock}: {line}")
        for line in audited.accepted:
            print(f"ACCEPTED {lock}: {line}")
        if audited.unchecked:
            some = ", ".join(audited.unchecked[:5]) + (", …" if len(audited.unchecked) > 5 else "")
            print(f"NOT CHECKED {lock}: {len(audited.unchecked)} ({some}): the vulnerability service gave no answer")
        print(f"{lock}: {audited.checked} packages looked up, {len(audited.vulnerable)} vulnerabilities")
    if any(audited.vulnerable for audited in results.values()):
        return 1
    required = environment.get("OCEFS_REQUIRE_AUDIT") == "1"
    return int(required and any(audited.unchecked for audited in results.values()))


if __name__ == "__main__":
    sys.exit(main())
