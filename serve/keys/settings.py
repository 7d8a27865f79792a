"""Which port a region's key is behind, and where that is. No secret among it: tokens and credentials come from
files or the environment."""

from __future__ import annotations

from typing import Literal

import msgspec


class KeyPort(msgspec.Struct, frozen=True, kw_only=True):
    """`[keys]` of the region's config, checked (`cells/key_config.py`).

    `key`: its name in Vault; its id, alias (`alias/…`) or ARN in AWS. Vault only: `address`, `mount`, `token_file` ("":
    the environment has the token), `ca_file` (PEM; "": the system's CAs). AWS only: `aws_region`, `endpoint_url` ("":
    what AWS's own settings say).
    """

    port: Literal["file", "vault", "aws-kms"] = "file"
    key: str = ""
    address: str = ""
    mount: str = "transit"
    token_file: str = ""
    ca_file: str = ""
    aws_region: str = ""
    endpoint_url: str = ""
