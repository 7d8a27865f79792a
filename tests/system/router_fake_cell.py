"""A cell as the router sees it: an HTTP server that says what reached it. Run as
`python router_fake_cell.py NAME PORT`.

/readyz         200
/v1/live        an event, 1.5 s of silence, another event; of /v1/live?held the silence begins once /v1/seen was asked for
/v1/421         421 with the right region, as a cell answers an order of another region
/v1/503         the cell's own 503
/v1/break-once  closes the connection without an answer the first time
/v1/slow        answers after 30 s
anything else   200 with what arrived, as JSON
"""

import asyncio
import json
import sys

broken: list[str] = []
seen = asyncio.Event()


async def body_of(reader: asyncio.StreamReader, headers: dict[str, str]) -> int:
    if headers.get("transfer-encoding") != "chunked":
        return len(await reader.readexactly(int(headers.get("content-length", 0))))
    size = 0
    while chunk := int(await reader.readline(), 16):
        size += len(await reader.readexactly(chunk))
        await reader.readline()
    await reader.readline()
    return size


def response(status: int, value: object, kind: str = "application/json") -> bytes:
    body = json.dumps(value).encode()
    return (
        f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nretry-after: 9\r\n\r\n".encode()
        + body
    )


async def live(writer: asyncio.StreamWriter, held: bool) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: one\n\n")
    await writer.drain()
    if held:
        await seen.wait()
    await asyncio.sleep(1.5)
    writer.write(b"data: two\n\n")
    await writer.drain()


async def serve(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            method, target, _ = first.split(" ")
            headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines)}
            size = await body_of(reader, headers)
            path, _, query = target.partition("?")
            if path == "/v1/live":
                await live(writer, query == "held")
                return
            if path == "/v1/seen":
                seen.set()
            if path == "/v1/break-once" and not broken:
                broken.append(path)
                return
            if path == "/v1/slow":
                await asyncio.sleep(30)
            if path in ("/v1/421", "/v1/503"):
                problem = {"code": "cell.own", "region": "eu"}
                writer.write(response(int(path[-3:]), problem, "application/problem+json"))
            else:
                writer.write(
                    response(
                        200, {"cell": name, "method": method, "target": target, "headers": headers, "body_bytes": size}
                    )
                )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(name: str, port: int) -> None:
    server = await asyncio.start_server(lambda r, w: serve(name, r, w), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
