"""`python -m cells audit verify` looks at the regions that are named, or at all."""

import io

import pytest
from rich.console import Console

from actors.runtime.errors import StoreUnavailable
from cells import audit
from cells.config import region_names
from cells.errors import CellError
from cells.parser import parser


@pytest.fixture
def looked(monkeypatch, tmp_path):
    """Which regions were looked at by a command, and its exit code. `wrong`: region → the exit code, or what it raises."""
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
