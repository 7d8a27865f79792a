"""The register of personal data breaches."""
