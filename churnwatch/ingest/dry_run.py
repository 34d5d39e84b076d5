"""The first rows of each file as they would become, without a broker, a note, or a new key."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from churnwatch.errors import UserError
from churnwatch.ingest.plan import PlannedFile
from churnwatch.ingest.run import MakeFormat
from pipeline.events import DeadLetter
from pipeline.sources.files import LineFile, UnreadableFileError
from pipeline.sources.port import DEAD_LETTERS

#: Little enough that a huge file answers at once.
BLOCK_BYTES = 1 << 16


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one line became, once for each of its records: a record of a stream, or a refusal."""

    line: int
    stream: str
    record: dict[str, Any] | None = None
    reason: str = ""
    detail: str = ""


class DryFile(msgspec.Struct, frozen=True):
    """The first rows of one file; `left_out` counts lines that hold nothing for us."""

    file: str
    rows: list[Shown]
    left_out: int


def dry_run(plan: Sequence[PlannedFile], make_format: MakeFormat, rows: int) -> list[DryFile]:
    """Read the first `rows` lines of each file that hold something.

    Raises:
        UserError: a file that cannot be read, a map that does not fit it.
    """
    return [_dry_file(planned, make_format, rows) for planned in plan]


def _dry_file(planned: PlannedFile, make_format: MakeFormat, rows: int) -> DryFile:
    reader = make_format(planned)
    shown: list[Shown] = []
    left_out = seen = 0
    for number, line in _lines(planned):
        outgoing = reader.read([line], number)
        left_out += outgoing.blank_lines
        seen += bool(len(outgoing))
        shown += [_shown(number + 1, *each) for each in zip(outgoing.topics, outgoing.values, strict=True)]
        if seen >= rows:
            break
    return DryFile(str(planned.path), shown, left_out)


def _lines(planned: PlannedFile) -> Iterator[tuple[int, bytes]]:
    """Number from 0 and text of each line, also of a last one that has no line feed."""
    try:
        with LineFile(planned.path, BLOCK_BYTES) as file:
            for stretch in file.stretches():
                lines = [*stretch.lines, stretch.half] if stretch.half else stretch.lines
                yield from zip(itertools.count(stretch.first_line), lines)
    except UnreadableFileError as error:
        raise UserError(str(error)) from None


def _shown(line: int, topic: str, value: bytes) -> Shown:
    if topic != DEAD_LETTERS:
        return Shown(line, topic, record=msgspec.json.decode(value))
    letter = msgspec.json.decode(value, type=DeadLetter)
    return Shown(line, topic, reason=letter.reason.value, detail=letter.detail)
