"""The control part stops looking after the router because one thing that it looks after fails."""

import stat
import sys
from pathlib import Path

import msgspec
import pytest

from cells.certs import make, pair_of, router_holder
from cells.errors import StepFailed
from cells.processes import Child, ProcessMark, stop
from router import control, process
from router.admin_socket import AdminError, AdminSocket
from router.config import RouterConfig
from router.control import Control
from router.state import Changes, Plan, RouterFolder, State
from router.topology import Region
from tests.unit.router.mmdb_file import write_mmdb

US = Region(name="us", countries=("US",), lat=39.8, lon=-98.6, default=True, host="127.0.0.1", port=1)
GONE = ProcessMark(1, "00000000-1")


@pytest.fixture
def router(tmp_path: Path) -> RouterFolder:
    folder = RouterFolder(tmp_path)
    folder.create()
    return folder


@pytest.fixture
def haproxy(router: RouterFolder):
    child = Child([sys.executable, "-c", "import time; time.sleep(600)"], log=router.folder / "log")
    router.save(State(haproxy=child.mark))
    yield child.mark
    stop(child.mark)


def test_an_address_map_that_haproxy_did_not_take_is_never_offered_again(
    router, haproxy, monkeypatch, tmp_path
) -> None:
    database = tmp_path / "a.mmdb"
    write_mmdb(database, {"127.0.1.0/24": {"country": {"iso_code": "US"}}})
    router.save(Plan(RouterConfig(mmdb=str(database)), (US,)))
    offered: list[list[str]] = []

    def refuses_once(self: AdminSocket, name: str, lines) -> int:
        offered.append(list(lines))
        if len(offered) == 1:
            raise AdminError("it took too long")
        return 0

    monkeypatch.setattr(AdminSocket, "replace_map", refuses_once)
    with pytest.raises(AdminError):
        Control(router.home)._look_after()
    Control(router.home)._look_after()
    Control(router.home)._look_after()
    assert len(offered) == 2
    assert offered[0] == offered[1]


def test_a_log_grows_without_end_while_haproxy_can_not_be_started(router, monkeypatch, capsys) -> None:
    router.save(State(haproxy=GONE))
    router.save(Plan(RouterConfig(log_bytes_max=65_536), (US,)))
    router.control_log.write_bytes(b"x" * 70_000)

    def fails(*_: object, **__: object) -> None:
        raise StepFailed("it does not start", "see its log")

    monkeypatch.setattr(control, "launch", fails)
    with pytest.raises(StepFailed):
        Control(router.home)._look_after()
    assert router.control_log.stat().st_size == 0
    older = router.control_log.with_suffix(".log.1").stat()
    assert older.st_size == 65_536
    assert stat.S_IMODE(older.st_mode) == 0o600
    assert capsys.readouterr().out == ""  # it was not started again


def test_a_certificate_that_is_gone_is_not_made_anew(router, haproxy) -> None:
    config = RouterConfig(tls="required", tls_name="shop.example")
    make(router.home, [router_holder(config.host, config.tls_name)])
    pair_of(router.home, "router").certificate.unlink()
    assert process.certificate_changed(router, Plan(config, (US,)))


def test_what_was_drained_is_forgotten_when_haproxy_died(router, monkeypatch) -> None:
    config = RouterConfig()
    router.save(Changes(drained=("us",)))
    seen: list[Changes] = []
    monkeypatch.setattr(process, "launch", lambda folder, plan: seen.append(folder.changes()))
    router.save(State(haproxy=GONE))
    process.start(router.home, config, (US,), with_control=False)
    router.save(msgspec.structs.replace(router.state(), haproxy=None))
    process.start(router.home, config, (US,), with_control=False)
    assert [changes.drained for changes in seen] == [("us",), ()]
