"""A report as text: figures one a line, lists as tables."""

from typing import Any

import msgspec

ROWS_MAX = 20


def as_text(report: msgspec.Struct) -> str:
    """Every figure of the report; of a long list the first rows, and how many more there are."""
    return "\n".join(_lines(msgspec.to_builtins(report), ""))


def _lines(value: dict[str, Any], indent: str) -> list[str]:
    lines: list[str] = []
    for name, found in value.items():
        if isinstance(found, dict) and found:
            lines += [f"{indent}{name}:", *_lines(found, f"{indent}  ")]
        elif isinstance(found, list) and found and isinstance(found[0], dict):
            lines += [f"{indent}{name}:", *(f"{indent}  {line}" for line in _table(found))]
        else:
            lines.append(f"{indent}{name:24} {_shown(found)}")
    return lines


def _table(rows: list[dict[str, Any]]) -> list[str]:
    names = [name for name, value in rows[0].items() if not isinstance(value, (dict, list))]
    cells = [names, *([_shown(row[name]) for name in names] for row in rows[:ROWS_MAX])]
    widths = [max(len(row[place]) for row in cells) for place in range(len(names))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return [*lines, f"... and {len(rows) - ROWS_MAX:,} more; see --json"] if len(rows) > ROWS_MAX else lines


def _shown(value: Any) -> str:
    if value is None or value in ([], {}):
        return "-"
    return f"{value:,}" if isinstance(value, float) else str(value)
