"""Demo accounts do not outlive the demo: whoever makes the cell a real one, or opens it to
others, disables them first."""

import io

import msgspec
import pytest
from rich.console import Console

from cells import demo_leaving, deploy, identity
from cells.calls import Answer
from cells.demo_exposure import check_cell_has_none
from cells.demo_leaving import disable_people
from cells.demo_people import Person, keep_people, read_people
from cells.errors import CellError
from cells.keys import make_keyring
from cells.parser import parser
from cells.paths import CellPaths
from cells.settings import Api, Identity, Region, RegionConfig, StoreAddresses
from router import process
from router.config import RouterConfig
from router.topology import Region as Routed

DEMO = RegionConfig(identity=Identity(demo_accounts=False))
REAL = msgspec.structs.replace(DEMO, region=Region(profile="production"))
OPEN = msgspec.structs.replace(DEMO, api=Api(host="10.0.0.7"))
PEOPLE = [Person(role, f"{role}@us.demo", "p", f"us-acct-{role}", "S", []) for role in ("manager", "ops")]
UNKNOWN = Answer(404, {"code": "account.unknown", "detail": "There is no such account."})


@pytest.fixture
def paths(tmp_path, monkeypatch):
    """Of a cell that has two."""
    monkeypatch.setenv("OCEFS_HOME", str(tmp_path))
    monkeypatch.delenv("OCEFS_CONFIG", raising=False)
    made = CellPaths("us")
    make_keyring(made)
    keep_people(made, PEOPLE)
    return made


@pytest.mark.parametrize(
    ("config", "router_host", "why"),
    [
        (REAL, "127.0.0.1", "production"),
        (OPEN, "127.0.0.1", "10.0.0.7"),
        (DEMO, "0.0.0.0", "router's host is '0.0.0.0'"),
    ],
)
def test_a_cell_is_opened_to_others_while_everybody_knows_its_passwords(paths, monkeypatch, config, router_host, why):
    monkeypatch.setattr(deploy, "load_router", lambda: RouterConfig(host=router_host))
    with pytest.raises(CellError, match=why) as raised:
        deploy.deploy(config, StoreAddresses(postgres_url="", owner_url="", redis_url=""))
    assert "python -m cells demo-people us --disable" in raised.value.next_step
    paths.demo_people.unlink()
    check_cell_has_none(config, router_host, paths)


def test_a_demo_on_loopback_does_not_start(paths):
    check_cell_has_none(DEMO, "localhost", paths)


def test_a_router_opens_a_running_demo_cell_to_others(paths, monkeypatch):
    monkeypatch.setattr(process, "launch", lambda *_: pytest.fail("it was opened"))
    us = Routed(
        name="us", countries=("US",), lat=39.8, lon=-98.6, default=True, host="127.0.0.1", port=8101, guarded=True
    )
    with pytest.raises(CellError, match="us has demo accounts"):
        process.start(paths.home, RouterConfig(host="0.0.0.0"), [us], with_control=False)


class Accounts:
    """The API; `refused`: what it answers for whom instead."""

    def __init__(self):
        self.disabled, self.refused = [], {}

    def __call__(self, method, url, body, headers, trust):
        account_id = url.split("/")[-2]
        assert body == {"change": "disable"}
        assert headers["Idempotency-Key"]
        if account_id in self.refused:
            return self.refused[account_id]
        if account_id not in {person.account_id for person in PEOPLE}:
            return UNKNOWN
        self.disabled.append(account_id)
        return Answer(200, {})


@pytest.fixture
def accounts(monkeypatch):
    made = Accounts()
    monkeypatch.setattr(demo_leaving, "call", made)
    monkeypatch.setattr(demo_leaving, "local_token", lambda *_: "token")
    return made


def test_one_who_is_not_disabled_is_forgotten(paths, accounts):
    accounts.refused["us-acct-ops"] = Answer(0, "")
    with pytest.raises(CellError, match=r"ops@us\.demo was not disabled: nobody answered"):
        disable_people(DEMO, paths, Console(quiet=True))
    assert accounts.disabled == ["us-acct-manager"]
    assert read_people(paths) == PEOPLE[1:]
    accounts.refused.clear()
    disable_people(DEMO, paths, Console(quiet=True))
    assert not paths.demo_people.exists()


def test_an_account_that_nobody_keeps_is_said_to_be_there_when_nobody_answers(paths, monkeypatch):
    paths.demo_people.unlink()
    monkeypatch.setattr(demo_leaving, "call", lambda *_, **__: Answer(0, ""))
    with pytest.raises(CellError, match=r"@us\.demo is not kept here, and whether .* is not known: nobody answered"):
        disable_people(DEMO, paths, Console(quiet=True))


def test_accounts_of_a_database_that_is_no_more_stand_in_the_way_for_ever(paths, accounts):
    accounts.refused = dict.fromkeys(("us-acct-manager", "us-acct-ops"), UNKNOWN)
    disable_people(DEMO, paths, Console(quiet=True))
    assert not paths.demo_people.exists()


def test_the_command_forgets_people_without_having_been_told_to_disable_them(paths, accounts):
    told = io.StringIO()
    identity.run(parser().parse_args(["demo-people", "us"]), Console(file=told))
    assert "ops@us.demo" in told.getvalue()
    assert read_people(paths) == PEOPLE
    assert not accounts.disabled
    identity.run(parser().parse_args(["demo-people", "us", "--disable"]), Console(file=told))
    assert not paths.demo_people.exists()
    assert "write demo_accounts = false" in told.getvalue()


def test_an_authenticator_is_played_for_accounts_that_there_are_to_be_none_of(paths, monkeypatch):
    monkeypatch.setattr(identity, "load_region", lambda name: DEMO)
    with pytest.raises(CellError, match="is to have no demo accounts"):
        identity.run(parser().parse_args(["code", "us", "manager"]), Console(quiet=True))
