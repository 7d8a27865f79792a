"""docs/security/connections.md: nothing opens a connection of which nobody has written down where it goes."""

import ast
import re
from pathlib import Path

PROJECT = Path(__file__).parents[3]
TEXT = (PROJECT / "docs" / "security" / "connections.md").read_text()
FOLDERS = ("actors", "cells", "partners", "router", "serve")
# What connections are opened by.
CLIENTS = (
    "socket", "httpx", "http.client", "urllib.request", "boto3", "botocore", "redis", "psycopg", "sqlalchemy.create_engine", "grpc", "smtplib", "ftplib",
    "requests", "aiohttp", "websockets", "hvac",
)  # fmt: skip
OPENS = {"open_connection", "open_unix_connection", "create_connection", "create_unix_connection"}
# They listen, look whether something could, or ask a store that they have just started by its own socket.
NONE = {
    "serve/door.py",
    "serve/ray_door.py",
    "router/process.py",
    "cells/redis.py",
    "cells/checks.py",
}


def reaches(path: Path) -> bool:
    text = path.read_text()
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Attribute) and node.attr in OPENS:
            return True
    return any(name == client or name.startswith(f"{client}.") for name in names for client in CLIENTS)


def test_a_module_opens_a_connection_that_is_on_no_list():
    found = {
        str(path.relative_to(PROJECT))
        for folder in FOLDERS
        for path in (PROJECT / folder).rglob("*.py")
        if reaches(path)
    }
    outside = {file for file in found if not file.startswith("actors/storage/")}
    assert {file for file in outside if f"`{file}`" not in TEXT} == NONE
    for file in (
        "actors/webhook.py",
        "actors/audit_forwarder.py",
        "serve/keys/vault_transit.py",
        "serve/keys/aws_kms.py",
        "router/admin_socket.py",
        "cells/calls.py",
        "actors/link.py",
    ):
        assert file in outside, file


def test_the_rules_for_one_machine_reject_what_is_of_no_user():
    """Packets of the kernel's own sockets match neither `skuid` nor `skuid !=`: what is not asked for the cell's user
    must not come to a reject."""
    (table,) = re.findall(r"^```\n(table inet .*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    chains = {
        name: [rule.strip() for rule in rules.splitlines() if rule.strip()]
        for name, rules in re.findall(r"^  chain (\w+) {\n(.*?)^  }$", table, re.MULTILINE | re.DOTALL)
    }
    assert chains.pop("out") == [
        "type filter hook output priority 0; policy accept;",
        'meta skuid "ocefs" jump cell',
    ]
    assert list(chains) == ["cell"]
    assert not any("hook" in rule for rule in chains["cell"])
    assert chains["cell"][-1].endswith("reject")
    # As the NetworkPolicy has it.
    assert {"udp dport 53 accept", "tcp dport 53 accept"} <= set(chains["cell"])
