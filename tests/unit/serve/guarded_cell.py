"""The small cell with identity required, and people and machines that use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pyotp
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from actors.domain.ids import guest_of
from serve.identity.keyring import KeyringWatch, create, load
from serve.identity.tokens import Claims, issue, issuer_of
from serve.keys import envelope
from serve.keys.file_key import FileKey
from serve.permissions import PERMISSIONS
from tests.unit.serve.small_cell import SETTINGS, Cell, furnish_with

PASSWORD = "eleven grey kettles sing"


class GuardedCell(Cell):
    """`folder`: where its keys lie. `settings`: of the API, that shall differ."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        path = folder / "secrets" / "keyring.json"
        create(path, 1)
        self.keyring_path = path
        super().__init__(msgspec.structs.replace(SETTINGS, identity="required", keyring=str(path), **settings))
        self.keys = load(path)

    def claims(self, **more: Any) -> Claims:
        """Of a machine with every permission, by default."""
        now_s = self.clock.now // 1000
        said: dict[str, Any] = {
            "iss": issuer_of("us"), "sub": "us-client-test", "sid": "us-client-test.1", "role": "",
            "scopes": tuple(PERMISSIONS), "locs": (), "iat": now_s, "exp": now_s + 300, "auth_time": 0, "acr": "1",
            "num": 0, "dev": "", "dev_sid": "", "use": "access",
        }  # fmt: skip
        return Claims(**(said | more))

    def bearer(self, **more: Any) -> dict[str, str]:
        """The header of somebody with these claims."""
        return {"Authorization": f"Bearer {issue(self.keys, self.claims(**more))}"}

    def of_role(self, role: str, **more: Any) -> dict[str, str]:
        """The header of a person of that role, whose second factor is fresh."""
        return self.bearer(
            **({"role": role, "scopes": (), "acr": "2", "auth_time": self.clock.now // 1000, "sub": "us-acct-x"} | more)
        )

    def guest_of(self, order_id: str) -> dict[str, str]:
        """The header of somebody who proved by a code that he reads the mailbox that the order names."""
        found = self.gateway.entities["order", order_id][0]
        return self.of_role("guest", sub=order_id, sid=f"{guest_of(order_id, found.email_digest)}.0")

    def unsealed(self, sealed: bytes, place: str) -> bytes:
        """What is sealed under a data key, read as somebody with the cell's key file would."""
        key_id = envelope.key_of(sealed)
        state, _ = self.gateway.entities["data_key", key_id]
        unwrapping = FileKey(KeyringWatch(self.keyring_path), self.clock).unwrap(
            state.wrapped, state.wrapping, f"data-key:{key_id}"
        )
        try:
            unwrapping.send(None)  # the key file needs no waiting, so it comes to its end at once
        except StopIteration as done:
            return envelope.unseal(AESGCM(done.value), sealed, place)
        raise AssertionError("it waits for something")

    def next_code(self, secret: str) -> str:
        """What the authenticator shows 30 seconds from now; the clock is moved there."""
        self.clock.now += 30_000
        return pyotp.TOTP(secret).at(self.clock.now // 1000)

    def wrong_code(self, secret: str) -> str:
        """What the authenticator does not show, nor has just shown, nor will."""
        totp, now_s = pyotp.TOTP(secret), self.clock.now // 1000
        shown = {totp.at(now_s + 30 * step) for step in range(-2, 3)}
        return next(code for number in range(len(shown) + 1) if (code := f"{number:06}") not in shown)

    async def opened(self, login: str, role: str, locations: list[str] | None = None) -> str:
        """A new account with a password only, as if its person had taken that already; its id."""
        body = {"login": login, "role": role, "password": PASSWORD, "locations": locations or []}
        answer = await self.post("/v1/accounts", body, **self.bearer())
        assert answer.status_code == 201, answer.text
        account_id: str = answer.json()["account_id"]
        self.gateway.entities["account", account_id][0].given_until_ms = 0
        return account_id

    async def enrolled(self, login: str, role: str = "manager", locations: list[str] | None = None) -> "Person":
        """A new account with a second factor."""
        account_id = await self.opened(login, role, locations)
        person = Person(self, login, account_id)
        refused = await person.sign_in(code="")
        assert refused.json()["code"] == "session.factor_missing", refused.text
        factor = (await self.plain("/v1/factors", {"enrolment": refused.json()["enrolment"]})).json()
        person.secret = factor["secret"]
        confirmation = {"pending": factor["pending"], "code": self.next_code(person.secret)}
        confirmed = await self.plain("/v1/factors/confirmation", confirmation)
        assert confirmed.status_code == 200, confirmed.text
        person.recovery_codes = confirmed.json()["recovery_codes"]
        return person

    async def plain(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """A POST without a key."""
        return await self.http.post(path, json=body, headers=headers)


class Person:
    """Somebody with an account and an authenticator."""

    def __init__(self, cell: GuardedCell, login: str, account_id: str) -> None:
        self.cell = cell
        self.login = login
        self.account_id = account_id
        self.secret = ""
        self.recovery_codes: list[str] = []

    async def sign_in(self, password: str = PASSWORD, code: str | None = None, **more: Any) -> httpx.Response:
        """With the authenticator's next code, unless one is given."""
        if code is None:
            code = self.cell.next_code(self.secret)
        body = {"login": self.login, "password": password, "code": code, **more}
        return await self.cell.plain("/v1/sessions", body)

    async def tokens(self, **more: Any) -> dict[str, Any]:
        """Of a sign-in that has to work."""
        answer = await self.sign_in(**more)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


@asynccontextmanager
async def furnished(folder: Path, **more: Any) -> AsyncIterator[GuardedCell]:
    """With the small region's places, goods and stock."""
    made = GuardedCell(folder, **more)
    await furnish_with(made, made.bearer())
    yield made
    await made.http.aclose()


async def document_of(folder: Path) -> dict[str, Any]:
    """The document of the API of a cell that knows who asks."""
    made = GuardedCell(folder)
    told: dict[str, Any] = (await made.get("/openapi.json")).json()
    await made.http.aclose()
    return told
