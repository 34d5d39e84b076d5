"""Signed messages between us and a dialer: HMAC-SHA-256 over time, id and body; too old or seen before is refused.

The three headers are `x-churnwatch-time` (epoch seconds), `x-churnwatch-id` and `x-churnwatch-signature`
(`v1=` and 64 hexadecimal digits over `time.id.body`).
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import redis

TIME, ID, SIGNATURE = "x-churnwatch-time", "x-churnwatch-id", "x-churnwatch-signature"
SHAPES = {
    TIME: re.compile(r"[0-9]{1,12}"),
    ID: re.compile(r"[A-Za-z0-9._:-]{8,100}"),
    SIGNATURE: re.compile(r"v1=[0-9a-f]{64}"),
}
TOLERANCE_S = 300


class HookRefusal(StrEnum):
    BAD_SIGNATURE = "bad_signature"
    TOO_OLD = "too_old"
    REPLAYED = "replayed"


def sign(secret: bytes, sent_s: int, message_id: str, body: bytes) -> dict[str, str]:
    """The headers of a message.

    >>> sign(b"secret", 1700000000, "m-00000001", b"{}")["x-churnwatch-signature"][:11]
    'v1=c72da266'
    """
    digest = hmac.new(secret, f"{sent_s}.{message_id}.".encode() + body, hashlib.sha256).hexdigest()
    return {TIME: str(sent_s), ID: message_id, SIGNATURE: f"v1={digest}"}


@dataclass(frozen=True, slots=True, repr=False)
class HookGate:
    """Lets a signed message in once.

    Args:
        secret: shared with the sender.
        client, prefix: where the ids of messages are remembered for as long as they could be sent again.
        tolerance_s: a message further from now is refused.
    """

    secret: bytes
    client: redis.Redis
    prefix: str
    tolerance_s: int = TOLERANCE_S

    def refusal(self, headers: Mapping[str, str], body: bytes, now_s: float) -> HookRefusal | None:
        """Why a message is not taken; None where it is. Looks only: see `taken`."""
        if any(not shape.fullmatch(headers.get(name, "")) for name, shape in SHAPES.items()):
            return HookRefusal.BAD_SIGNATURE
        expected = sign(self.secret, int(headers[TIME]), headers[ID], body)
        if not hmac.compare_digest(expected[SIGNATURE], headers[SIGNATURE]):
            return HookRefusal.BAD_SIGNATURE
        if abs(now_s - int(headers[TIME])) > self.tolerance_s:
            return HookRefusal.TOO_OLD
        return HookRefusal.REPLAYED if self.client.exists(self._key(headers[ID])) else None

    def taken(self, headers: Mapping[str, str]) -> None:
        """Remember a message that was dealt with. Of two at once both may pass: the attempt is recorded once even so."""
        self.client.set(self._key(headers[ID]), "1", ex=2 * self.tolerance_s)

    def _key(self, message_id: str) -> str:
        return f"{self.prefix}:hook:{message_id}"
