"""Nothing starts with a certificate or an address that would not keep what it promises, and nothing
falls back to plain text."""

import datetime as dt
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from cells.calls import call
from cells.certs import Holder, Pair, ca_file, make, pair_of
from cells.config import load_region, with_tls
from cells.errors import CertificateRefused, ConfigError
from cells.paths import CellPaths
from cells.pem import read_key
from cells.ports import ray_environment
from cells.ray_cluster import encrypted_ingress
from cells.settings import RegionConfig, Tls
from cells.stores import store_addresses
from cells.tls import check_pair, check_postgres_url, check_redis_url, prepare
from cells.trust import SYSTEM, Trust, client_context

DOOR = Holder("us", ("us.ocefs.internal", "localhost", "127.0.0.1"))
REQUIRED = with_tls(RegionConfig(), "required")


@pytest.fixture
def home(tmp_path) -> Path:
    make(tmp_path / "home", [DOOR])
    return tmp_path / "home"


@pytest.fixture
def pair(home) -> Pair:
    return pair_of(home, "us")


@pytest.fixture
def ca(home) -> Path:
    return ca_file(home)


def refused(pair: Pair, ca: Path, name: str = "localhost", now: dt.datetime | None = None) -> str:
    with pytest.raises(CertificateRefused) as raised:
        check_pair(pair, ca, name, now)
    assert raised.value.next_step
    return str(raised.value)


def test_a_good_pair_is_refused(pair, ca):
    for name in DOOR.names:
        check_pair(pair, ca, name)


def test_a_file_that_is_missing_or_something_else_is_taken(tmp_path, pair, ca):
    nothing = tmp_path / "nothing.pem"
    assert "the certificate" in (told := refused(Pair(nothing, pair.key), ca))
    assert "nothing.pem is missing" in told
    assert "the key" in (told := refused(Pair(pair.certificate, nothing), ca))
    assert "nothing.pem is missing" in told
    assert "nothing.pem is missing" in refused(pair, nothing)
    assert "can't be read" in refused(Pair(pair.certificate, tmp_path), ca)
    nothing.write_text("no PEM")
    nothing.chmod(0o600)
    assert "holds no certificate" in refused(Pair(nothing, pair.key), ca)
    assert "holds no private key" in refused(Pair(pair.certificate, nothing), ca)
    assert "holds no certificate" in refused(pair, nothing)
    nothing.write_bytes(b"x" * 1_048_577)
    assert "more than 1048576 bytes" in refused(Pair(nothing, pair.key), ca)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_key_that_others_may_read_is_used(pair, ca, mode):
    pair.key.chmod(mode)
    told = refused(pair, ca)
    assert f"chmod 600 {pair.key}" in told
    assert "PRIVATE KEY" not in told


def test_a_locked_key_hangs_the_start(tmp_path, pair, ca):
    locked = tmp_path / "locked.key"
    how = serialization.BestAvailableEncryption(b"secret")
    text = read_key(pair.key).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    locked.write_bytes(text)
    locked.chmod(0o600)
    assert "passphrase" in refused(Pair(pair.certificate, locked), ca)


def test_a_key_of_another_certificate_is_taken(home, pair, ca):
    make(home, [Holder("eu", DOOR.names)])
    assert "is not the key of" in refused(Pair(pair.certificate, pair_of(home, "eu").key), ca)


def test_a_certificate_is_used_before_or_after_its_time(pair, ca):
    now = dt.datetime.now(dt.UTC)
    assert "ended on" in refused(pair, ca, now=now + dt.timedelta(days=366))
    assert "begins only on" in refused(pair, ca, now=now - dt.timedelta(days=1))


def test_a_certificate_that_callers_would_refuse_is_used(tmp_path, pair, ca):
    make(tmp_path / "other", [DOOR])
    assert "unable to get local issuer" in refused(pair, ca_file(tmp_path / "other"))
    assert "not valid for 'eu.ocefs.internal'" in refused(pair, ca, "eu.ocefs.internal")
    with pytest.raises(CertificateRefused, match="CAs of this system"):
        check_pair(pair, None, "localhost")


def test_a_cell_that_is_off_makes_certificates_or_one_that_requires_them_does_not(tmp_path):
    prepare(RegionConfig(), tmp_path)
    assert list(tmp_path.iterdir()) == []
    prepare(REQUIRED, tmp_path)
    assert ca_file(tmp_path).exists()


