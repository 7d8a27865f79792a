"""One-time codes stand in the log of a demo that nobody but its own machine reaches, and of no other cell."""

import os
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from cells import deploy, running
from cells.errors import CellError
from cells.paths import CellPaths
from cells.processes import mark_of
from cells.settings import Api, Identity, Region, RegionConfig, StoreAddresses
from cells.state import KeeperState
from cells.told_notices import check_none_told, note, tells
from router import process
from router.config import RouterConfig
from router.topology import Region as Routed

DEMO = RegionConfig(identity=Identity(demo_accounts=False))
AT = {"us": ("127.0.0.1", 8101)}
US = Routed(name="us", countries=("US",), lat=39.8, lon=-98.6, default=True, host="127.0.0.1", port=8101, guarded=True)


@pytest.fixture
def paths(tmp_path, monkeypatch):
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    made = CellPaths("us")
    made.run.mkdir(parents=True)
    return made


@pytest.mark.parametrize(
    ("config", "router_host", "told"),
    [
        (DEMO, "127.0.0.1", True),
        (DEMO, "0.0.0.0", False),
        (msgspec.structs.replace(DEMO, api=Api(host="10.0.0.7")), "127.0.0.1", False),
        (msgspec.structs.replace(DEMO, region=Region(profile="production")), "127.0.0.1", False),
    ],
)
def test_a_cell_that_others_reach_tells_codes_to_its_log(paths, monkeypatch, config, router_host, told):
    assert tells(config, router_host) is told
    seen: dict[str, Any] = {}

    class Enough(Exception):
        pass

    def settings(*_: Any, **more: Any) -> None:
        seen.update(more)
        raise Enough

    for name in (
        "cell_settings", "anomaly_settings", "make_keyring", "check_region_key", "migrate", "check_shards", "check_continued", "check_pinned", "check_open_time",
        "check_canary", "give_rights", "start_supervisor", "wait_settled", "start_monitor", "start_figures",
    ):  # fmt: skip
        monkeypatch.setattr(deploy, name, lambda *_, **__: None)
    monkeypatch.setattr(deploy, "api_settings", settings)
    monkeypatch.setattr(deploy, "load_router", lambda: RouterConfig(host=router_host))
    with suppress(Enough):
        deploy.deploy(config, StoreAddresses(postgres_url="", owner_url="", redis_url=""))
    assert seen == {"notices_told": told}
    assert paths.notices_told.exists() is told


def test_a_router_lets_others_into_a_running_cell_that_tells_codes_to_its_log(paths, monkeypatch):
    monkeypatch.setattr(process, "launch", lambda *_: pytest.fail("it was opened"))
    note(paths, told=True)
    lives = mark_of(os.getpid())
    for state in (KeeperState(region="us", keeper=lives), KeeperState(region="us", processes={"Ray": lives})):
        paths.state_file.write_bytes(msgspec.json.encode(state))
        with pytest.raises(CellError, match="one-time codes and all") as raised:
            process.start(paths.home, RouterConfig(host="0.0.0.0"), [US], with_control=False)
        assert "make down" in raised.value.next_step
    check_none_told(paths.home, "127.0.0.1", AT)


def test_a_cell_that_does_not_run_or_tells_no_more_keeps_the_router_from_starting(paths):
    note(paths, told=True)
    check_none_told(paths.home, "0.0.0.0", AT)
    paths.state_file.write_bytes(msgspec.json.encode(KeeperState(region="us", keeper=mark_of(os.getpid()))))
    note(paths, told=False)
    note(paths, told=False)
    check_none_told(paths.home, "0.0.0.0", AT)


@pytest.mark.parametrize("listens", [True, False])
def test_one_cell_s_damaged_record_keeps_a_router_from_starting_though_nobody_listens_there(
    paths, monkeypatch, listens
):
    asked: list[tuple[str, int]] = []
    monkeypatch.setattr(running, "can_listen", lambda *at: bool(asked.append(at)) or not listens)
    note(paths, told=True)
    paths.state_file.write_bytes(b"")
    if listens:
        with pytest.raises(CellError, match=r"state\.json can't be read"):
            check_none_told(paths.home, "0.0.0.0", AT)
    else:
        check_none_told(paths.home, "0.0.0.0", AT)
    assert asked == [AT["us"]]
