"""One worker process of a comparison system: `python -m perf.compare.worker SYSTEM PORT [POSTGRES_URL]`.

Several workers share a port by SO_REUSEPORT, as OCEFS' own Serve replicas do.
"""

import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any

import uvicorn

from perf.compare import doors
from perf.compare.batched import Batched
from perf.compare.tuned import Tuned
from perf.compare.usual import Usual
from serve.door_protocol import protocol

BACKLOG = 2048
HEADER_BYTES_MAX = 16_384
HEAD_TIMEOUT_S = 10.0

APPS: Mapping[str, Callable[[str], Any]] = {
    "noop": lambda _: doors.RawDoor(doors.NoBackend()),
    "usual": lambda url: doors.fastapi_door(Usual(url)),
    "tuned": lambda url: doors.fastapi_door(Tuned(url)),
    "batched": lambda url: doors.fastapi_door(Batched(url)),
    "batched-asgi": lambda url: doors.RawDoor(Batched(url)),
}


def main() -> None:
    """Serves until SIGTERM."""
    system, port = sys.argv[1], int(sys.argv[2])
    url = sys.argv[3] if len(sys.argv) > 3 else ""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(BACKLOG)
    # The no-op stands behind the cell's own door; the others are served as one would serve them.
    http: Any = protocol(HEADER_BYTES_MAX, HEAD_TIMEOUT_S) if system == "noop" else "httptools"
    config = uvicorn.Config(
        APPS[system](url), loop="uvloop", http=http, log_level="error", access_log=False, lifespan="on"
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
