import msgspec
import pytest

from cells import keeper
from cells.config_rules import missing_in_production
from cells.errors import StepFailed
from cells.keeper import Keeper
from cells.paths import CellPaths
from cells.settings import Identity, Region, RegionConfig
from cells.state import read_state

REAL = msgspec.structs.replace(
    RegionConfig(), region=Region(profile="production"), identity=Identity(demo_accounts=False)
)
LISTED = msgspec.structs.replace(REAL, identity=Identity(demo_accounts=False, breached_passwords="stolen.txt"))


def test_a_production_cell_without_a_list_of_stolen_passwords_starts_in_silence(monkeypatch, tmp_path, caplog):
    def taken(config):
        raise StepFailed("a port is taken", "take another")

    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    monkeypatch.setattr(keeper, "check_ports", taken)
    paths = CellPaths("us")
    paths.create()
    with pytest.raises(StepFailed):
        Keeper(REAL, paths)._start()
    assert "identity.breached_passwords" in caplog.text
    # what `cells up` prints
    assert [step.name for step in read_state(paths.state_file).steps if "breached_passwords" in step.note] == [
        "MISSING"
    ]


def test_a_cell_that_misses_nothing_is_told_that_it_does():
    assert missing_in_production(LISTED) == []
    assert missing_in_production(RegionConfig()) == []
