"""The port that every source of records shares: lines of a file in, columns of what to send out.

A format is a pure function of a stretch of lines. What it cannot read comes back beside the good records as a dead
letter, in its place, so that one position in the file stands for both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from pipeline.events import DeadLetter, RefusalReason
from pipeline.refusals import Refusal

DEAD_LETTERS = "dead-letters"
#: A longer raw text is cut in its dead letter: backslash escapes may make four characters of a byte.
MAX_RAW_CHARS = 200_000


@dataclass(slots=True)
class Outgoing:
    """What a stretch of lines became: parallel lists of equal length, in file order.

    `received_ms` merges files; `topics` are short names (a stream, or `dead-letters`); `keys` are account ids; `lines`
    counts from the stretch's first line, and records of one line stand together with one `received_ms`.
    """

    received_ms: list[int] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)
    lines: Sequence[int] = field(default_factory=list)
    blank_lines: int = 0

    def __len__(self) -> int:
        return len(self.values)


class LineFormat(Protocol):
    """How to read one format. An instance belongs to one file."""

    def read(self, lines: Sequence[bytes], first_line: int) -> Outgoing:
        """What these lines hold.

        `lines` come without their line feed; `first_line` is the number of the first one in its file, counted from 0.
        Never raises on bad input: that becomes dead letters.
        """
        ...

    def is_whole(self, line: bytes) -> bool:
        """Whether a last line without a line feed is a complete record, and not the half of one still being written."""
        ...


@dataclass(slots=True)
class Gathering:
    """An `Outgoing` being filled line by line, with dead letters that know their file."""

    file: str
    stream: str
    first_line: int
    result: Outgoing = field(default_factory=Outgoing)
    line_numbers: list[int] = field(default_factory=list)

    def add(self, line: int, received_ms: int, topic: str, key: str, value: bytes) -> None:
        self.result.received_ms.append(received_ms)
        self.result.topics.append(topic)
        self.result.keys.append(key)
        self.result.values.append(value)
        self.line_numbers.append(line)

    def refuse(self, line: int, refusal: Refusal, raw: str) -> None:
        """Add a dead letter; it takes the time of its neighbour before it (0: the merge lifts it)."""
        letter = DeadLetter(
            stream=self.stream,
            reason=refusal.reason,
            raw=raw[:MAX_RAW_CHARS],
            detail=refusal.detail if len(raw) <= MAX_RAW_CHARS else f"{refusal.detail} (raw cut)".lstrip(),
            file=self.file,
            line=self.first_line + line + 1,
        )
        self.add(line, 0, DEAD_LETTERS, self.file, msgspec.json.encode(letter))

    def finish(self) -> Outgoing:
        self.result.lines = self.line_numbers
        return self.result


def printable(raw: bytes) -> str:
    r"""Raw bytes as text, undecodable ones as backslash escapes.

    >>> printable(b"caf\xe9")
    'caf\\xe9'
    """
    return raw.decode("utf-8", "backslashreplace")


def refusals_in(outgoing: Outgoing) -> int:
    """How many of these are dead letters."""
    return sum(topic == DEAD_LETTERS for topic in outgoing.topics)


def unreadable(detail: str) -> Refusal:
    """The refusal of a line that does not follow its format."""
    return Refusal(RefusalReason.UNREADABLE_LINE, detail)


def first_reason(values: Iterable[bytes]) -> str:
    """Reason and detail of the first of these dead letters, for a message."""
    for value in values:
        letter = msgspec.json.decode(value, type=DeadLetter)
        return f"{letter.reason}{f' ({letter.detail})' if letter.detail else ''}"
    return "no record in it"