def test_a_given_certificate_goes_unchecked_or_is_used_between_the_cell_s_processes(tmp_path, home, pair):
    given = Tls(mode="required", certificate=str(pair.certificate), key=str(pair.key), ca=str(ca_file(home)))
    config = RegionConfig(tls=given)
    prepare(config, tmp_path)
    environment = ray_environment(config, CellPaths("us", tmp_path))
    assert environment["RAY_USE_TLS"] == "1"
    assert environment["RAY_TLS_CA_CERT"] == str(ca_file(tmp_path)) != given.ca
    assert Path(environment["RAY_TLS_SERVER_KEY"]).exists()
    pair.key.chmod(0o644)
    with pytest.raises(CertificateRefused, match="others may read"):
        prepare(config, tmp_path)


def test_ray_speaks_plain_text_because_the_shell_said_something_else(monkeypatch):
    monkeypatch.setenv("RAY_USE_TLS", "1")
    assert ray_environment(RegionConfig(), CellPaths("us"))["RAY_USE_TLS"] == "0"


@pytest.mark.parametrize(
    ("query", "fine"),
    [
        ("?sslmode=verify-full&sslrootcert={ca}", True),
        ("?sslmode=verify-full&sslrootcert=system", True),
        ("", False),
        ("?sslmode=verify-full", False),
        ("?sslmode=verify-full&sslrootcert=", False),
        ("?sslmode=verify-full&sslrootcert=/nowhere.pem", False),
        ("?sslmode=verify-ca&sslrootcert={ca}", False),
        ("?sslmode=require&sslrootcert={ca}", False),
        ("?sslmode=verify-full&sslrootcert={ca}&sslmode=disable", False),
        ("?host=/var/run/postgresql", True),
        ("?host=/var/run/postgresql,db.example.com", False),
        ("?host=/var/run/postgresql&hostaddr=10.0.0.9", False),
    ],
)
def test_a_postgres_that_is_not_verified_is_used(monkeypatch, ca, query, fine):
    url = f"postgresql://ocefs:secret@db.example.com/ocefs{query.format(ca=ca)}"
    monkeypatch.setenv("OCEFS_US_POSTGRES_URL", url)
    assert store_addresses(RegionConfig(), CellPaths("us")).postgres_url == url
    if fine:
        assert store_addresses(REQUIRED, CellPaths("us")).postgres_url == url
        return
    with pytest.raises(CertificateRefused, match="OCEFS_US_POSTGRES_URL") as raised:
        store_addresses(REQUIRED, CellPaths("us"))
    assert "secret" not in str(raised.value)
    with pytest.raises(CertificateRefused):
        check_postgres_url(url, "X")


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("rediss://:secret@cache.example.com:6380/0", True),
        ("rediss://:secret@cache.example.com/0?ssl_ca_certs={ca}", True),
        ("unix:///var/run/redis.sock", True),
        ("redis://:secret@cache.example.com:6379/0", False),
        ("rediss://:secret@cache.example.com/0?ssl_cert_reqs=none", False),
        ("rediss://:secret@cache.example.com/0?ssl_check_hostname=false", False),
        ("rediss://:secret@cache.example.com/0?ssl_ca_certs=/nowhere.pem", False),
        ("rediss://:secret@cache.example.com/0?ssl_ca_certs={ca}&ssl_ca_certs=/nowhere.pem", False),
    ],
)
def test_a_redis_that_is_not_verified_is_used(monkeypatch, ca, url, fine):
    url = url.format(ca=ca)
    monkeypatch.setenv("OCEFS_US_REDIS_URL", url)
    assert store_addresses(RegionConfig(), CellPaths("us")).redis_url == url
    if fine:
        assert store_addresses(REQUIRED, CellPaths("us")).redis_url == url
        return
    with pytest.raises(CertificateRefused, match="OCEFS_US_REDIS_URL") as raised:
        store_addresses(REQUIRED, CellPaths("us"))
    assert "secret" not in str(raised.value)
    with pytest.raises(CertificateRefused):
        check_redis_url(url, "X")


_SERVE_S_CONFIG = """frontend prometheus
    bind 127.0.0.1:21008
frontend http_frontend
    bind 127.0.0.1:8111
backend http-ocefs
    server replica-1 127.0.0.1:21100 check observe layer4
    server fallback 127.0.0.1:8500 check backup
"""


