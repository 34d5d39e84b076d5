"""The hash chain of one account's events: each names the hash of the one before, so that a change or a gap shows.

`hash` = SHA-256 over `prev_hash` and the event as canonical JSON (sorted keys, no spaces), `hash` and `event_id` empty.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from alerts.tasks import TaskEvent

EVENT_ID_LENGTH = 32


class ChainBroken(ValueError):  # noqa: N818 - it is what happened; "ChainBrokenError" says it no better
    """The log of one account does not fit together; the message names the account and the place."""


def seal(draft: TaskEvent, seq: int, prev_hash: str) -> TaskEvent:
    """The draft as the account's event number `seq` + 1, after the event whose hash is `prev_hash`."""
    placed = msgspec.structs.replace(draft, seq=seq + 1, prev_hash=prev_hash, hash="", event_id="")
    digest = event_hash(placed)
    return msgspec.structs.replace(placed, hash=digest, event_id=digest[:EVENT_ID_LENGTH])


def event_hash(event: TaskEvent) -> str:
    """The hash that belongs to this event's content, whatever its `hash` field says."""
    bare = msgspec.structs.replace(event, hash="", event_id="")
    return hashlib.sha256(event.prev_hash.encode() + msgspec.json.encode(bare, order="sorted")).hexdigest()


def check_next(event: TaskEvent, seq: int, prev_hash: str) -> None:
    """Raises `ChainBroken` unless `event` is the untouched successor of event `seq` with hash `prev_hash`."""
    place = f"event {event.seq} of account {event.account_id}"
    if event.seq != seq + 1:
        raise ChainBroken(f"{place} follows event {seq}: events are missing between them")
    if event.prev_hash != prev_hash:
        raise ChainBroken(f"{place} does not name the hash of the event before it")
    if event.hash != event_hash(event) or event.event_id != event.hash[:EVENT_ID_LENGTH]:
        raise ChainBroken(f"{place} was changed after it was written")


def verify(events: Iterable[TaskEvent]) -> dict[str, int]:
    """Check whole chains, of any number of accounts mixed; returns events per account. Exact repeats are skipped.

    Raises:
        ChainBroken: an event is missing, changed, or written twice with different content.
    """
    heads: dict[str, tuple[int, str]] = {}
    for event in events:
        seq, prev_hash = heads.get(event.account_id, (0, ""))
        if event.seq == seq and event.hash == prev_hash:
            continue
        check_next(event, seq, prev_hash)
        heads[event.account_id] = (event.seq, event.hash)
    return {account_id: seq for account_id, (seq, _) in heads.items()}
