"""The demo's live picture in the terminal."""

import math
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from churnwatch.demo.figures import Figures, whole
from churnwatch.demo.summary import warnings_by_signal

SIGNALS_SHOWN = 12


def picture(figures: Figures, events_per_s: float, url: str, state: str) -> RenderableType:
    """Counters, warnings by signal, and where to look."""
    head = Text.assemble(("Churnwatch demo  ", "bold"), (state, "cyan"), "   Ctrl-C ends it")
    where = Text.assemble("Inbox: ", (url, "bold underline green"))
    return Group(head, where, _counters(figures, events_per_s), _signals(figures))


def _counters(figures: Figures, events_per_s: float) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 3, 0, 0))
    for _ in range(4):
        table.add_column()
    lag = figures.total("churnwatch_lag_records")
    table.add_row("stream time", _stream_time(figures), "events/s", f"{events_per_s:,.0f}")
    table.add_row("events", f"{whole(figures.total('churnwatch_records_total')):,}", "lag", _number(lag))
    table.add_row(
        "lines", f"{whole(figures.total('churnwatch_lines')):,}",
        "dead letters", f"{whole(figures.total('churnwatch_dead_letters_total')):,}",
    )  # fmt: skip
    table.add_row(
        "warnings", f"{whole(figures.total('churnwatch_warnings_total')):,}",
        "tasks open / closed",
        f"{whole(figures.total('churnwatch_tasks_open')):,} / {whole(figures.total('churnwatch_tasks_closed_total')):,}",
    )  # fmt: skip
    table.add_row(
        "labels learned", f"{whole(figures.total('churnwatch_labels_learned_total')):,}",
        "models", f"{whole(figures.total('churnwatch_models_published_total')):,}",
    )  # fmt: skip
    table.add_row(
        "model AUC", _ratio(figures, "churnwatch_model_auc_ratio"),
        "average precision", _ratio(figures, "churnwatch_model_average_precision_ratio"),
    )  # fmt: skip
    return table


def _signals(figures: Figures) -> Table:
    table = Table("signal", "warnings", title="warnings by signal", title_justify="left")
    counts = warnings_by_signal(figures.by("churnwatch_warnings_total"))
    for name, count in list(counts.items())[:SIGNALS_SHOWN]:
        table.add_row(name, f"{count:,}")
    return table


def _stream_time(figures: Figures) -> str:
    seconds = figures.total("churnwatch_stream_timestamp_seconds")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}" if seconds > 0 else "starting"


def _number(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:,.0f}"


def _ratio(figures: Figures, name: str) -> str:
    value = figures.total(name)
    return f"{value:.3f}" if value > 0 and not math.isnan(value) else "not yet"
