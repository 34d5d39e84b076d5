"""JSON as files of records hold it: one object a line, one array a line, or an array with one object a line."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from pipeline.events import Record, RefusalReason
from pipeline.refusals import Refusal
from pipeline.sources.native import Understood
from pipeline.sources.port import unreadable

#: A line is at most a megabyte; so many objects fit only when they hold nothing.
MAX_OBJECTS = 10_000
#: What msgspec repeats of a value that is none of an enumeration's.
_QUOTED = re.compile(r"'.*'", re.DOTALL)
#: Words of msgspec's messages; any other one is about a type.
_REASONS = (
    ("missing required field", RefusalReason.MISSING_FIELD),
    ("Invalid enum value", RefusalReason.UNKNOWN_VALUE),
    (">=", RefusalReason.OUT_OF_RANGE),
    ("<=", RefusalReason.OUT_OF_RANGE),
    ("of length", RefusalReason.OUT_OF_RANGE),
    ("out of range", RefusalReason.OUT_OF_RANGE),
)
Shape = TypeVar("Shape", bound=msgspec.Struct)
ReadObject = Callable[[dict[str, Any]], Understood]


def each_object(read: ReadObject) -> Callable[[bytes], Understood]:
    """Turn a reader of one object into one of a line; a line with one bad object is refused as a whole."""

    def understand(line: bytes) -> Understood:
        found = objects_of(line)
        if isinstance(found, Refusal):
            return found
        records: list[Record] = []
        for each in found:
            understood = read(each)
            if isinstance(understood, Refusal):
                return understood
            records += understood
        return records

    return understand


def objects_of(line: bytes) -> list[dict[str, Any]] | Refusal:
    """The objects of a line; none for the brackets of an array that goes over many lines.

    >>> objects_of(b'[{"a": 1},{"a": 2}]'), objects_of(b'{"a": 1},'), objects_of(b"[")
    ([{'a': 1}, {'a': 2}], [{'a': 1}], [])
    """
    text = line.strip().removesuffix(b",")
    if text in (b"[", b"]"):
        return []
    try:
        value = msgspec.json.decode(text)
    except UnicodeDecodeError:
        return Refusal(RefusalReason.NOT_UTF8)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return Refusal(
            RefusalReason.INVALID_JSON, "one JSON object, or one array of objects, a line: jq -c makes it so"
        )
    found = value if isinstance(value, list) else [value]
    if len(found) > MAX_OBJECTS:
        return Refusal(RefusalReason.TOO_LARGE, f"{len(found)} objects in one line, at most {MAX_OBJECTS}")
    if not all(isinstance(each, dict) for each in found):
        return Refusal(RefusalReason.NOT_AN_OBJECT)
    return found


def as_shape(value: dict[str, Any], shape: type[Shape]) -> Shape | Refusal:
    """The fields that are read of an object; numbers in quotes count as numbers."""
    try:
        return msgspec.convert(value, shape, strict=False)
    except msgspec.ValidationError as error:
        text = _QUOTED.sub("a value", str(error))[:200]
        return Refusal(next((reason for words, reason in _REASONS if words in text), RefusalReason.WRONG_TYPE), text)
    except RecursionError:
        return unreadable("nested too deeply")


def is_closed(line: bytes) -> bool:
    """Whether a last line without a line feed is a whole one."""
    return not isinstance(objects_of(line), Refusal)
