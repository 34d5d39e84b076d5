"""A report as figures and tables, and a table as CSV that no spreadsheet takes for formulas. Pure."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")
ROWS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain values under column names."""

    name: str
    columns: list[str]
    rows: list[list[Any]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One report: single figures by name, then tables."""

    figures: list[tuple[str, Any]]
    tables: list[Table]

    def only(self, day: str, region: str) -> "Sheet":
        """Of tables that have such a column, the rows of this day and this region; empty: all of them."""
        tables = self.tables
        for column, wanted in (("day", day), ("region", region)):
            if wanted:
                tables = [_with(table, column, wanted) for table in tables]
        return Sheet(self.figures, tables)

    def values(self, column: str) -> list[str]:
        """Everything that stands in a column of this name, each once."""
        found = {str(row[table.columns.index(column)]) for table in self.tables if column in table.columns
                 for row in table.rows}  # fmt: skip
        return sorted(found)


def sheet(report: Mapping[str, Any]) -> Sheet:
    """Figures are plain values; a mapping or a list of records becomes a table, a list in a record a table of its own.

    >>> sheet({"new": 2, "by_kind": {"silence": 1}}).tables[0].rows
    [['silence', 1]]
    """
    figures, tables = [], []
    for name, value in report.items():
        if isinstance(value, Mapping):
            tables.append(_of_mapping(name, value))
        elif isinstance(value, list):
            tables += _of_records(name, value)
        else:
            figures.append((name, value))
    return Sheet(figures, tables)


def as_csv(table: Table) -> str:
    """RFC 4180, UTF-8 with its mark, so that spreadsheets read Chinese.

    >>> as_csv(Table("t", ["a"], [["=1+1"], [-2]])).splitlines()[1:]
    ["'=1+1", '-2']
    """
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(table.columns)
    writer.writerows([[_cell(value) for value in row] for row in table.rows])
    return out.getvalue()


def _with(table: Table, column: str, wanted: str) -> Table:
    if column not in table.columns:
        return table
    place = table.columns.index(column)
    return Table(table.name, table.columns, [row for row in table.rows if str(row[place]) == wanted])


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _of_mapping(name: str, value: Mapping[str, Any]) -> Table:
    if value and all(isinstance(inner, Mapping) for inner in value.values()):
        records = [{"kind": key, **inner} for key, inner in value.items()]
        return _of_records(name, records)[0]
    return Table(name, ["kind", "count"], [[key, inner] for key, inner in value.items()])


def _of_records(name: str, records: list[Any]) -> list[Table]:
    if not records:
        return [Table(name, [], [])]
    plain = [column for column, value in records[0].items() if not isinstance(value, (list, Mapping))]
    nested = [column for column, value in records[0].items() if isinstance(value, list)]
    tables = [Table(name, plain, [[record.get(column) for column in plain] for record in records])]
    for column in nested:
        inner = [{plain[0]: record[plain[0]], **row} for record in records for row in record[column]]
        if inner:
            tables += _of_records(column, inner)
    return tables
