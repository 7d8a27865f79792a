"""Our own certificates: made once, renewed in time, kept from others, and never replaced in silence."""

import datetime as dt
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509

from cells.certs import CA_DAYS, LEAF_DAYS, Holder, ca_file, cell_holders, make, pair_of, router_holder
from cells.errors import CertificateRefused
from cells.settings import Api, RegionConfig, Tls
from cells.tls import check_pair

DOOR = Holder("us", ("us.ocefs.internal", "localhost", "127.0.0.1"))
INSIDE = Holder("us-inside", ("localhost",), calls=True)
NOW = dt.datetime.now(dt.UTC)


def certificate(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def in_days(days: float) -> dt.datetime:
    return NOW + dt.timedelta(days=days)


def test_others_may_read_a_key_or_list_the_folder(tmp_path):
    folder = ca_file(tmp_path).parent
    folder.mkdir(mode=0o755)
    make(tmp_path, [DOOR, INSIDE])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    keys = list(folder.glob("*.key"))
    assert {key.name for key in keys} == {"ca.key", "us.key", "us-inside.key"}
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_a_second_start_makes_other_certificates(tmp_path):
    assert make(tmp_path, [DOOR, INSIDE]) == ["ca.pem", "us.pem", "us-inside.pem"]
    before = pair_of(tmp_path, "us").certificate.read_bytes()
    assert make(tmp_path, [DOOR, INSIDE]) == []
    assert pair_of(tmp_path, "us").certificate.read_bytes() == before


def test_a_certificate_ends_before_it_is_renewed(tmp_path):
    make(tmp_path, [DOOR], now=NOW)
    assert make(tmp_path, [DOOR], now=in_days(LEAF_DAYS - 7.5)) == []
    assert make(tmp_path, [DOOR], now=in_days(LEAF_DAYS - 6.5)) == ["us.pem"]
    assert certificate(pair_of(tmp_path, "us").certificate).not_valid_after_utc > in_days(LEAF_DAYS)


def test_the_ca_ends_or_what_the_old_one_signed_is_kept(tmp_path):
    make(tmp_path, [DOOR], now=NOW)
    old = certificate(ca_file(tmp_path))
    late = in_days(CA_DAYS - 3)
    assert make(tmp_path, [DOOR], now=late) == ["ca.pem", "us.pem"]
    new = certificate(ca_file(tmp_path))
    assert new.subject != old.subject
    certificate(pair_of(tmp_path, "us").certificate).verify_directly_issued_by(new)


def test_a_certificate_lacks_a_name_that_is_wanted_now(tmp_path):
    make(tmp_path, [DOOR])
    moved = Holder("us", (*DOOR.names, "10.0.0.5"))
    assert make(tmp_path, [moved]) == ["us.pem"]
    names = certificate(pair_of(tmp_path, "us").certificate).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert [str(ip) for ip in names.value.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "10.0.0.5"]


def test_a_key_that_is_gone_is_replaced_in_silence(tmp_path):
    make(tmp_path, [DOOR])
    pair = pair_of(tmp_path, "us")
    pair.key.unlink()
    with pytest.raises(CertificateRefused, match=r"us\.key is missing") as raised:
        make(tmp_path, [DOOR])
    assert "make certs" in raised.value.next_step
    assert not pair.key.exists()
    assert make(tmp_path, [DOOR], repair=True) == ["us.pem"]
    check_pair(pair, ca_file(tmp_path), "localhost")


def test_the_ca_signs_without_its_key_or_is_replaced_in_silence(tmp_path):
    make(tmp_path, [DOOR])
    before = ca_file(tmp_path).read_bytes()
    pair_of(tmp_path, "ca").key.unlink()
    assert make(tmp_path, [DOOR]) == []  # it has nothing to sign
    for repair in (False, True):
        with pytest.raises(CertificateRefused, match="is gone: it can sign nothing more"):
            make(tmp_path, [INSIDE], repair=repair)
    assert ca_file(tmp_path).read_bytes() == before


def test_the_ca_signs_with_a_key_that_others_may_read(tmp_path):
    make(tmp_path, [])
    pair_of(tmp_path, "ca").key.chmod(0o640)
    with pytest.raises(CertificateRefused, match="others may read") as raised:
        make(tmp_path, [DOOR])
    assert "chmod 600" in raised.value.next_step
    assert not pair_of(tmp_path, "us").certificate.exists()


def test_cells_that_start_together_make_a_ca_each(tmp_path):
    holders = [Holder(f"cell{number}", ("localhost",)) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda holder: make(tmp_path, [holder]), holders))
    assert sum("ca.pem" in files for files in made) == 1
    for holder in holders:
        check_pair(pair_of(tmp_path, holder.stem), ca_file(tmp_path), "localhost")


def test_a_cell_s_certificate_lacks_a_name_under_which_it_is_called():
    door, inside = cell_holders(RegionConfig(api=Api(host="10.0.0.5")))
    assert {"us.ocefs.internal", "localhost", "127.0.0.1", "::1", "10.0.0.5"} == set(door.names)
    assert inside.calls
    assert not door.calls
    assert "0.0.0.0" not in router_holder("0.0.0.0", "shop.example.com").names


def test_a_door_with_a_certificate_of_its_own_is_given_one_of_ours():
    own = Tls(mode="required", certificate="a.pem", key="a.key", ca="ca.pem")
    assert [holder.stem for holder in cell_holders(RegionConfig(tls=own))] == ["us-inside"]
