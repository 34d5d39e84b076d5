"""Fields of a call record by number, and how the compiled scan knows their keys (docs/adr/0048-columns-from-bytes.md)."""

import numpy as np

from pipeline.compiled import inlined
from pipeline.events import CallDetailRecord
from pipeline.sources.plain_tokens import Numbers, Text, string_stop
from pipeline.words import word_at

#: Fields by number; 0 is any other, and its place tells whether a field was there twice.
FIELDS = ("", *CallDetailRecord.__struct_fields__)
OTHER = 0
_PLACE = {name: number for number, name in enumerate(FIELDS)}
RECORD_ID, ACCOUNT_ID, LINE_ID, PEER_ID, SESSION_ID = (
    _PLACE[name] for name in ("record_id", "account_id", "line_id", "peer_id", "session_id")
)
TS_MS, RECEIVED_MS, DURATION_S, CHARGE = (_PLACE[name] for name in ("ts_ms", "received_ms", "duration_s", "charge"))
BYTES_UP, BYTES_DOWN, PARTIAL_SEQ = (_PLACE[name] for name in ("bytes_up", "bytes_down", "partial_seq"))
#: What makes a combination: fields of a few words, whose bytes as a whole the decoder has judged.
WORDS = np.array(
    [
        _PLACE[name]
        for name in (
            "service", "direction", "peer_operator", "peer_kind", "roaming", "source", "forward_to_operator"
        )
    ]
)  # fmt: skip
PLACING = np.isin(np.arange(len(FIELDS)), (TS_MS, RECEIVED_MS, ACCOUNT_ID))
NAME_SIZES = np.array([len(name) for name in FIELDS])
#: Keys as they are written, in words of eight bytes, and which of their bytes count.
_KEYS = [f'"{name}"'.encode() for name in FIELDS]
KEY_WORDS, KEY_MASKS = (
    np.array([list(key.ljust(24, b"\0")) for key in keys], np.uint8).view(np.uint64)
    for keys in (_KEYS, [b"\xff" * len(key) for key in _KEYS])
)
#: Keys of a line whose field is foreseen by the line before.
KEYS_FORESEEN = 64


@inlined
def field_of(text: Text, at: int, order: Numbers, number: int) -> tuple[int, int]:
    """Field of the key that begins here, and behind the key; -1 where it is odd."""
    is_foreseen = number < len(order)
    if is_foreseen and order[number] != OTHER:
        field = order[number]
        if is_key(text, at, field):
            return int(field), int(at + NAME_SIZES[field] + 2)
    stop = string_stop(text, at)
    if stop < 0:
        return OTHER, -1
    for field in range(1, len(NAME_SIZES)):
        if is_key(text, at, field):
            if is_foreseen:
                order[number] = field
            return field, stop
    return OTHER, stop


@inlined
def is_key(text: Text, at: int, field: int) -> bool:
    """Whether the key of this field begins here."""
    if (word_at(text, at) ^ KEY_WORDS[field, 0]) & KEY_MASKS[field, 0]:
        return False
    if NAME_SIZES[field] <= 6:
        return True
    second = (word_at(text, at + 8) ^ KEY_WORDS[field, 1]) & KEY_MASKS[field, 1]
    third = (word_at(text, at + 16) ^ KEY_WORDS[field, 2]) & KEY_MASKS[field, 2]
    return not (second | third)
