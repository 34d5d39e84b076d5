"""Which tables of a report are drawn, and of which column. Pure."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from alerts.console.charts.bars import BARS_MAX, bar_chart
from alerts.console.page_texts import PageTexts
from alerts.console.sheets import Table


def report_chart(table: Table, texts: PageTexts, shown: Callable[[str, Any], str]) -> Markup | None:
    """Bars of the first column of figures; None where rows are too many, too few, of one name, or of several units.

    A table of single figures (a number of answers, a mean, a share) has no common scale.
    """
    named_once = len({str(row[0]) for row in table.rows}) == len(table.rows)
    if not 2 <= len(table.rows) <= BARS_MAX or len(table.columns) < 2 or not named_once:
        return None
    column = next((place for place in range(1, len(table.columns)) if _measures(table, place)), None)
    if column is None:
        return None
    name = table.columns[column]
    bars = [(_label(row[0], texts), float(row[column] or 0), shown(name, row[column])) for row in table.rows]
    title = f"{texts.word('report', table.name)}: {texts.word('report', name)}"
    return bar_chart(bars, title, "; ".join(f"{label}: {written}" for label, _, written in bars))


def _measures(table: Table, place: int) -> bool:
    """Whether a column holds figures of one unit: no times, and no floats among single counts."""
    values = [row[place] for row in table.rows if row[place] is not None]
    plain = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    single = table.columns == ["kind", "count"] and not all(isinstance(value, int) for value in values)
    return bool(values) and plain and not single and not table.columns[place].endswith("_ms")


def _label(value: Any, texts: PageTexts) -> str:
    return texts.word("report", str(value))
