"""Signed messages of dialers: a wrong, old or changed one is told apart, by a gate that never raises."""

import pytest

from alerts.dialers.signature import ID, SIGNATURE, TIME, HookGate, HookRefusal, sign

NOW_S = 1_700_000_000
SECRET = b"shared secret"
BODY = b'{"call": "t:1", "code": "SALE"}'


class Memory:
    """The two commands that the gate needs."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def exists(self, key: str) -> int:
        return int(key in self.kept)

    def set(self, key: str, value: str, ex: int) -> None:
        assert ex >= 600
        self.kept[key] = value


def gate(secret: bytes = SECRET) -> HookGate:
    return HookGate(secret, Memory(), "p")  # type: ignore[arg-type]  # a stand-in with what is used


def signed(**changes: str) -> dict[str, str]:
    return {**sign(SECRET, NOW_S, "message-1", BODY), **changes}


def test_a_message_signed_with_our_secret_is_taken_once() -> None:
    one = gate()
    assert one.refusal(signed(), BODY, NOW_S) is None
    one.taken(signed())
    assert one.refusal(signed(), BODY, NOW_S + 1) is HookRefusal.REPLAYED


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(**{SIGNATURE: "v1=" + "0" * 64}),
        signed(**{SIGNATURE: "v1=short"}),
        signed(**{ID: "message-2"}),
        signed(**{TIME: str(NOW_S + 1)}),
        signed(**{TIME: "soon"}),
        signed(**{TIME: "٣"}),
    ],
)
def test_a_wrong_signature_is_refused(headers: dict[str, str]) -> None:
    assert gate().refusal(headers, BODY, NOW_S) is HookRefusal.BAD_SIGNATURE


def test_a_changed_body_or_another_secret_is_refused() -> None:
    assert gate().refusal(signed(), BODY + b" ", NOW_S) is HookRefusal.BAD_SIGNATURE
    assert gate(b"other").refusal(signed(), BODY, NOW_S) is HookRefusal.BAD_SIGNATURE


@pytest.mark.parametrize("away_s", [-301, 301])
def test_a_message_from_another_time_is_refused(away_s: int) -> None:
    assert gate().refusal(signed(), BODY, NOW_S + away_s) is HookRefusal.TOO_OLD
