"""Tables and words of the page."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape

STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --soft: #66717f; --line: #d9dee5; --paper: #fff; --a: #14639e;
  --b: #c4561b; --c: #3c8c5a; --d: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa5b1; --line: #37414d; --paper: #151a20;
  --a: #69b1ea; --b: #f0975a; --c: #74c793; --d: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 960px;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.4rem; }
p.lead { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
figure { margin: 0; } svg { width: 100%; height: auto; } td svg { width: 340px; }
.scroll { overflow-x: auto; } details { margin-top: .5rem; }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """The whole document; nothing is loaded from anywhere."""
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def section(title: str, lead: str, *parts: str) -> str:
    """A headed part of the page: what it shows, in a sentence, then the thing."""
    return f'<section><h2>{escape(title)}</h2><p class="lead">{escape(lead)}</p>{"".join(parts)}</section>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, raw_last: bool = False) -> str:
    """A table of words; the last column is markup already if `raw_last`."""
    head = "".join(f"<th>{escape(words)}</th>" for words in heads)
    body = []
    for row in rows:
        plain = row[:-1] if raw_last else row
        cells = "".join(f"<td>{escape(words)}</td>" for words in plain)
        body.append(f"<tr>{cells}{f'<td>{row[-1]}</td>' if raw_last else ''}</tr>")
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def number(value: object, digits: int = 3) -> str:
    """A figure as people read it; a missing one is told.

    >>> number(0.12345), number(12345), number(None)
    ('0.123', '12,345', 'cannot be told')
    """
    if isinstance(value, float):
        return f"{value:,.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else "cannot be told"


def percent(value: object) -> str:
    """A share as per cent.

    >>> percent(0.123)
    '12.3 %'
    """
    return f"{100.0 * value:.1f} %" if isinstance(value, float | int) else "cannot be told"


def day(ms: int | None) -> str:
    """The UTC day of a moment.

    >>> day(0), day(None)
    ('1970-01-01', 'never')
    """
    return "never" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")
