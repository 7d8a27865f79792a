"""The region's key in AWS KMS: a symmetric key that never leaves it.

    wrap     Encrypt       with the encryption context {"place": …}, which KMS authenticates (and CloudTrail notes: ids only)
    unwrap   Decrypt       by the key that wrapped it, with the same context
    learn    DescribeKey   which key an alias stands for, and that it is one that encrypts

A wrapping is named "aws-kms:<id of the key>". The yearly rotation inside KMS does not change it and needs no wrapping
anew; an alias that is made to stand for another key does. Credentials are found as AWS's tools find them: environment,
shared files, the role of container or machine.

botocore waits in threads: it is what AWS itself keeps, and those of this pool are nobody else's.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, PartialCredentialsError
from botocore.session import Session

from actors.runtime.ports import Clock
from serve.keys.port import KeyUnavailable, KeyUnusable
from serve.keys.remote_key import KeyRefused, RemoteKey
from serve.keys.settings import KeyPort

TRIES = 3
_CONNECT_S = 1.5
_READ_S = 2.0
_THREADS = 8
# The limit of KMS for what Decrypt takes.
_WRAPPED_BYTES_MAX = 6144
_HEAD = "aws-kms:"
_NOT_OPENED = {"InvalidCiphertextException", "IncorrectKeyException", "NotFoundException"}
_REFUSED = {
    "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException",
    "IncompleteSignature", "MissingAuthenticationToken", "NotFoundException", "InvalidArnException", "InvalidKeyUsageException",
    "DisabledException", "KMSInvalidStateException", "ValidationException",
}  # fmt: skip
# At its lowest level it would tell the bodies of requests, and with them keys in the clear.
logging.getLogger("botocore").setLevel(logging.WARNING)


class AwsKms(RemoteKey):
    """`RegionKey` on AWS KMS. Raises KeyRefused when AWS's settings are not enough to call anybody."""

    def __init__(self, told: KeyPort, clock: Clock) -> None:
        super().__init__(clock)
        self._key = told.key
        config = Config(
            connect_timeout=_CONNECT_S, read_timeout=_READ_S, max_pool_connections=_THREADS,
            retries={"mode": "standard", "total_max_attempts": TRIES},
        )  # fmt: skip
        try:
            self._client: Any = Session().create_client(
                "kms", region_name=told.aws_region or None, endpoint_url=told.endpoint_url or None, config=config
            )
        except (BotoCoreError, ValueError) as error:
            raise KeyRefused(f"AWS's settings can't be used: {error}") from None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="aws-kms")

    def __repr__(self) -> str:
        return f"<AwsKms {self._key}>"

    async def close(self) -> None:
        """See RemoteKey."""
        await super().close()
        # What hangs there ends by its own deadline.
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def _present(self) -> str:
        key = (await self._call("describe_key", KeyId=self._key))["KeyMetadata"]
        if key.get("KeySpec") != "SYMMETRIC_DEFAULT" or key.get("KeyUsage") != "ENCRYPT_DECRYPT":
            raise KeyRefused(
                f"the KMS key {self._key} is {key.get('KeySpec')} for {key.get('KeyUsage')}; it must be symmetric, to encrypt"
            )
        if key.get("KeyState") != "Enabled":
            raise KeyRefused(f"the KMS key {self._key} is {key.get('KeyState')}, not Enabled")
        return self._named(key["Arn"])

    async def _wrapped(self, key: bytes, place: str) -> tuple[bytes, str]:
        told = await self._call("encrypt", KeyId=self._key, Plaintext=key, EncryptionContext={"place": place})
        return told["CiphertextBlob"], self._named(told["KeyId"])

    async def _unwrapped(self, wrapped: bytes, wrapping: str, place: str) -> bytes:
        key = wrapping.removeprefix(_HEAD)
        if not key or key == wrapping or not 0 < len(wrapped) <= _WRAPPED_BYTES_MAX:
            raise KeyUnusable(f"not wrapped by AWS KMS: {wrapping}")
        told = await self._call("decrypt", KeyId=key, CiphertextBlob=wrapped, EncryptionContext={"place": place})
        plain: bytes = told["Plaintext"]
        return plain

    def _named(self, arn: str) -> str:
        """Keys of another account have no shorter name than their ARN."""
        return _HEAD + (arn if self._key.startswith("arn:") else arn.rpartition("/")[2])

    async def _call(self, name: str, **asked: Any) -> dict[str, Any]:
        """Raises KeyUnavailable, KeyUnusable."""
        work = partial(getattr(self._client, name), **asked)
        try:
            told: dict[str, Any] = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except ClientError as error:
            raise _refusal(name, str(error.response.get("Error", {}).get("Code")), self._key) from None
        except (NoCredentialsError, PartialCredentialsError, NoRegionError) as error:
            raise KeyRefused(f"AWS KMS can't be asked: {error}") from None
        except BotoCoreError as error:
            raise KeyUnavailable(f"AWS KMS can't be reached ({type(error).__name__})") from None
        return told


def _refusal(name: str, code: str, key: str) -> Exception:
    """What an error code of KMS means here. Codes that are not listed pass, or may: throttling, faults inside."""
    problem = f"AWS KMS refuses {name} by {key}: {code}"
    if name == "decrypt" and code in _NOT_OPENED:
        return KeyUnusable(problem)
    return KeyRefused(problem) if code in _REFUSED else KeyUnavailable(problem)
