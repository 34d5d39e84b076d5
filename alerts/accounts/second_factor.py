"""Time-based one-time codes (RFC 6238) through pyotp: six digits, 30 s, one step of tolerance, each code once."""

import re

import pyotp
from msgspec.structs import replace

from alerts.accounts.people import Person

STEP_MS = 30_000
ISSUER = "Churnwatch"
SECRET = re.compile(r"[A-Z2-7]{32}")


def new_secret() -> str:
    """160 random bits in base32."""
    return pyotp.random_base32()


def is_secret(text: str) -> bool:
    """Whether a form brought back a secret of ours."""
    return SECRET.fullmatch(text) is not None


def setup_uri(secret: str, login: str) -> str:
    """What an authenticator app reads (otpauth://)."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def fits(secret: str, code: str, now_ms: int) -> bool:
    """Whether a code is the one of now, for setting it up."""
    return _step_of(secret, code, now_ms, 0) is not None


def used(person: Person, code: str, now_ms: int) -> Person | None:
    """The person after using this code; None where it does not fit or was used before."""
    if person.totp_secret is None:
        return person
    step = _step_of(person.totp_secret, code, now_ms, person.totp_step)
    return None if step is None else replace(person, totp_step=step)


def _step_of(secret: str, code: str, now_ms: int, after: int) -> int | None:
    digits = code.replace(" ", "")
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return None
    now = now_ms // STEP_MS
    totp = pyotp.TOTP(secret)
    return next(
        (step for step in (now - 1, now, now + 1) if step > after and totp.verify(digits, for_time=step * 30)), None
    )
