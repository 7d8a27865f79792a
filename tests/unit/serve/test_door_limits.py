"""What the door itself answers, ahead of every route, is framed, guessed or kept, or says less than other answers."""

import json

import httpx
import msgspec

from serve.door import Door
from tests.unit.serve.small_cell import SETTINGS, Cell
from tests.unit.serve.test_headers import check_hardened


async def test_a_connection_over_the_limit_gets_an_answer_of_uvicorn_s_own():
    cell = Cell(msgspec.structs.replace(SETTINGS, port=0, connections_max=1))
    door = Door(cell.app, cell.services.settings, cell.services.live.close)
    await door.open()
    try:
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"http://127.0.0.1:{door.port}/healthz")
    finally:
        await door.close()
    assert (answer.status_code, json.loads(answer.text)["code"]) == (429, "cell.busy")
    assert answer.headers["retry-after"]
    assert answer.headers["connection"] == "close"
    check_hardened(answer)


async def test_what_is_no_http_gets_an_answer_that_may_be_framed_or_kept():
    cell = Cell(msgspec.structs.replace(SETTINGS, port=0))
    door = Door(cell.app, cell.services.settings, cell.services.live.close)
    await door.open()
    try:
        async with httpx.AsyncClient() as http:
            answer = await http.get(
                f"http://127.0.0.1:{door.port}/", headers={"Transfer-Encoding": "chunked", "Content-Length": "1"}
            )
    finally:
        await door.close()
    assert answer.status_code == 400
    check_hardened(answer)
