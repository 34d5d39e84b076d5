"""A field map: a TOML file that tells how any CSV becomes records of one stream.

| key | meaning | default |
|---|---|---|
| `stream` | one of the six | must be there |
| `delimiter`, `quote`, `encoding` | as the file is written | `,` `"` utf-8 |
| `columns` | names of the columns of a file without a header | the header |
| `skip_lines` | lines before the header | 0 |
| `zone` | IANA zone of times without an offset | `--timezone` |
| `decimal` | sign before the decimals | `.` |
| `complete` | whether a last line without a line feed is a whole row | false: it may be half of one |
| `only.COLUMN` | values of a column; other rows are left out | all rows |

and for each field of the contract a table `[fields.NAME]` (`[fields."consent.call"]`, `[fields."indicators.x"]` inside):

| key | meaning |
|---|---|
| `column` or `columns` | where it stands; several are joined by a space (date and time) |
| `constant` | the same in each record, instead of a column |
| `as` | how to read it (below); the field's own way by default |
| `time` | a time: `iso` (default), `epoch_s`, `epoch_ms`, or a format of strptime |
| `zone`, `zone_column` | zone of this time, or the column with its IANA name or offset |
| `unit`, `unit_column` | of a duration or volume |
| `values` | table from what stands there to what it means |
| `otherwise` | for an empty cell, and for one that `values` has not |
| `separator` | of the items of a list |

`as`: text, integer, decimal, boolean, time, duration, volume; pseudonym (a number or other id becomes a keyed hash),
account (the account of this number), operator and peer_kind (of this number), trunk (operator behind this trunk group).
`record_id` may be left out: then it is a keyed digest of the row.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from pipeline.events import RECORD_TYPES, Record, Stream
from pipeline.sources.units import BYTES, SECONDS

As = Literal[
    "text", "integer", "decimal", "boolean", "time", "duration", "volume", "pseudonym", "account", "operator",
    "peer_kind", "trunk",
]  # fmt: skip
#: Encodings in which a line feed is one byte that is nothing else, so that lines can be cut first.
ENCODINGS = ("utf-8", "ascii", "latin-1", "iso-8859-1", "iso-8859-15", "cp1250", "cp1252", "gb18030", "gbk", "big5",
             "shift_jis", "euc-kr", "koi8-r")  # fmt: skip
DEFAULT_AS: Mapping[str, As] = {
    "line_id": "pseudonym", "peer_id": "pseudonym", "lines": "pseudonym", "duration_s": "duration",
    "bytes_up": "volume", "bytes_down": "volume", "amount": "decimal", "balance": "decimal", "charge": "decimal",
    "score": "decimal", "star": "integer", "severity": "integer", "partial_seq": "integer", "roaming": "boolean",
}  # fmt: skip
LISTS = ("lines",)
NESTED = ("consent", "indicators")
MAX_MAP_BYTES = 1_000_000
Checked = TypeVar("Checked", bound=msgspec.Struct)


class FieldMapError(Exception):
    """A map that cannot be used; says which file and line, what is wrong and what may stand there."""


class FieldRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    """One table `[fields.NAME]`."""

    column: str = ""
    columns: list[str] = []
    constant: str | int | float | bool | None = None
    as_: As | None = None
    time: str = "iso"
    zone: str = ""
    zone_column: str = ""
    unit: str = ""
    unit_column: str = ""
    values: dict[str, str | int | float | bool] = {}
    otherwise: str | int | float | bool | None = None
    separator: str = ";"

    def cells(self) -> list[str]:
        """The columns that the value is made of."""
        return [self.column] if self.column else self.columns

    def asked(self) -> list[str]:
        """All columns that this rule reads."""
        return [*self.cells(), *(name for name in (self.zone_column, self.unit_column) if name)]


class _Toml(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    stream: Stream
    fields: dict[str, FieldRule]
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    columns: list[str] = []
    skip_lines: int = 0
    zone: str = ""
    decimal: str = "."
    complete: bool = False
    only: dict[str, list[str]] = {}


@dataclass(frozen=True, slots=True)
class FieldMap:
    """A checked map and where it stands."""

    path: str
    text: str
    rules: _Toml

    @property
    def stream(self) -> Stream:
        return self.rules.stream

    @property
    def head_lines(self) -> int:
        """Lines of a file that are no rows: those to be skipped, and the header."""
        return self.rules.skip_lines + (0 if self.rules.columns else 1)

    def kind(self, name: str) -> As:
        """How a field is read."""
        told = self.rules.fields[name].as_
        if told is not None:
            return told
        if name.startswith("consent."):
            return "boolean"
        if name.startswith("indicators."):
            return "decimal"
        return "time" if name.endswith("_ms") else DEFAULT_AS.get(name, "text")

    def place(self, name: str) -> str:
        """File and line of a field's table, for a message."""
        return _place(self.path, self.text, name)


def _place(path: str, text: str, name: str) -> str:
    table = re.compile(rf'^\s*\[?\s*fields\s*\.\s*"?{re.escape(name)}"?\s*[\]=]', re.MULTILINE)
    if found := table.search(text):
        line = text.count("\n", 0, found.end()) + 1
        return f"{path}, line {line}: [fields.{name}]"
    return f"{path}: [fields.{name}]"


