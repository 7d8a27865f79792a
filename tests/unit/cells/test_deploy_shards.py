"""Another number of shards would send entities to shards that know nothing of them: it is
refused before a host starts."""

from collections.abc import Callable

import msgspec
import pytest

from actors.runtime.errors import StoreUnavailable
from cells import __main__ as cells_main
from cells import connection, deploy
from cells import pinning as pinning_of_cells
from cells.errors import CellError
from cells.log_files import make_log_folder
from cells.paths import CellPaths
from cells.settings import Identity, RegionConfig, Runtime, StoreAddresses
from cells.state import KeeperState, write_state

ADDRESSES = StoreAddresses(
    postgres_url="postgresql://cell@/x", owner_url="postgresql://owner@/x", redis_url="unix:///x"
)


@pytest.fixture
def done(monkeypatch, tmp_path):
    """What `deploy` did, in order, with a store whose cell was made with 64 shards."""
    steps: list[str] = []
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    CellPaths("us").run.mkdir(parents=True)

    def made_with(url: str, wanted: int) -> int:
        assert url == ADDRESSES.owner_url
        steps.append("asked")
        return 64

    def start(settings: object) -> None:
        steps.append("started")
        raise InterruptedError

    def migrate(url: str, check: Callable[[str], None]) -> None:
        check(url)
        steps.append("migrated")

    for name in ("cell_settings", "anomaly_settings", "make_keyring", "check_region_key", "give_rights"):
        monkeypatch.setattr(deploy, name, lambda *_: None)
    monkeypatch.setattr(deploy, "migrate", migrate)
    monkeypatch.setattr(deploy, "check_continued", lambda *_: steps.append("journal looked at"))
    monkeypatch.setattr(deploy, "check_open_time", lambda *_: steps.append("open time looked at"))
    monkeypatch.setattr(deploy, "check_canary", lambda *_: steps.append("keys looked at"))
    monkeypatch.setattr(deploy, "shards_made_with", made_with)
    monkeypatch.setattr(deploy, "start_supervisor", start)
    return steps


@pytest.mark.parametrize("shards", [32, 63, 65, 128])
def test_a_cell_starts_with_another_number_of_shards(done, shards):
    config = msgspec.structs.replace(RegionConfig(), runtime=Runtime(shards=shards))
    with pytest.raises(CellError, match=f"us was made with 64 shards, and runtime.shards is {shards}") as raised:
        deploy.deploy(config, ADDRESSES)
    assert raised.value.next_step == "write shards = 64 in config/regions/us.toml"
    assert done == ["asked"]


@pytest.mark.parametrize("mode", ["off", "required"])
def test_a_cell_with_identity_starts_without_a_look_at_its_keys_or_another_needs_any(done, mode):
    with pytest.raises(InterruptedError):
        deploy.deploy(msgspec.structs.replace(RegionConfig(), identity=Identity(mode=mode)), ADDRESSES)
    assert ("keys looked at" in done) == (mode == "required")


def pinning(monkeypatch, *known: str) -> RegionConfig:
    """A cell that has these locations, and pins one."""
    monkeypatch.setattr(
        pinning_of_cells, "unknown_locations", lambda _, names: ([n for n in names if n not in known], [*known])
    )
    return msgspec.structs.replace(RegionConfig(), runtime=Runtime(hosts=3, pinned=("us-wh-newark",)))


def test_a_cell_starts_with_a_pinned_location_that_it_does_not_have(done, monkeypatch):
    with pytest.raises(CellError, match="us has no location 'us-wh-newark'") as raised:
        deploy.deploy(pinning(monkeypatch, "us-wh-newarc", "us-wh-x"), ADDRESSES)
    assert "did you mean 'us-wh-newarc'?" in raised.value.next_step
    assert done == ["asked"]


def test_a_database_that_does_not_answer_for_pinned_locations_ends_a_start_with_a_traceback(done, monkeypatch):
    config = pinning(monkeypatch)

    def away(*_):
        raise StoreUnavailable("no route")

    monkeypatch.setattr(pinning_of_cells, "unknown_locations", away)
    with pytest.raises(CellError, match="no route") as raised:
        deploy.deploy(config, ADDRESSES)
    assert "is it up" in raised.value.next_step


@pytest.mark.parametrize(
    ("known", "phase"),
    [(("us-wh-newark", "us-wh-x"), "starting"), ((), "starting"), (("us-wh-x",), "recovering")],
    ids=["known", "a new cell", "after a crash"],
)
def test_a_pinned_location_keeps_a_cell_from_starting_or_coming_back(done, monkeypatch, known, phase):
    write_state(CellPaths("us").state_file, KeeperState(region="us", phase=phase))
    with pytest.raises(InterruptedError):
        deploy.deploy(pinning(monkeypatch, *known), ADDRESSES)
    assert done[-1] == "started"


