"""Work is given to people and machines that somebody names: each fact that keeps one from it, by itself."""

from __future__ import annotations

import pytest

from actors.domain.account_commands import Disable, OpenAccount
from actors.domain.client import DisableClient, RegisterClient
from actors.domain.device import ClaimDevice, EnrolDevice, RevokeDevice
from actors.domain.ids import account_id, client_id, device_id
from actors.runtime.mailbox import UNAVAILABLE
from serve.problems import Problem
from serve.subjects import may_do
from tests.unit.serve.guarded_cell import GuardedCell

HERE, ELSEWHERE = "us-wh-seattle", "us-st-portland"
ACCOUNT, CLIENT, DEVICE = account_id("us", b"t" * 16), client_id("us", "shop"), device_id("us", 1, "dock 3")
WORK = "floor.work"


def person(role, *locations):
    return ACCOUNT, OpenAccount(role, list(locations), "hash")


def machine(scope, *locations):
    return CLIENT, RegisterClient([scope], list(locations), "00" * 32)


def scanner(scope, location_id):
    return DEVICE, EnrolDevice("dock 3", "scanner", location_id, [scope], b"digest")


CLAIMED = ClaimDevice(b"digest", b"k" * 32)
KINDS = {ACCOUNT: "account", CLIENT: "client", DEVICE: "device"}
# (may it at HERE, in the whole region; who it is; what came after)
CASES = {
    "a person": (True, True, person("associate"), []),
    "a person of here": (True, False, person("associate", HERE), []),
    "a person of elsewhere": (False, False, person("associate", ELSEWHERE), []),
    "a person of another role": (False, False, person("driver", HERE), []),
    "a disabled person": (False, False, person("associate"), [Disable()]),
    "a machine": (True, True, machine(WORK), []),
    "a machine of here": (True, False, machine(WORK, ELSEWHERE, HERE), []),
    "a machine of elsewhere": (False, False, machine(WORK, ELSEWHERE), []),
    "a machine of another scope": (False, False, machine("orders.read"), []),
    "a disabled machine": (False, False, machine(WORK), [DisableClient()]),
    "a device of here": (True, False, scanner(WORK, HERE), [CLAIMED]),
    "a device of elsewhere": (False, False, scanner(WORK, ELSEWHERE), [CLAIMED]),
    "a device of another scope": (False, False, scanner("orders.read", HERE), [CLAIMED]),
    "a device that nobody claimed": (False, False, scanner(WORK, HERE), []),
    "a revoked device": (False, False, scanner(WORK, HERE), [CLAIMED, RevokeDevice(HERE)]),
}


@pytest.fixture
async def cell(tmp_path):
    made = GuardedCell(tmp_path)
    yield made
    await made.http.aclose()


@pytest.mark.parametrize(("here", "everywhere", "who", "then"), CASES.values(), ids=CASES.keys())
async def test_work_is_given_to_whoever_can_not_do_it_there(cell, here, everywhere, who, then):
    subject, made = who
    for number, command in enumerate([made, *then]):
        reply = await cell.gateway.ask(KINDS[subject], subject, command, command_id=f"c{number}", digest=number)
        assert reply.status == 0, reply.body
    assert await may_do(cell.services, subject, WORK, HERE, "r") == here
    assert await may_do(cell.services, subject, WORK, "", "r") == everywhere


@pytest.mark.parametrize("subject", [ACCOUNT, CLIENT, DEVICE, "tom", "", account_id("eu", b"t" * 16)])
async def test_work_is_given_to_whom_nobody_knows(cell, subject):
    assert not await may_do(cell.services, subject, WORK, HERE, "r")


@pytest.mark.parametrize("subject", [ACCOUNT, CLIENT, DEVICE])
async def test_who_can_do_the_work_is_called_unfit_while_nobody_can_tell(cell, subject):
    cell.gateway.fault = UNAVAILABLE
    with pytest.raises(Problem) as raised:
        await may_do(cell.services, subject, WORK, HERE, "r")
    assert raised.value.status == 503