def read_field_map(path: Path) -> FieldMap:
    """The map in a file.

    Raises:
        FieldMapError: no such file, no TOML, an unknown key, field, unit, zone or encoding, a field that is missing.
    """
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_MAP_BYTES:
            raise FieldMapError(f"{path} has {len(raw)} bytes; a field map has at most {MAX_MAP_BYTES}")
        return check_field_map(path, raw.decode("utf-8"))
    except OSError as error:
        raise FieldMapError(f"cannot read the field map {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FieldMapError(f"{path} is not UTF-8") from None


def check_field_map(path: Path | str, text: str) -> FieldMap:
    """The map that a text says; `path` stands in messages.

    Raises:
        FieldMapError: as `read_field_map`.
    """
    try:
        told = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FieldMapError(f"{path}: {error}") from None
    tables = told.get("fields")
    for name, table in tables.items() if isinstance(tables, dict) else ():
        _converted(table, FieldRule, _place(str(path), text, name))
    rules = _converted(told, _Toml, str(path))
    checked = FieldMap(str(path), text, rules)
    _check_file(checked)
    _check_fields(checked)
    return checked


def _converted(told: Any, wanted: type[Checked], place: str) -> Checked:
    """A part of the map, checked.

    Raises:
        FieldMapError: an unknown key or a wrong value; says what may stand there.
    """
    try:
        return msgspec.convert(told, wanted)
    except msgspec.ValidationError as error:
        message = str(error)
        if "unknown field" in message:
            allowed = f"; the keys are {', '.join(wanted.__struct_encode_fields__)}"
        else:
            types = {each.encode_name: each.type for each in msgspec.structs.fields(wanted)}
            allowed = _choices(message, types.get(message.partition("`$.")[2].removesuffix("`")))
        raise FieldMapError(f"{place}: {message}{allowed}") from None


def _choices(message: str, wanted: Any) -> str:
    """The values that would have been right, where this is the matter and msgspec does not tell them."""
    return f"; it may be {', '.join(_values(wanted))}" if "Invalid enum value" in message and wanted else ""


def _values(wanted: Any) -> list[str]:
    """What an enumeration, a literal or a choice between such has."""
    if isinstance(wanted, type):
        return [str(value) for value in wanted] if issubclass(wanted, Enum) else []
    parts = get_args(wanted)
    return (
        [str(part) for part in parts] if get_origin(wanted) is Literal else [v for part in parts for v in _values(part)]
    )


def known_zone(name: str) -> bool:
    """Whether this is an IANA zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _check_file(field_map: FieldMap) -> None:
    rules, path = field_map.rules, field_map.path
    if len(rules.delimiter) != 1 or len(rules.quote) > 1 or rules.decimal not in (".", ","):
        raise FieldMapError(f"{path}: delimiter and quote are one sign each, decimal is '.' or ','")
    if rules.delimiter in "\r\n" or rules.delimiter == rules.quote or rules.quote in ("\r", "\n"):
        raise FieldMapError(f"{path}: delimiter and quote are two different signs that end no line")
    if rules.encoding.lower() not in ENCODINGS:
        raise FieldMapError(f"{path}: encoding {rules.encoding!r} is none of {', '.join(ENCODINGS)}")
    if not 0 <= rules.skip_lines <= 100:
        raise FieldMapError(f"{path}: skip_lines is not between 0 and 100")
    if rules.zone and not known_zone(rules.zone):
        raise FieldMapError(f"{path}: there is no time zone {rules.zone!r}; give an IANA name such as Asia/Shanghai")


def _check_fields(field_map: FieldMap) -> None:
    record_type = RECORD_TYPES[field_map.stream]
    fields = {each.name: each for each in msgspec.structs.fields(record_type)}
    for name, rule in field_map.rules.fields.items():
        head, _, rest = name.partition(".")
        if head not in fields or (bool(rest) != (head in NESTED)):
            known = ", ".join(f"{each}.NAME" if each in NESTED else each for each in fields)
            raise FieldMapError(f"{field_map.place(name)} is no field of {field_map.stream}; it has: {known}")
        _check_rule(field_map, name, rule)
        if not rest and head not in LISTS:
            _check_values(field_map, name, rule, fields[head].type)
    given = {name.partition(".")[0] for name in field_map.rules.fields} | {"record_id"}
    missing = [name for name, each in fields.items() if each.required and name not in given and name != "consent"]
    if missing:
        raise FieldMapError(f"{field_map.path}: {field_map.stream} needs also [fields.{'], [fields.'.join(missing)}]")


def _check_rule(field_map: FieldMap, name: str, rule: FieldRule) -> None:
    place = field_map.place(name)
    if bool(rule.column) + bool(rule.columns) + (rule.constant is not None) != 1:
        raise FieldMapError(f"{place} needs exactly one of column, columns, constant")
    kind = field_map.kind(name)
    units = list(SECONDS) if kind == "duration" else list(BYTES) if kind == "volume" else []
    if rule.unit and rule.unit.lower() not in units:
        allowed = ", ".join(units) or "nothing: only durations and volumes have one"
        raise FieldMapError(f"{place} has the unit {rule.unit!r}; it may be {allowed}")
    if rule.zone and not known_zone(rule.zone):
        raise FieldMapError(f"{place} has the zone {rule.zone!r}; give an IANA name such as Asia/Shanghai")
    if not rule.separator:
        raise FieldMapError(f"{place} has an empty separator")


def _check_values(field_map: FieldMap, name: str, rule: FieldRule, field_type: Any) -> None:
    """What the map itself says must be a value that the field may have."""
    if field_map.kind(name) not in ("text", "integer", "decimal", "boolean"):
        return
    for value in (rule.constant, rule.otherwise, *rule.values.values()):
        if value is None:
            continue
        try:
            msgspec.convert(value, field_type, strict=False)
        except msgspec.ValidationError as error:
            choices = _choices(str(error), field_type)
            raise FieldMapError(f"{field_map.place(name)} has the value {value!r}: {error}{choices}") from None


def record_type_of(field_map: FieldMap) -> type[Record]:
    """The record that this map makes."""
    return RECORD_TYPES[field_map.stream]
