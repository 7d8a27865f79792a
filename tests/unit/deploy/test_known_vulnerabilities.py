"""What we run with is looked up among the known vulnerabilities; what was not looked up is not called safe."""

import importlib
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from email.message import Message
from pathlib import Path
from types import ModuleType
from urllib.error import HTTPError

import pytest

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def audit() -> Iterator[ModuleType]:
    """`.ci/audit.py`, whose neighbours are found as they are when it is run."""
    folder = str(PROJECT / ".ci")
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module("audit")
    finally:
        sys.path.remove(folder)
        for name in ("audit", "locks", "project_pages"):
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def project_pages(audit: ModuleType) -> ModuleType:
    return sys.modules["project_pages"]


def test_a_lock_that_can_t_be_read_is_passed_over(audit, tmp_path):
    lock = tmp_path / "x.lock"
    lock.write_text("a==1 \\\n    --hash=sha256:" + "0" * 64 + "\na @ somewhere\n")
    with pytest.raises(ValueError, match="line 3"):
        audit.main([str(lock)], {}, lambda lock: (told(GOOD), ""), no_pages)


def told(*dependencies: dict) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def no_pages(names: Iterable[str]) -> dict:
    return {}


GOOD = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"], "aliases": []}]}
SKIPPED = {"name": "c", "skip_reason": "Dependency not found and could not be audited"}


@pytest.fixture
def lock(tmp_path) -> Callable[..., str]:
    """Writes a lock file with these pins; its name."""

    def write(*pins: str, name: str = "x.lock") -> str:
        path = tmp_path / name
        path.write_text("".join(f"{pin} \\\n    --hash=sha256:{'0' * 64}\n" for pin in pins))
        return str(path)

    return write


@pytest.mark.parametrize(
    ("answer", "says", "code", "required_code"),
    [
        (told(GOOD), "1 packages looked up, 0 vulnerabilities", 0, 1),
        (told(GOOD, BAD), "lock: b 2: PYSEC-1 (fixed in: 3)", 1, 1),
        (told(GOOD, SKIPPED), "lock: 2 (b 2; c 3): no answer about them", 0, 1),
        (told(BAD, SKIPPED), "lock: 2 (a 1; c 3): no answer about them", 1, 1),
        (told(), "lock: 3 (a 1; b 2; c 3): no answer about them", 0, 1),
        ("", "lock: 3 (a 1; b 2; c 3): no answer: no route", 0, 1),
        ("Traceback", "lock: 3 (a 1; b 2; c 3): no answer: no route", 0, 1),
        ("[]", "lock: 3 (a 1; b 2; c 3): no answer: no route", 0, 1),
    ],
)
def test_an_audit_that_found_something_or_did_not_take_place_passes_in_silence(
    audit, lock, capsys, answer, says, code, required_code
):
    def run(lock: str) -> tuple[str, str]:
        return answer, "no route"

    locks = [lock("a==1", "b==2", "c==3")]
    assert audit.main(locks, {}, run, no_pages) == code
    assert says in capsys.readouterr().out
    assert audit.main(locks, {"OCEFS_REQUIRE_AUDIT": "1"}, run, no_pages) == required_code


def test_a_version_for_another_python_is_called_checked_because_this_one_s_was(audit, lock, capsys):
    """pip-audit looks at what would be installed here alone."""
    assert audit.main([lock("a==1", "a==2")], {}, lambda lock: (told(GOOD), ""), no_pages) == 0
    assert "lock: 1 (a 2): no answer" in capsys.readouterr().out


def test_an_audit_of_all_fails_where_it_is_required(audit, lock):
    locks = [lock("a==1")]
    assert audit.main(locks, {"OCEFS_REQUIRE_AUDIT": "1"}, lambda lock: (told(GOOD), ""), no_pages) == 0


def page(version: str, *vulns: dict) -> bytes:
    return json.dumps({"info": {"version": version}, "vulnerabilities": vulns}).encode()


PYPI_S = {"id": "PYSEC-9", "aliases": ["CVE-1"], "fixed_in": [], "withdrawn": None}


