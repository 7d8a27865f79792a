"""`[keys]`: what is wrong there is named, with what would be right."""

import pytest

from cells.config import PROJECT, load_region
from cells.errors import ConfigError

VAULT = 'port = "vault"\naddress = "https://vault.example:8200"\nkey = "ocefs-us"\n'
AWS = 'port = "aws-kms"\naws_region = "us-east-1"\nkey = "alias/ocefs-us"\n'


def loaded(folder, text):
    (folder / "us.toml").write_text(f"[keys]\n{text}")
    return load_region("us", folder).keys


def test_a_region_that_says_nothing_needs_a_service(tmp_path):
    keys = loaded(tmp_path, "")
    assert (keys.port, keys.mount, keys.key) == ("file", "transit", "")


@pytest.mark.parametrize(
    "text",
    [
        VAULT,
        VAULT + 'mount = "kms/transit_2"\ntoken_file = "secrets/token"\nca_file = "/etc/ocefs/vault.pem"\n',
        VAULT.replace("https://vault.example", "http://127.0.0.1"),
        VAULT.replace("https://vault.example", "http://localhost"),
        VAULT.replace("https://vault.example", "http://[::1]"),
        AWS,
        AWS.replace("us-east-1", "us-gov-west-1").replace(
            "alias/ocefs-us", "arn:aws:kms:us-east-1:111122223333:key/mrk-1"
        ),
        AWS + 'endpoint_url = "http://127.0.0.1:4566"\n',
    ],
)
def test_a_right_port_is_refused(tmp_path, text):
    assert loaded(tmp_path, text).port in text


@pytest.mark.parametrize(
    ("text", "where", "right"),
    [
        ('prot = "vault"\n', "keys.prot", "did you mean 'port'"),
        ('port = "gcp"\n', "keys.port", 'it is one of: "file", "vault", "aws-kms"'),
        ('port = "vault"\nkey = "k"\n', "keys.address is missing", 'address = "https://vault.example.com:8200"'),
        ('port = "vault"\naddress = "https://v"\n', "keys.key is missing", 'key = "ocefs-us"'),
        (VAULT.replace("https", "http"), "keys.address must be https", "https://vault.example.com:8200"),
        (VAULT.replace("https://", ""), "keys.address must begin with https://", "https://vault.example.com:8200"),
        (VAULT.replace("vault.example", "user:word@vault.example"), "keys.address must have neither", "https://vault"),
        (VAULT.replace("8200", "eight"), "keys.address is no URL", "https://vault.example.com:8200"),
        (VAULT.replace("ocefs-us", "../sys/seal"), "keys.key is '../sys/seal'", 'key = "ocefs-us"'),
        (VAULT + 'mount = "../sys"\n', "keys.mount", 'mount = "transit"'),
        (VAULT + 'aws_region = "us-east-1"\n', 'keys.aws_region is for another port, and keys.port is "vault"', 'port = "aws-kms"'),
        ('address = "https://v"\n', 'keys.address is for another port, and keys.port is "file"', 'port = "vault"'),
        ('port = "aws-kms"\nkey = "k"\n', "keys.aws_region is missing", 'aws_region = "us-east-1"'),
        ('port = "aws-kms"\naws_region = "us-east-1"\n', "keys.key is missing", 'key = "alias/ocefs-us"'),
        (AWS.replace("us-east-1", "Virginia"), "keys.aws_region", "aws_region"),
        (AWS.replace("alias/ocefs-us", "alias ocefs"), "keys.key is 'alias ocefs'", 'key = "alias/ocefs-us"'),
        (AWS + 'endpoint_url = "http://kms.example"\n', "keys.endpoint_url must be https", "https://kms.us-east-1"),
        (AWS + 'token_file = "t"\n', "keys.token_file is for another port", 'port = "vault"'),
    ],
)  # fmt: skip
def test_a_wrong_port_is_taken_or_not_explained(tmp_path, text, where, right):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert "us.toml" in caught.value.problem
    assert where in caught.value.problem
    assert right in caught.value.next_step


def test_a_path_is_meant_from_where_one_happens_to_stand(tmp_path):
    keys = loaded(tmp_path, VAULT + 'token_file = "secrets/token"\nca_file = "/etc/vault.pem"\n')
    assert keys.token_file == str(PROJECT / "secrets" / "token")
    assert keys.ca_file == "/etc/vault.pem"
