"""A start that a key file refuses leaves its line in the audit, although nothing takes lines then: once, with the time
when it was, and nothing that must not be told."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from datetime import UTC, date, datetime
from types import SimpleNamespace

import msgspec
import pytest

from actors.storage.audit_keeping import Held
from cells import audit, deploy, keeper, operators, untold, up
from cells.calls import Answer
from cells.certs import make
from cells.errors import CellError, CertificateRefused, KeyFileRefused, TlsKeyRefused
from cells.keeper import Keeper
from cells.keys import make_keyring
from cells.paths import CellPaths
from cells.pem import read_certificates, read_key
from cells.settings import Identity, RegionConfig, StoreAddresses, Tls
from cells.tls import cell_holders, door_pair
from cells.untold import OVERFLOW, refusal_kept, tell
from serve.audit.keeper import KeeperAct

ADDRESSES = StoreAddresses(
    postgres_url="postgresql://cell@/x", owner_url="postgresql://owner@/x", redis_url="unix:///x"
)
CONFIG = msgspec.structs.replace(RegionConfig(), identity=Identity(mode="required"))
DOWN, DONE = Answer(0, ""), Answer(204, "")


@pytest.fixture
def paths(monkeypatch, tmp_path):
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    monkeypatch.delenv("OCEFS_CONFIG", raising=False)
    return CellPaths("us")


@pytest.fixture
def cell(monkeypatch):
    """A cell that answers `answer`. `sent`: (key, body) of what came to it."""
    made = SimpleNamespace(answer=DONE, sent=[])

    def call(method, url, body, headers, **_):
        assert (method, url.partition("/v1/")[2]) == ("POST", "audit/keeper-acts")
        made.sent.append((headers["Idempotency-Key"], msgspec.convert(body, KeeperAct)))
        return made.answer

    monkeypatch.setattr(operators, "call", call)
    return made


def acts(paths):
    return [one.act for one in untold.read(paths).waiting]


def refuse(paths, code="keyring.missing", file="keyring.json", config=CONFIG):
    with pytest.raises(KeyFileRefused), refusal_kept(config, paths):
        raise KeyFileRefused(f"the key file {paths.keyring} is gone", "bring it back", code, file)


def gone(file):
    file.unlink()


def opened(file):
    file.chmod(0o644)


def open_folder(file):
    file.parent.chmod(0o777)


def damaged(file):
    file.write_text("{}")


def no_file(file):
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (gone, "missing"), (opened, "open_permissions"), (open_folder, "open_folder"), (damaged, "damaged"), (no_file, "unreadable"),
    ],
)  # fmt: skip
def test_a_start_that_the_key_file_refuses_leaves_no_line_or_does_something(paths, monkeypatch, harm, code):
    harm(make_keyring(paths))
    for name in ("cell_settings", "anomaly_settings"):
        monkeypatch.setattr(deploy, name, lambda *_: None)
    for name in ("check_region_key", "migrate", "start_supervisor"):
        monkeypatch.setattr(deploy, name, lambda *_: pytest.fail("it was started"))
    before_ms = time.time_ns() // 1_000_000
    with pytest.raises(CellError):
        deploy.deploy(CONFIG, ADDRESSES)
    (act,) = acts(paths)
    assert (act.action, act.outcome, act.what) == ("cell.start", f"keyring.{code}", "keyring.json")
    assert before_ms <= act.at_ms <= time.time_ns() // 1_000_000
    kept = paths.untold.read_text()
    assert str(paths.home) not in kept
    assert "secrets" not in kept
    assert stat.S_IMODE(paths.untold.stat().st_mode) == 0o600


def test_keys_of_another_cell_start_it_without_a_line(paths, monkeypatch):
    def other(*_):
        raise KeyFileRefused("not the key file", "bring it back", "keyring.other", "keyring.json")

    for name in ("cell_settings", "anomaly_settings", "check_region_key", "check_shards", "check_open_time"):
        monkeypatch.setattr(deploy, name, lambda *_: None)
    monkeypatch.setattr(deploy, "migrate", lambda url, check: check(url))
    monkeypatch.setattr(deploy, "check_canary", other)
    monkeypatch.setattr(deploy, "give_rights", lambda *_: pytest.fail("it was started"))
    paths.run.mkdir(parents=True)
    with pytest.raises(KeyFileRefused):
        deploy.deploy(CONFIG, ADDRESSES)
    assert [act.outcome for act in acts(paths)] == ["keyring.other"]


@pytest.mark.parametrize("where", ["up", "keeper"])
def test_a_certificate_s_key_that_others_may_read_is_refused_without_a_line(paths, monkeypatch, where):
    config = msgspec.structs.replace(CONFIG, tls=Tls(mode="required"))
    monkeypatch.setattr(up.checks, "check_memory", lambda *_: None)
    monkeypatch.setattr("router.process.check_ports", lambda *_: None)
    make(paths.home, cell_holders(config))
    key = door_pair(config, paths.home).key
    key.chmod(0o640)
    paths.create()
    start = (lambda: up._check_before([config])) if where == "up" else Keeper(config, paths)._start
    with pytest.raises(TlsKeyRefused):
        start()
    assert [(act.outcome, act.what) for act in acts(paths)] == [("tls_key.open_permissions", key.name)]


def test_a_certificate_is_taken_for_a_key(tmp_path):
    with pytest.raises(TlsKeyRefused) as missing:
        read_key(tmp_path / "cell.key")
    assert (missing.value.code, missing.value.file) == ("tls_key.missing", "cell.key")
    with pytest.raises(CertificateRefused) as refused:
        read_certificates(tmp_path / "cell.pem")
    assert not isinstance(refused.value, KeyFileRefused)


def test_a_refused_start_is_lost_while_the_cell_is_down_or_told_twice(paths, cell):
    make_keyring(paths)
    refuse(paths)
    refuse(paths, "keyring.open_permissions")
    cell.answer = DOWN
    assert not tell(paths, "us")
    assert len(acts(paths)) == 2
    cell.answer = DONE
    assert tell(paths, "us")
    assert tell(paths, "us")
    assert [act.outcome for _, act in cell.sent] == ["keyring.missing", "keyring.missing", "keyring.open_permissions"]
    keys = [key for key, _ in cell.sent]
    assert keys[0] == keys[1], "an answer that got lost would make two lines of it"
    assert keys[0] != keys[2]
    assert acts(paths) == []


def test_a_refused_start_is_lost_while_the_keys_are_still_refused(paths, cell):
    make_keyring(paths).chmod(0o644)
    refuse(paths, "keyring.open_permissions")
    assert not tell(paths, "us")
    assert (len(acts(paths)), cell.sent) == (1, [])


def test_a_start_that_is_refused_again_and_again_fills_the_disk_or_is_not_counted(paths, cell, monkeypatch):
    monkeypatch.setattr(untold, "WAITING_MAX", 3)
    for _ in range(7):
        refuse(paths)
    assert [(act.outcome, act.times) for act in acts(paths)] == [("keyring.missing", None)] * 3 + [(OVERFLOW, 4)]
    make_keyring(paths)
    assert tell(paths, "us")
    assert len(cell.sent) == 4


@pytest.mark.parametrize("waiting_max", [1, 2, 3])
@pytest.mark.parametrize("before", [2, 3, 4, 6])
def test_what_is_counted_on_while_it_is_told_is_told_twice_or_not_at_all(paths, cell, monkeypatch, waiting_max, before):
    monkeypatch.setattr(untold, "WAITING_MAX", waiting_max)
    make_keyring(paths)
    answer = operators.call
    meanwhile = iter(range(5))

    def call(*args, **named):
        if next(meanwhile, None) is not None:
            refuse(paths)
        return answer(*args, **named)

    monkeypatch.setattr(operators, "call", call)
    for _ in range(before):
        refuse(paths)
    assert tell(paths, "us")
    assert acts(paths) == []
    assert sum(act.times or 1 for _, act in cell.sent) == before + 5
    assert len({key for key, _ in cell.sent}) == len(cell.sent)


def test_a_name_of_a_file_that_the_audit_does_not_take_holds_up_what_comes_after_it(paths, cell):
    make_keyring(paths)
    refuse(paths, "tls_key.missing", "Mia's key 1.pem" + "x" * 80)
    assert tell(paths, "us")
    assert cell.sent[0][1].what.startswith("Mia_s_key_1.pem")


def test_a_cell_without_an_audit_keeps_what_nobody_will_be_told(paths):
    refuse(paths, config=msgspec.structs.replace(CONFIG, identity=Identity(mode="off")))
    assert not paths.untold.exists()


def test_a_dropped_month_has_no_line_or_one_each_hour(paths, cell):
    make_keyring(paths)
    months = [("2022-11", 1_000, 5), ("2022-12", 2_000, 7)]
    for _ in range(3):
        untold.keep_months(paths, "audit.drop", months)
        untold.keep_months(paths, "audit.retain", [("2023-01", 3_000, None)])
    assert tell(paths, "us")
    untold.keep_months(paths, "audit.drop", [*months, ("2023-01", 4_000, 9)])
    assert tell(paths, "us")
    assert [(act.action, act.what, act.at_ms, act.lines) for _, act in cell.sent] == [
        ("audit.drop", "2022-11", 1_000, 5), ("audit.drop", "2022-12", 2_000, 7), ("audit.retain", "2023-01", 3_000, None),
        ("audit.drop", "2023-01", 4_000, 9),
    ]  # fmt: skip


def test_a_dropped_month_that_finds_no_room_is_never_told(paths, cell, monkeypatch):
    make_keyring(paths)
    monkeypatch.setattr(untold, "WAITING_MAX", 2)
    months = [(f"2022-{number:02}", number, 1) for number in range(1, 6)]
    for _ in range(3):
        untold.keep_months(paths, "audit.drop", months)
        assert tell(paths, "us")
    assert [act.what for _, act in cell.sent] == [month for month, _, _ in months]


@pytest.mark.parametrize("held", [False, True])
def test_the_keeper_drops_a_month_or_is_kept_from_it_without_a_word(paths, monkeypatch, held):
    gone, when = [(date(2022, 12, 1), datetime(2026, 1, 2, tzinfo=UTC), 7)], 1_767_312_000_000

    def drop_old(*_):
        if held:
            raise Held(["case-7"], [date(2023, 1, 1), date(2023, 2, 1)])
        gone.append((date(2023, 1, 1), datetime(2026, 1, 2, tzinfo=UTC), 9))
        # It is written down with the drop, and its keeper is killed.
        raise KeyboardInterrupt

    monkeypatch.setattr(audit, "make_anchors", lambda *_: 0)
    monkeypatch.setattr(audit, "connected", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(audit, "store_addresses", lambda *_: SimpleNamespace(owner_url=""))
    monkeypatch.setattr(audit, "drop_old", drop_old)
    monkeypatch.setattr(audit, "dropped_months", lambda _: gone)
    if not held:
        with pytest.raises(KeyboardInterrupt):
            audit.keep_daily(CONFIG, paths)
        monkeypatch.setattr(audit, "drop_old", lambda *_: [])
    for _ in range(2):
        audit.keep_daily(CONFIG, paths)
    told = [(act.action, act.what, act.lines) for act in acts(paths)]
    if held:
        assert told == [
            ("audit.retain", "2023-01", None),
            ("audit.retain", "2023-02", None),
            ("audit.drop", "2022-12", 7),
        ]
    else:
        assert told == [("audit.drop", "2022-12", 7), ("audit.drop", "2023-01", 9)]
    assert {act.at_ms for act in acts(paths) if act.action == "audit.drop"} == {when}


def test_a_damaged_file_holds_up_a_start_or_is_thrown_away(paths, caplog):
    paths.run.mkdir(parents=True)
    paths.untold.write_text('{"waiting": [')
    refuse(paths)
    assert len(acts(paths)) == 1
    assert paths.untold.with_suffix(".damaged").read_text() == '{"waiting": ['
    assert "is damaged" in caplog.text


def test_a_full_disk_hides_why_the_start_was_refused(paths, caplog):
    paths.folder.mkdir(parents=True)
    paths.run.write_text("in the way")
    refuse(paths)
    assert "could not be kept for the audit" in caplog.text


def test_what_waits_is_not_told_when_the_cell_runs_or_because_the_audit_can_not_be_kept(paths, monkeypatch):
    kept, told = [], []

    def keep_daily(*_):
        kept.append(1)
        raise CellError("the audit's key is gone")

    def telling(told_paths, region):
        told.append((told_paths, region))
        if len(told) == 3:
            one._ending.set()
        if len(told) < 3:
            raise (OSError("the disk is slow"), TypeError("nobody thought of it"))[len(told) - 1]
        return False

    paths.create()
    one = Keeper(CONFIG, paths)
    monkeypatch.setattr(audit, "keep_daily", keep_daily)
    monkeypatch.setattr(keeper, "tell", telling)
    monkeypatch.setattr(keeper, "_TELL_EVERY_S", 0.0)
    one._keep_audit()
    assert told == [(paths, "us")] * 3
    assert len(kept) == 1, "it is looked at each hour, not each minute"


def test_two_that_keep_something_at_once_lose_one(paths):
    pids = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            try:
                for _ in range(5):
                    refuse(paths)
            finally:
                os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    assert len(acts(paths)) == 20
