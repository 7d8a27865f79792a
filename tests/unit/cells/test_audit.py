"""`python -m cells audit verify` looks at the regions that are named, or at all."""

import io
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from rich.console import Console

from actors.runtime.errors import StoreUnavailable
from actors.storage.audit_check import Break, Checked
from cells import audit
from cells.config import region_names
from cells.errors import CellError
from cells.parser import parser


@pytest.fixture
def looked(monkeypatch, tmp_path):
    """Which regions were looked at by a command, and its exit code. `wrong`: region → the exit
    code, or what it raises."""
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    monkeypatch.delenv("OCEFS_CONFIG", raising=False)
    seen: list[str] = []

    def run(*regions: str, **wrong: int | Exception) -> tuple[list[str], int]:
        def verify(config, paths, console) -> int:
            seen.append(config.name)
            assert paths.folder.name == config.name
            found = wrong.get(config.name, 0)
            if isinstance(found, Exception):
                raise found
            return found

        seen.clear()
        monkeypatch.setattr(audit, "_verify", verify)
        code = audit.run(parser().parse_args(["audit", "verify", *regions]), Console(file=io.StringIO()))
        return list(seen), code

    run.seen = seen
    return run


def test_some_region_is_left_out(looked):
    assert looked("us") == (["us"], 0)
    assert looked("us", "eu") == (["us", "eu"], 0)
    seen, _ = looked()
    assert sorted(seen) == region_names()


def test_a_chain_is_broken_in_the_first_region_and_the_exit_code_is_that_of_the_last(looked):
    assert looked("us", "eu", us=1) == (["us", "eu"], 1)


def test_a_region_that_is_away_hides_the_others_or_passes_for_whole(looked):
    with pytest.raises(CellError) as raised:
        looked("us", "eu", "latam", us=StoreUnavailable("no answer"), eu=CellError("there is no key", "make one"))
    assert looked.seen == ["us", "eu", "latam"]
    assert raised.value.problem == "the audit of us can't be reached: no answer\nthere is no key"
    assert "status" in raised.value.next_step
    assert "make one" in raised.value.next_step


def test_regions_that_never_ran_here_fail_the_check_of_all(looked, tmp_path):
    key = tmp_path / "us" / "secrets" / "audit.key"
    key.parent.mkdir(parents=True)
    key.touch()
    assert looked() == (["us"], 0)


@pytest.mark.parametrize("left", ["run/audit-key.made", "secrets/audit.anchors"])
def test_a_region_whose_key_was_taken_away_passes_for_one_that_never_ran_here(looked, tmp_path, left):
    for name, file in (("us", "secrets/audit.key"), ("eu", left)):
        (tmp_path / name / file).parent.mkdir(parents=True)
        (tmp_path / name / file).touch()
    seen, _ = looked()
    assert sorted(seen) == ["eu", "us"]


def test_another_regions_wrong_file_stops_the_check_of_one(looked, tmp_path, monkeypatch):
    for name, text in (("us", '[region]\nname = "us"\n'), ("eu", "wrong = 1")):
        (tmp_path / f"{name}.toml").write_text(text)
    monkeypatch.setenv("OCEFS_CONFIG", str(tmp_path))
    assert looked("us") == (["us"], 0)


def test_of_several_regions_nobody_can_tell_which_one_is_broken(monkeypatch, tmp_path):
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    checked = Checked(10, 2, 1, [Break(3, 17, "line 17 does not follow"), Break(-1, 0, "an anchor is gone")])
    monkeypatch.setattr(audit, "load_audit_key", lambda paths: SimpleNamespace(is_signed=None))
    monkeypatch.setattr(audit, "store_addresses", lambda config, paths: SimpleNamespace(owner_url=""))
    monkeypatch.setattr(audit, "connected", lambda url: nullcontext())
    monkeypatch.setattr(audit, "verify", lambda *given: checked)
    told = io.StringIO()
    assert audit.run(parser().parse_args(["audit", "verify", "us", "eu"]), Console(file=told)) == 1
    for region in ("us", "eu"):
        for line in ("shard 3: line 17 does not follow", "an anchor is gone"):
            assert f"{region}: {line}" in told.getvalue()
        assert f"the audit of {region} is broken: 10 lines in 2 shards" in told.getvalue()


@pytest.mark.parametrize(
    ("checked", "told"),
    [
        (Checked(5, 2, 0, []), "no anchor is signed yet"),
        (Checked(5, 2, 3, []), "whether some were taken away can't be told"),
        (Checked(5, 2, 0, [Break(0, 1, "a signature is wrong")]), "whether some were taken away can't be told"),
    ],
)
def test_a_cell_s_first_day_looks_like_a_lost_record_or_the_other_way_round(monkeypatch, tmp_path, checked, told):
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    monkeypatch.setattr(audit, "load_audit_key", lambda paths: SimpleNamespace(is_signed=None))
    monkeypatch.setattr(audit, "connected", lambda url: nullcontext())
    monkeypatch.setattr(audit, "verify", lambda *given: checked)
    out = io.StringIO()
    code = audit.run(parser().parse_args(["audit", "verify", "us"]), Console(file=out))
    assert told in out.getvalue()
    assert out.getvalue().count("us: ") == 1 + len(checked.breaks)
    assert code == len(checked.breaks)
