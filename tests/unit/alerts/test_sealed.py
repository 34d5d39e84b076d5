"""Sealed records: readable with the key, useless without it, and tied to their place."""

import msgspec
import pytest

from alerts.sealed import SealedRecord, Sealer, SealError
from alerts.sealed_view import decoded

NUMBER = b"+8613800138000"


def sealer(key_id: str = "v1", key: bytes = b"k" * 32, **more: dict[str, bytes]) -> Sealer:
    return Sealer("vault", key_id, key, **more)


def test_what_was_sealed_is_opened_again_and_cannot_be_read_meanwhile() -> None:
    record = sealer().seal("l-1", NUMBER, 1, "a-1")
    assert sealer().open(record) == NUMBER
    assert NUMBER not in msgspec.json.encode(record)


def test_the_same_number_sealed_twice_looks_different() -> None:
    one, other = (sealer().seal("l-1", NUMBER, 1) for _ in range(2))
    assert one.body != other.body


@pytest.mark.parametrize(
    "changes", [{"name": "l-2"}, {"account_id": "a-2"}, {"nonce": "AAAAAAAAAAAAAAAA"}, {"body": "AAAA"}, {"body": "?"}]
)
def test_a_record_that_was_changed_or_moved_is_not_opened(changes: dict[str, str]) -> None:
    record = msgspec.structs.replace(sealer().seal("l-1", NUMBER, 1, "a-1"), **changes)
    with pytest.raises(SealError, match="changed"):
        sealer().open(record)


def test_another_topic_or_key_does_not_open_it() -> None:
    record = sealer().seal("l-1", NUMBER, 1)
    with pytest.raises(SealError):
        Sealer("accounts", "v1", b"k" * 32).open(record)
    with pytest.raises(SealError):
        sealer(key=b"o" * 32).open(record)


def test_after_a_change_of_keys_old_records_are_opened_with_the_old_key() -> None:
    record = sealer().seal("l-1", NUMBER, 1)
    rotated = sealer("v2", b"n" * 32, older={"v1": b"k" * 32})
    assert rotated.open(record) == NUMBER
    assert rotated.seal("l-1", NUMBER, 2).key_id == "v2"
    with pytest.raises(SealError, match="'v1'"):
        sealer("v2", b"n" * 32).open(record)


def test_a_sealer_shows_no_key() -> None:
    assert "kkk" not in repr(sealer())


def test_the_latest_of_each_name_counts_and_what_cannot_be_read_is_counted() -> None:
    first, second = (msgspec.json.encode(SealedRecord("a", "v1", "", "", ts)) for ts in (1, 2))
    changes, refused = decoded([("a", first), ("b", first), ("a", second), ("b", None), ("c", b"{}")])
    assert changes["a"] is not None
    assert changes["a"].ts_ms == 2
    assert changes["b"] is None
    assert refused == 1
