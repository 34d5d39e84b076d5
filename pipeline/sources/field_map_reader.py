"""Any CSV through a field map (see `field_map`): each row becomes one record of the map's stream."""

import csv
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from pipeline.events import Record, RefusalReason
from pipeline.refusals import Refusal
from pipeline.sources.field_map import LISTS, FieldMap, FieldMapError, record_type_of
from pipeline.sources.field_values import Cell, CellError, reading
from pipeline.sources.json_lines import as_shape
from pipeline.sources.native import NativeLines, Surroundings, Understood
from pipeline.sources.port import unreadable


def mapped_csv(file: str, field_map: FieldMap, surroundings: Surroundings, head: Sequence[bytes]) -> NativeLines:
    """The reader of one file; `head` are its first lines, at least as many as are no rows.

    Raises:
        FieldMapError: the file has no header, or not the columns that the map asks for.
    """
    rows = _Rows(field_map, surroundings)
    rows.prepare(file, _columns(file, field_map, rows.split, head))
    return NativeLines(
        file, field_map.stream, rows.records, rows.closed, surroundings.limits, header_lines=field_map.head_lines
    )


class _Rows:
    """The rows of one file."""

    def __init__(self, field_map: FieldMap, surroundings: Surroundings) -> None:
        self._map = field_map
        self._surroundings = surroundings
        self._cells: list[Cell] = []
        self._only: list[tuple[int, frozenset[str]]] = []
        self._width = 0
        self._type: type[Record] = record_type_of(field_map)

    def prepare(self, file: str, columns: Sequence[str]) -> None:
        """Find every column that the map asks for.

        Raises:
            FieldMapError: one is not there.
        """
        field_map, rules = self._map, self._map.rules
        needed = {each.name for each in msgspec.structs.fields(self._type) if each.required}
        positions = {name: place for place, name in reversed(list(enumerate(columns)))}
        self._width = len(columns)
        for name, rule in rules.fields.items():
            for column in rule.asked():
                if column not in positions:
                    raise FieldMapError(_no_column(field_map, field_map.place(name), column, file, columns))
            read = reading(field_map.kind(name), rule, field_map, positions, self._surroundings)
            places = tuple(positions[column] for column in rule.cells())
            self._cells.append(Cell(name, rule, places, read, name in LISTS, name in needed))
        for column, values in rules.only.items():
            if column not in positions:
                raise FieldMapError(_no_column(field_map, f"{field_map.path}: only", column, file, columns))
            self._only.append((positions[column], frozenset(values)))

    def split(self, line: bytes) -> list[str] | Refusal:
        """The cells of a line."""
        rules = self._map.rules
        try:
            text = line.decode(rules.encoding).strip("\r\n").removeprefix("\ufeff")
        except UnicodeDecodeError:
            return Refusal(RefusalReason.NOT_UTF8, f"not in {rules.encoding}, the encoding of the field map")
        quoting = csv.QUOTE_MINIMAL if rules.quote else csv.QUOTE_NONE
        dialect: dict[str, Any] = {"delimiter": rules.delimiter, "quotechar": rules.quote or None, "quoting": quoting}
        try:
            found = list(csv.reader([text], strict=True, **dialect))
        except csv.Error as error:
            return unreadable(f"not a line of CSV: {error}")
        return found[0] if found else []

    def records(self, line: bytes) -> Understood:
        row = self.split(line)
        if isinstance(row, Refusal):
            return row
        if len(row) != self._width:
            return Refusal(RefusalReason.MISSING_FIELD, f"{len(row)} columns, {self._width} expected")
        if any(row[place].strip() not in values for place, values in self._only):
            return []
        try:
            fields = self._fields(row)
        except CellError as error:
            return Refusal(RefusalReason.MISSING_FIELD if error.missing else RefusalReason.WRONG_TYPE, str(error))
        record = as_shape(fields, self._type)
        return record if isinstance(record, Refusal) else [record]

    def closed(self, line: bytes) -> bool:
        """Whether a last line without a line feed is whole: the map says so, or it ends with a quote that is closed."""
        quote = self._map.rules.quote.encode()
        if self._map.rules.complete:
            return True
        return bool(quote) and line.rstrip(b"\r").endswith(quote) and line.count(quote) % 2 == 0

    def _fields(self, row: Sequence[str]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for cell in self._cells:
            value = cell.value(row)
            if value is None:
                continue
            head, _, rest = cell.name.partition(".")
            if rest:
                fields.setdefault(head, {})[rest] = value
            else:
                fields[head] = value
        if "consent" in self._type.__struct_fields__:
            fields.setdefault("consent", {})
        if "record_id" in self._type.__struct_fields__:
            fields.setdefault("record_id", f"map-{self._surroundings.subscribers.digest(*row)}")
        return fields


def _columns(
    file: str, field_map: FieldMap, split: Callable[[bytes], list[str] | Refusal], head: Sequence[bytes]
) -> list[str]:
    """Names of the columns, from the map or from the header."""
    if field_map.rules.columns:
        return field_map.rules.columns
    line = field_map.head_lines
    names = split(head[line - 1]) if len(head) >= line else []
    if isinstance(names, Refusal) or not names:
        raise FieldMapError(
            f"{file}, line {line}: no header; name the columns in {field_map.path}: columns = [...], or skip_lines"
        )
    return [name.strip() for name in names]


def _no_column(field_map: FieldMap, place: str, column: str, file: str, columns: Sequence[str]) -> str:
    where = "columns of the map" if field_map.rules.columns else f"header in line {field_map.head_lines}"
    shown = ", ".join(columns[:40])
    return f"{place} asks for the column {column!r}, which {file} does not have; its {where}: {shown}"