def test_serve_s_ingress_or_the_way_to_a_replica_stays_plain_or_is_changed_twice(tmp_path):
    file = tmp_path / "haproxy.cfg"
    file.write_text(_SERVE_S_CONFIG)
    changes = encrypted_ingress(REQUIRED, tmp_path / "door.pem", tmp_path / "ca.pem")
    command = ["sed", "-i", *(part for change in changes for part in ("-e", change)), str(file)]
    subprocess.run(command, check=True)
    once = file.read_text()
    lines = [line.strip() for line in once.splitlines()]
    assert lines[1] == "bind 127.0.0.1:21008"
    assert lines[3].startswith(f"bind 127.0.0.1:8111 ssl crt {tmp_path}/door.pem ssl-min-ver TLSv1.2 ciphers ECDHE")
    for line, rest in ((lines[5], " check observe layer4"), (lines[6], " check backup")):
        assert f" ssl verify required ca-file {tmp_path}/ca.pem verifyhost localhost " in line
        assert line.endswith(rest)
    subprocess.run(command, check=True)
    assert file.read_text() == once


@pytest.mark.parametrize(
    ("text", "problem", "right"),
    [
        ('[tls]\nmode = "on"', "tls.mode", 'it is one of: "off", "required"'),
        ('[tls]\ncertificate = "a.pem"', "tls.certificate is given", "give all three"),
        ('[tls]\ncertificate = "a.pem"\nkey = "a.key"', "not all of", "give all three"),
        ('[tls]\nname = "not a name"', "tls.name", "name"),
        ('[tls]\nkeys = "a"', "tls.keys", "did you mean 'key'"),
    ],
)
def test_a_wrong_setting_is_taken_or_not_explained(tmp_path, text, problem, right):
    (tmp_path / "us.toml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_region("us", tmp_path)
    assert problem in raised.value.problem
    assert right in raised.value.problem + raised.value.next_step


@pytest.mark.parametrize(
    ("told", "mode"), [("", "off"), ("1", "required"), ("required", "required"), ("0", "off"), ("off", "off")]
)
def test_the_environment_s_word_on_tls_is_not_heard(tmp_path, monkeypatch, told, mode):
    (tmp_path / "us.toml").write_text("")
    monkeypatch.setenv("OCEFS_TLS", told)
    config = load_region("us", tmp_path)
    assert config.tls.mode == mode
    assert config.address.startswith("https://" if mode == "required" else "http://")


def test_the_environment_s_word_on_tls_is_not_checked(tmp_path, monkeypatch):
    (tmp_path / "us.toml").write_text("")
    monkeypatch.setenv("OCEFS_TLS", "yes")
    with pytest.raises(ConfigError, match="OCEFS_TLS is 'yes'"):
        load_region("us", tmp_path)


def test_what_is_trusted_is_another_ca_than_the_one_meant(tmp_path, monkeypatch, home, ca):
    monkeypatch.setenv("OCEFS_HOME", str(home))
    ours = client_context().get_ca_certs()
    assert [authority["subject"] for authority in ours] == [
        authority["subject"] for authority in client_context(str(ca)).get_ca_certs()
    ]
    make(tmp_path / "other", [])
    monkeypatch.setenv("OCEFS_TLS_CA", str(ca_file(tmp_path / "other")))
    assert client_context().get_ca_certs() != ours
    assert len(client_context(SYSTEM).get_ca_certs()) != 1
    monkeypatch.setenv("OCEFS_TLS_CA", str(tmp_path / "nowhere.pem"))
    with pytest.raises(CertificateRefused, match=r"nowhere\.pem"):
        client_context()


def test_a_cell_is_called_although_it_is_another_or_nobody_s(https_server, home, ca, tmp_path):
    port = https_server(pair_of(home, "us"))
    url = f"https://127.0.0.1:{port}/"
    assert call("GET", url, trust=Trust(str(ca), "us.ocefs.internal")).status == 200
    assert call("GET", url, trust=Trust(str(ca))).status == 200  # 127.0.0.1 is in it as well
    assert call("GET", url, trust=Trust(str(ca), "eu.ocefs.internal")).status == 0
    make(tmp_path / "other", [])
    assert call("GET", url, trust=Trust(str(ca_file(tmp_path / "other")), "us.ocefs.internal")).status == 0
    assert call("GET", url.replace("https", "http")).status == 0


def test_a_renewed_ca_is_only_trusted_by_the_next_process(home, ca, tmp_path):
    before = client_context(str(ca)).get_ca_certs()
    make(tmp_path / "other", [])
    shutil.copy(ca_file(tmp_path / "other"), ca)
    assert client_context(str(ca)).get_ca_certs() != before
