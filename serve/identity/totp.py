"""The second factor: codes by time (TOTP, RFC 6238: SHA-1, six digits, 30 s, what every authenticator app knows), and
recovery codes for the day that the phone is lost."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata

import pyotp
import segno

STEP_S = 30
DIGITS = 6
SECRET_BYTES = 20  # RFC 4226, section 4, R6: as long as a SHA-1 digest
# Crockford's base32: no i, l, o, u.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LOOK_ALIKES = str.maketrans("oil", "011")
# 7 × 4 × 5 bits = 140 bits: 128 at least (ASVS 5.0.0, 11.5.1), and from 112 on a plain hash is enough (6.5.2; NIST SP
# 800-63B-4, section 3.1.2.2).
_RECOVERY_GROUPS = 7
_RECOVERY_GROUP_CHARS = 4


def new_secret() -> bytes:
    """A fresh secret of SECRET_BYTES bytes."""
    return secrets.token_bytes(SECRET_BYTES)


def provisioning_uri(secret: bytes, shown_as: str, issuer: str) -> str:
    """The `otpauth://` address that an authenticator app takes. It holds the secret: show it once,
    store and log it never."""
    return _totp(secret).provisioning_uri(name=shown_as, issuer_name=issuer)


def qr_svg(uri: str) -> str:
    """A QR code as an `<svg>` for inside a page: dark on white in any theme, sized by the
    page, without inline styles."""
    code = segno.make(uri, error="m", micro=False)
    return code.svg_inline(omitsize=True, dark="#000", light="#fff")


def matching_step(secret: bytes, code: str, now_s: int, window: int = 1) -> int:
    """The number of the 30-s step (since 1970) that the code belongs to, at most `window` steps from now; 0 if none.
    Blanks are taken out: `123 456` is how authenticators show it.

    A code must be taken once only (RFC 6238, section 5.2): the caller keeps the last step that was
    taken and wants a later one.
    """
    code = "".join(code.split())
    if len(code) != DIGITS or not code.isascii() or not code.isdigit():
        return 0
    totp = _totp(secret)
    now_step = now_s // STEP_S
    found = 0
    for step in range(max(1, now_step - window), now_step + window + 1):  # all of them, so that time does not tell
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            found = step
    return found


def new_recovery_codes(count: int = 10) -> list[str]:
    """Codes of 140 random bits, like `7k3q-9xwd-m4tz-c05n-vr2h-81ep-6fgs`, each for one use. Shown once;
    kept as `recovery_hash`."""
    return [_recovery_code() for _ in range(count)]


def recovery_hash(code: str) -> str:
    """SHA-256 (hex) of a recovery code, however it was written: capitals, dashes, blanks, o for 0, i and l for 1.

    A slow hash would add nothing: 140 random bits can't be guessed one by one. Accounts that were enrolled before these
    have codes of 24 or 12 characters; they are read alike.
    """
    plain = "".join(unicodedata.normalize("NFKC", code).casefold().split()).replace("-", "").translate(_LOOK_ALIKES)
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def _totp(secret: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(base64.b32encode(secret).decode("ascii"), digits=DIGITS, interval=STEP_S)


def _recovery_code() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_GROUP_CHARS)) for _ in range(_RECOVERY_GROUPS))
    return "-".join(groups)
