"""A cell must not start with somebody to be told who can't be, or by a secret that others may read."""

from __future__ import annotations

import os

import pytest

from cells.errors import ConfigError
from cells.receivers import check_receivers
from cells.settings import Anomalies, Audit, Identity, RegionConfig


@pytest.fixture
def secret(tmp_path) -> str:
    file = tmp_path / "key"
    file.write_bytes(b"k" * 32)
    os.chmod(file, 0o600)
    return str(file)


def test_a_webhook_without_a_good_address_or_key_starts(tmp_path, secret):
    good = {"webhook_url": "https://alerts.example/x", "webhook_secret_file": secret}
    check_receivers(RegionConfig(anomalies=Anomalies(**good)))
    for wrong in ({"webhook_url": "http://alerts.example/x"}, {"webhook_secret_file": str(tmp_path / "none")}, {"webhook_secret_file": ""}):  # fmt: skip
        with pytest.raises(ConfigError, match=r"anomalies\.webhook_"):
            check_receivers(RegionConfig(anomalies=Anomalies(**good | wrong)))
        check_receivers(RegionConfig(anomalies=Anomalies(**good | wrong | {"enabled": False})))


def test_the_audit_goes_to_an_address_in_the_clear_or_by_no_good_key(tmp_path, secret):
    good = {"forward_url": "https://logs.example/x", "forward_secret_file": secret}
    check_receivers(RegionConfig(audit=Audit(**good)))
    check_receivers(RegionConfig(audit=Audit(**good | {"forward_authorization_file": secret})))
    check_receivers(RegionConfig(audit=Audit(forward_secret_file=str(tmp_path / "none"))))
    none = str(tmp_path / "none")
    for key, wrong in (
        ("forward_url", "http://logs.example/x"), ("forward_secret_file", none), ("forward_secret_file", ""), ("forward_authorization_file", none),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=rf"audit\.{key}"):
            check_receivers(RegionConfig(audit=Audit(**good | {key: wrong})))


def test_a_cell_without_identity_asks_for_a_secret_that_it_never_needs(tmp_path):
    none = str(tmp_path / "none")
    audit = Audit(forward_url="https://logs.example/x", forward_secret_file=none)
    alerts = Anomalies(webhook_url="https://alerts.example/x", webhook_secret_file=none)
    check_receivers(RegionConfig(audit=audit, anomalies=alerts, identity=Identity(mode="off")))


def test_a_start_waits_for_ever_for_somebody_to_write_into_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "key", 0o600)
    audit = Audit(forward_url="https://logs.example/x", forward_secret_file=str(tmp_path / "key"))
    with pytest.raises(ConfigError, match="the secret is no file"):
        check_receivers(RegionConfig(audit=audit))


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (b"Bearer abc", 0o640, "chmod 600"),
        (b"Bearer abc\nX-More: 1", 0o600, "one line of ASCII"),
        (b"", 0o600, "one line of ASCII"),
        ("Bearer ü".encode(), 0o600, "one line of ASCII"),
        (b"B" * 5000, 0o600, "one line of ASCII"),
    ],
)
def test_an_authorization_that_others_read_or_that_is_more_than_one_header_is_sent(
    tmp_path, secret, content, mode, told
):
    file = tmp_path / "authorization"
    file.write_bytes(content)
    os.chmod(file, mode)
    audit = Audit(
        forward_url="https://logs.example/x", forward_secret_file=secret, forward_authorization_file=str(file)
    )
    with pytest.raises(ConfigError, match=told):
        check_receivers(RegionConfig(audit=audit))
