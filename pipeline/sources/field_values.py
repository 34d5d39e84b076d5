"""Cells of a row to values of a field: one function a way of reading (`as`), made once for a file."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.sources.field_map import As, FieldMap, FieldRule, known_zone
from pipeline.sources.native import Surroundings
from pipeline.sources.times import epoch_ms, iso_ms
from pipeline.sources.units import UnitError, bytes_in, seconds_in

Row = Sequence[str]
ReadText = Callable[[str, Row], Any]
TRUE = frozenset({"1", "true", "t", "yes", "y", "on", "ja", "oui", "是"})
FALSE = frozenset({"0", "false", "f", "no", "n", "off", "nein", "non", "否"})
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})", re.ASCII)
_GROUPING = re.compile(r"[\s'\u00a0]")


class CellError(Exception):
    """A cell that cannot be read; says what it is not, never what stands there. `missing`: it is empty."""

    def __init__(self, detail: str, *, missing: bool = False) -> None:
        super().__init__(detail)
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Cell:
    """A field's value in a row, by its rule. `places` are the columns' positions.

    Raises (from `value`):
        CellError: the cell is not what it should be, or empty where the field must be there; names the column.
    """

    name: str
    rule: FieldRule
    places: tuple[int, ...]
    read: ReadText
    is_list: bool
    required: bool

    def value(self, row: Row) -> Any:
        """None where the cell is empty and the rule has nothing else."""
        rule = self.rule
        if rule.constant is not None:
            return [rule.constant] if self.is_list else rule.constant
        text = " ".join(row[place].strip() for place in self.places).strip()
        try:
            if self.is_list:
                return [self._one(each.strip(), row) for each in text.split(rule.separator) if each.strip()]
            return self._one(text, row)
        except CellError as error:
            columns = " and ".join(repr(column) for column in rule.cells())
            raise CellError(f"column {columns}: {error}", missing=error.missing) from None

    def _one(self, text: str, row: Row) -> Any:
        rule = self.rule
        if not text:
            if self.required and rule.otherwise is None:
                raise CellError(f"empty, and {self.name} has no otherwise", missing=True)
            return rule.otherwise
        if not rule.values:
            return self.read(text, row)
        if text in rule.values:
            return rule.values[text]
        if rule.otherwise is None:
            raise CellError("a value that is not in its table of values, which has no otherwise")
        return rule.otherwise


def reading(
    kind: As, rule: FieldRule, field_map: FieldMap, positions: dict[str, int], around: Surroundings
) -> ReadText:
    """What turns the text of a cell into a value."""
    if kind == "time":
        return _time(rule, field_map, positions, around)
    if kind in ("duration", "volume"):
        return _quantity(kind == "duration", rule, field_map, positions)
    if kind == "decimal":
        return lambda text, _: _decimal(text, field_map)
    return _simple(kind, around)


def _simple(kind: As, around: Surroundings) -> ReadText:
    subscribers = around.subscribers
    plan = subscribers.plan
    readers: dict[str, Callable[[str], Any]] = {
        "text": str,
        "integer": _integer,
        "boolean": _boolean,
        "pseudonym": lambda text: subscribers.pseudonym(plan.normalise(text) or text),
        "account": lambda text: subscribers.account(plan.normalise(text) or text),
        "operator": lambda text: subscribers.peer(plan.normalise(text)).operator,
        "peer_kind": lambda text: plan.peer_kind(plan.normalise(text)),
        "trunk": lambda text: subscribers.operator_behind(text) or "unknown",
    }
    read = readers[kind]
    return lambda text, _: read(text)


def _time(rule: FieldRule, field_map: FieldMap, positions: dict[str, int], around: Surroundings) -> ReadText:
    default = ZoneInfo(rule.zone or field_map.rules.zone) if rule.zone or field_map.rules.zone else around.zone
    zone_at = positions.get(rule.zone_column)

    def moment(text: str, row: Row) -> int:
        try:
            if rule.time in ("epoch_s", "epoch_ms"):
                return round(float(text) * (1000 if rule.time == "epoch_s" else 1))
            zone = default if zone_at is None or not row[zone_at].strip() else _zone(row[zone_at].strip())
            if isinstance(zone, timezone):
                return _parsed(text, rule.time, zone)
            if rule.time == "iso":
                return iso_ms(text, zone)
            return epoch_ms(datetime.strptime(text, rule.time), zone)  # noqa: DTZ007  # epoch_ms gives it its zone
        except (ValueError, OverflowError):
            raise CellError(f"no time as {rule.time!r}") from None

    return moment


def _parsed(text: str, form: str, zone: timezone) -> int:
    local = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)  # noqa: DTZ007  # its zone follows
    return epoch_ms(local if local.tzinfo else local.replace(tzinfo=zone), ZoneInfo("UTC"))


def _zone(text: str) -> ZoneInfo | timezone:
    """A zone by its name or by its offset.

    Raises:
        CellError: neither.
    """
    if found := _OFFSET.fullmatch(text):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        if offset < timedelta(hours=24):
            return timezone(-offset if found[1] == "-" else offset)
    if text in ("Z", "UTC"):
        return UTC
    if not known_zone(text):
        raise CellError("its zone column has neither an IANA name nor an offset as +08:00")
    return ZoneInfo(text)


def _quantity(is_duration: bool, rule: FieldRule, field_map: FieldMap, positions: dict[str, int]) -> ReadText:
    unit_at = positions.get(rule.unit_column)
    default = rule.unit or ("s" if is_duration else "B")
    convert: Callable[[str, str], float] = seconds_in if is_duration else bytes_in

    def quantity(text: str, row: Row) -> float:
        unit = default if unit_at is None or not row[unit_at].strip() else row[unit_at]
        try:
            return convert(_plain(text, field_map), unit)
        except UnitError as error:
            raise CellError(str(error)) from None

    return quantity


def _plain(text: str, field_map: FieldMap) -> str:
    """A number as Python writes it: no grouping, a point before the decimals."""
    text = _GROUPING.sub("", text)
    if field_map.rules.decimal == ",":
        return text.replace(".", "").replace(",", ".")
    return text.replace(",", "")


def _decimal(text: str, field_map: FieldMap) -> float:
    try:
        return float(_plain(text, field_map))
    except ValueError:
        raise CellError("no number") from None


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise CellError("no whole number") from None


def _boolean(text: str) -> bool:
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise CellError("neither true nor false; a table of values can tell what it means")