def test_a_cell_that_comes_back_without_its_pinned_location_says_so_only_where_the_next_start_replaces_it(
    done, monkeypatch
):
    paths = CellPaths("us")
    make_log_folder(paths.logs)
    write_state(paths.state_file, KeeperState(region="us", phase="recovering"))
    config = pinning(monkeypatch, "us-wh-x")
    monkeypatch.setattr(cells_main, "load_all", lambda _: [config])
    monkeypatch.setattr(connection, "deploy", lambda config, _: deploy.deploy(config, ADDRESSES))
    cells_main.main(["deploy", "us"])
    assert done[-1] == "started"
    assert "us has no location 'us-wh-newark'" in paths.keeper_log.read_text()


@pytest.mark.parametrize("mode", ["off", "required"])
def test_orders_come_before_it_is_noted_that_they_come_in_the_clear_or_keys_are_made_known_to_a_refused_cell(
    done, mode
):
    with pytest.raises(InterruptedError):
        deploy.deploy(msgspec.structs.replace(RegionConfig(), identity=Identity(mode=mode)), ADDRESSES)
    assert done[:2] == ["asked", "open time looked at"]


def test_nobody_learns_that_the_schema_is_ready(done):
    with pytest.raises(InterruptedError):
        deploy.deploy(RegionConfig(), ADDRESSES)
    assert CellPaths("us").schema_ready.exists()


def test_a_cell_is_refused_the_number_that_it_was_made_with(done):
    with pytest.raises(InterruptedError):
        deploy.deploy(RegionConfig(), ADDRESSES)
    assert done == ["asked", "open time looked at", "keys looked at", "journal looked at", "migrated", "started"]


def test_leave_to_give_something_up_is_used_up_by_a_refused_start_or_kept_for_the_next(done, monkeypatch):
    paths = CellPaths("us")
    for leave in (paths.journal_given_up, paths.keys_given_up):
        leave.touch()

    def refused(*_: object) -> None:
        raise CellError("no", "never")

    with monkeypatch.context() as patched:
        patched.setattr(deploy, "check_continued", refused)
        with pytest.raises(CellError, match="no"):
            deploy.deploy(RegionConfig(), ADDRESSES)
    assert (paths.journal_given_up.exists(), paths.keys_given_up.exists()) == (True, True)
    with pytest.raises(InterruptedError):
        deploy.deploy(msgspec.structs.replace(RegionConfig(), identity=Identity(mode="off")), ADDRESSES)
    assert (paths.journal_given_up.exists(), paths.keys_given_up.exists()) == (False, True)
    with pytest.raises(InterruptedError):
        deploy.deploy(RegionConfig(), ADDRESSES)
    assert not paths.keys_given_up.exists()


class Supervisor:
    """One whose shards never settle."""

    class Method:
        def __init__(self, answer: object) -> None:
            self._answer = answer

        def remote(self, *_: object) -> object:
            return self._answer

    def __init__(self, unowned: int) -> None:
        self.scale = self.Method(None)
        self.status = self.Method({"settled": False, "unowned": unowned, "error": "", "hosts": {}})


def test_who_scales_a_cell_whose_store_is_away_gets_a_traceback(monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("PostgreSQL: away")

    monkeypatch.setattr(deploy.ray, "get_actor", lambda *_: Supervisor(0))
    monkeypatch.setattr(deploy.ray, "get", away)
    with pytest.raises(
        CellError, match="it is not known whether us will be scaled: its PostgreSQL, where that is kept, is away"
    ):
        deploy.scale("us", 4)


@pytest.mark.parametrize(("unowned", "missing"), [(0, "shards still move"), (3, "3 shards have no host")])
def test_who_scales_a_cell_is_told_that_it_did_not_come_up_although_shards_only_still_move(
    monkeypatch, unowned, missing
):
    monkeypatch.setattr(deploy.ray, "get_actor", lambda *_: Supervisor(unowned))
    monkeypatch.setattr(deploy.ray, "get", lambda answer, timeout: answer)
    with pytest.raises(CellError, match=f"after 0 s us is not at 4 hosts yet: {missing}") as raised:
        deploy.scale("us", 4, deadline_s=0.0)
    assert "goes on by itself" in raised.value.next_step
    with pytest.raises(CellError, match="the hosts of us did not come up"):
        deploy.wait_settled(Supervisor(unowned), "us", deadline_s=0.0)
