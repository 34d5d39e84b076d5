"""Which number each line of ours stands for, caught while native records are read: what fills the vault.

Only numbers of our own lines, and only of records that were taken, are kept; the other ends of calls are forgotten with
the stretch of lines that named them.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from pipeline.events import CustomerRecord, Stream
from pipeline.sources.port import LineFormat, Outgoing

#: Lines that were told already are not told again; beyond so many the memory begins anew, and some are told twice.
TOLD_MAX = 500_000
LINE_ID = b'"line_id":"'

_customers = msgspec.json.Decoder(CustomerRecord)


class LineNumber(NamedTuple):
    """A line of ours, the number behind it, and whose it is."""

    line_id: str
    number: str
    account_id: str


class LineNumbers:
    """Makes pseudonyms and remembers, for those that became lines, what they were made of.

    >>> numbers = LineNumbers(lambda text: f"k1-{text[::-1]}")
    >>> line_id = numbers.pseudonym("123")
    >>> numbers.catch(Outgoing(topics=["cdr"], keys=["a"], values=[b'{"line_id":"k1-321"}']))
    >>> numbers.drain()
    [LineNumber(line_id='k1-321', number='123', account_id='a')]
    """

    def __init__(self, pseudonym: Callable[[str], str]) -> None:
        self._pseudonym = pseudonym
        self._made: dict[str, str] = {}
        self._told: dict[str, str] = {}
        self._waiting: dict[str, LineNumber] = {}

    def pseudonym(self, text: str) -> str:
        made = self._pseudonym(text)
        self._made[made] = text
        return made

    def catch(self, outgoing: Outgoing) -> None:
        """Keep the numbers of the lines in these records, and forget all others that were met since the last time."""
        for topic, account_id, value in zip(outgoing.topics, outgoing.keys, outgoing.values, strict=True):
            for line_id in _lines_of(topic, value):
                number = self._made.get(line_id)
                if number is not None and self._told.get(line_id) != account_id:
                    self._waiting[line_id] = LineNumber(line_id, number, account_id)
                    self._told[line_id] = account_id
        self._made.clear()
        if len(self._told) > TOLD_MAX:
            self._told.clear()

    def drain(self) -> list[LineNumber]:
        """What was caught since the last time."""
        caught = list(self._waiting.values())
        self._waiting.clear()
        return caught


class CatchingReader:
    """A reader whose lines' numbers are caught."""

    def __init__(self, reader: LineFormat, numbers: LineNumbers) -> None:
        self._reader = reader
        self._numbers = numbers

    def read(self, lines: Sequence[bytes], first_line: int) -> Outgoing:
        outgoing = self._reader.read(lines, first_line)
        self._numbers.catch(outgoing)
        return outgoing

    def is_whole(self, line: bytes) -> bool:
        return self._reader.is_whole(line)


def _lines_of(topic: str, value: bytes) -> Iterator[str]:
    """The lines that a record is about. The text of a pseudonym holds no quote and no escape."""
    if topic == Stream.CUSTOMERS:
        yield from _customers.decode(value).lines
    elif (start := value.find(LINE_ID)) >= 0:
        start += len(LINE_ID)
        yield value[start : value.index(b'"', start)].decode()
