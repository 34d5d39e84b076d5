"""Decoding one record, or saying why not (the reasons are `pipeline.events.RefusalReason`)."""

import math
from dataclasses import dataclass

import msgspec

from pipeline.events import RECORD_TYPES, Record, RefusalReason, Stream

#: What msgspec raises for bytes that are no such record; text that is no UTF-8 and endless nesting by exceptions of Python.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
MAX_RECORD_BYTES = 1_000_000
MAX_DETAIL_CHARS = 200

DECODERS: dict[Stream, msgspec.json.Decoder[Record]] = {
    stream: msgspec.json.Decoder(record_type) for stream, record_type in RECORD_TYPES.items()
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record was not taken; `detail` names the field, never the customer's data."""

    reason: RefusalReason
    detail: str = ""


def decode_record(stream: Stream, raw: bytes | None, max_bytes: int = MAX_RECORD_BYTES) -> Record | Refusal:
    """The record of this stream in `raw`, or the refusal.

    >>> decode_record(Stream.CDR, b"")
    Refusal(reason=<RefusalReason.EMPTY: 'empty'>, detail='')
    >>> decode_record(Stream.ORDERS, b'{"record_id": "o1"}').reason
    <RefusalReason.MISSING_FIELD: 'missing_field'>
    """
    if not raw:
        return Refusal(RefusalReason.EMPTY)
    if len(raw) > max_bytes:
        return Refusal(RefusalReason.TOO_LARGE, f"{len(raw)} bytes, at most {max_bytes}")
    try:
        return DECODERS[stream].decode(raw)
    except msgspec.ValidationError as error:
        return Refusal(_reason(str(error)), _detail(str(error)))
    except msgspec.DecodeError as error:
        return Refusal(RefusalReason.INVALID_JSON, _detail(str(error)))
    except UnicodeDecodeError:
        return Refusal(RefusalReason.NOT_UTF8)
    except RecursionError:
        return Refusal(RefusalReason.INVALID_JSON, "nested too deeply")


def _reason(message: str) -> RefusalReason:
    """Class of a msgspec validation message; its wording is covered by a test that fails when msgspec changes it."""
    if "missing required field" in message:
        return RefusalReason.MISSING_FIELD
    if message.startswith("Expected `object`") and "`$" not in message:
        return RefusalReason.NOT_AN_OBJECT
    if "Invalid enum value" in message:
        return RefusalReason.UNKNOWN_VALUE
    if any(word in message for word in (">=", "<=", "of length", "out of range", "Number out")):
        return RefusalReason.OUT_OF_RANGE
    if "is not valid UTF-8" in message or "utf-8" in message.lower():
        return RefusalReason.NOT_UTF8
    return RefusalReason.WRONG_TYPE


def _detail(message: str) -> str:
    """The message without a quoted value, since that could be a customer's."""
    text = message
    if text.startswith("Invalid enum value"):
        text = "Invalid enum value" + (text[text.rfind(" - at") :] if " - at" in text else "")
    return text[:MAX_DETAIL_CHARS]


def is_finite(value: float | None) -> bool:
    """Whether a number may enter the state."""
    return value is None or math.isfinite(value)
