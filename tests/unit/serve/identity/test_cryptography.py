"""Cryptography is made by ourselves, by a library that nobody checks, or by chance that can be
guessed (ASVS 5.0.0, 11.2.1)."""

import ast
import base64
import re
from pathlib import Path

import pytest
from argon2 import extract_parameters
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from serve.identity.passwords import hash_password

pytestmark = pytest.mark.real_hashes

PROJECT = Path(__file__).parents[4]
FOLDERS = ("actors", "cells", "partners", "router", "serve")
# What each does that signs, seals, hashes passwords or judges signatures, and by whose code.
BY = {
    "serve/identity/passwords.py": "argon2", "serve/identity/tokens.py": "joserfc", "serve/identity/sealing.py": "cryptography", "serve/identity/keyring.py": "cryptography",
    "serve/identity/ceremonies.py": "webauthn", "serve/identity/totp.py": "pyotp", "serve/keys/envelope.py": "cryptography", "cells/certs.py": "cryptography",
}  # fmt: skip
# Weak, nobody's to use: and what has more than one way to be chosen by its name.
WEAK = {"md5", "sha1", "new"}
ALLOWED = {("actors/storage/redis_journal.py", "sha1")}  # the name that Redis gives a script
# Whoever imports one of these stands in docs/security/crypto.md.
CRYPTOGRAPHY = {
    "hashlib", "hmac", "zlib", "ssl", "cryptography", "joserfc", "argon2", "webauthn", "pyotp", "boto3", "botocore",
}  # fmt: skip
UNKNOWN = {
    "Crypto",
    "Cryptodome",
    "nacl",
    "ecdsa",
    "rsa",
    "jwt",
    "jose",
    "authlib",
    "pyaes",
    "bcrypt",
    "passlib",
    "OpenSSL",
}


def imports_of(tree: ast.AST) -> set[str]:
    whole = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    return whole | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def hashes_of(tree: ast.AST) -> set[str]:
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "hashlib"
    }
    return used | {
        name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "hashlib"
        for name in node.names
    }


def test_a_module_signs_seals_or_hashes_by_something_else_than_its_library():
    for file, library in BY.items():
        roots = {name.partition(".")[0] for name in imports_of(ast.parse((PROJECT / file).read_text()))}
        assert library in roots, file


def test_a_weak_hash_or_a_library_that_nobody_chose_is_used():
    seen = 0
    for path in (path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.py")):
        tree, file = ast.parse(path.read_text()), str(path.relative_to(PROJECT))
        assert {(file, name) for name in hashes_of(tree) & WEAK} <= ALLOWED, file
        roots = {name.partition(".")[0] for name in imports_of(tree)}
        assert not roots & UNKNOWN, file
        if file.startswith("serve/identity/"):
            assert "random" not in roots, file
        seen += 1
    assert seen > 400


def test_the_list_of_all_cryptography_lacks_some_or_names_what_is_gone():
    folders = "|".join(FOLDERS)
    text = (PROJECT / "docs/security/crypto.md").read_text()
    told = set(re.findall(rf"`((?:{folders})/[a-z_0-9/]+\.py)`", text))
    used = {
        str(path.relative_to(PROJECT))
        for folder in FOLDERS
        for path in (PROJECT / folder).rglob("*.py")
        if "migrations" not in path.parts
        and {name.partition(".")[0] for name in imports_of(ast.parse(path.read_text()))} & CRYPTOGRAPHY
    }
    assert told == used


@pytest.mark.parametrize("text", ["four büs tickets to Lyon", "eleven grey kettles sing"])
def test_a_password_s_hash_is_not_the_argon2id_of_another_library(text):
    kept = hash_password(text)
    asked = extract_parameters(kept)
    salt, digest = (base64.b64decode(part + "=" * (-len(part) % 4)) for part in kept.split("$")[-2:])
    made = Argon2id(
        salt=salt,
        length=len(digest),
        iterations=asked.time_cost,
        lanes=asked.parallelism,
        memory_cost=asked.memory_cost,
    )
    assert made.derive(text.encode()) == digest
    assert (asked.time_cost, asked.memory_cost, asked.parallelism, len(salt), len(digest)) == (3, 65_536, 4, 16, 32)