def test_what_only_the_project_s_page_tells_is_not_heard(audit, project_pages, lock, capsys):
    """Of a package that pip-audit got no answer about; one that it has is not asked for again."""
    asked: list[str] = []

    def look(names: Iterable[str]) -> dict:
        asked.extend(names)
        return {name: project_pages.read(page("3", PYPI_S)) for name in names}

    locks = [lock("a==1", "c==3")]
    assert audit.main(locks, {"OCEFS_REQUIRE_AUDIT": "1"}, lambda lock: (told(GOOD, SKIPPED), ""), look) == 1
    out = capsys.readouterr().out
    assert "lock: c 3: PYSEC-9 (fixed in: none yet)" in out
    assert "lock: 2 packages looked up (1 of them by the project's page), 1 vulnerabilities" in out
    assert asked == ["c"]


def test_the_page_of_another_release_is_believed(audit, project_pages, lock, capsys):
    """A project's page tells of its newest release alone."""
    pages = {"c": project_pages.read(page("4"))}
    assert audit.main([lock("c==3")], {}, lambda lock: (told(), ""), lambda names: pages) == 0
    assert "NOT CHECKED" in (out := capsys.readouterr().out)
    assert "1 (c 3, the newest is 4)" in out


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (page("3"), ("3", [])),
        (page("3", PYPI_S), ("3", [{"id": "PYSEC-9", "aliases": ["CVE-1"], "fix_versions": []}])),
        (page("3", PYPI_S | {"withdrawn": "2026-01-01T00:00:00Z"}), ("3", [])),
        (b'{"info": {"version": "3"}}', None),
        (b'{"info": {"version": "3"}, "vulnerabilities": [1]}', None),
        (b"<html>", None),
        (b"[]", None),
    ],
)
def test_a_page_without_a_list_of_advisories_says_that_there_are_none(project_pages, answer, read):
    assert project_pages.read(answer) == read


def test_an_index_that_can_t_be_reached_is_asked_for_each_package(project_pages, monkeypatch):
    asked: list[str] = []

    def unreachable(url: str, timeout: float) -> None:
        asked.append(url)
        raise OSError("no route")

    monkeypatch.setattr(project_pages, "urlopen", unreachable)
    names = [f"p{number}" for number in range(200)]
    assert project_pages.newest(names) == {}
    assert 1 <= len(asked) <= project_pages.AT_ONCE


def test_a_project_that_is_not_there_ends_the_look_at_the_others(project_pages, monkeypatch):
    def answers(url: str, timeout: float) -> io.BytesIO:
        if "gone" in url:
            raise HTTPError(url, 404, "Not Found", Message(), None)
        return io.BytesIO(page("3"))

    monkeypatch.setattr(project_pages, "urlopen", answers)
    assert project_pages.newest(["gone", "here", "gone"]) == {"here": ("3", [])}


KNOWN = {"id": "GHSA-x", "fix_versions": [], "aliases": ["CVE-2025-34351"]}


def test_an_accepted_vulnerability_is_kept_quiet_about_or_hides_another(audit, lock, capsys):
    locks = [lock("ray==2.60.0")]
    accepted = told({"name": "ray", "version": "2.60.0", "vulns": [KNOWN]})
    assert audit.main(locks, {"OCEFS_REQUIRE_AUDIT": "1"}, lambda lock: (accepted, ""), no_pages) == 0
    assert "lock: ray 2.60.0: GHSA-x: ray: commands from whoever" in (out := capsys.readouterr().out)
    assert out.startswith("ACCEPTED")
    both = told({"name": "ray", "version": "2.60.0", "vulns": [KNOWN, *BAD["vulns"]]})
    assert audit.main(locks, {}, lambda lock: (both, ""), no_pages) == 1
    closed = told({"name": "ray", "version": "2.60.0", "vulns": [KNOWN | {"fix_versions": ["2.61.0"]}]})
    assert audit.main(locks, {}, lambda lock: (closed, ""), no_pages) == 1


def test_one_lock_s_vulnerability_hides_behind_the_other(audit, lock):
    good, bad = lock("a==1", name="good.lock"), lock("b==2", name="bad.lock")
    answers = {good: told(GOOD), bad: told(BAD)}
    assert audit.main([bad, good], {}, lambda lock: (answers[lock], ""), no_pages) == 1
    assert audit.main([good, bad], {}, lambda lock: (answers[lock], ""), no_pages) == 1


def test_pip_audit_without_its_service_is_taken_for_an_audit(audit, lock, monkeypatch):
    """The real tool: where no service can be reached, it has to be said."""
    monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "osv")
    monkeypatch.setenv("PIP_AUDIT_OSV_URL", "http://127.0.0.1:9/v1/query")
    assert audit.answered(audit.pip_audit(lock("msgspec==0.22.0"))[0]) == {}
