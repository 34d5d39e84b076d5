"""Matplotlib figures as SVG inside the page: no file beside it, no script, its colours are the page's own."""

import io
import re
from collections.abc import Callable
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Colours as matplotlib writes them, and the page's own, which follow a dark or light screen.
INK, SOFT, LINE = "#1d2733", "#66717f", "#d9dee5"
FIRST, SECOND, GOOD, BAD = "#14639e", "#c4561b", "#3c8c5a", "#b3261e"
_IN_PAGE = {INK: "--ink", SOFT: "--soft", LINE: "--line", FIRST: "--a", SECOND: "--b", GOOD: "--c", BAD: "--d"}
#: Text stays text (searchable, read aloud), equal figures give equal bytes.
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "churnwatch", "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5, "text.color": INK, "axes.labelcolor": SOFT, "axes.edgecolor": LINE, "xtick.color": SOFT,
    "ytick.color": SOFT, "axes.grid": True, "grid.color": LINE, "axes.axisbelow": True, "axes.spines.top": False,
    "axes.spines.right": False, "legend.frameon": False,
}  # fmt: skip
WIDE = (8.6, 3.3)
SMALL = (4.6, 0.62)


def plot(title: str, draw: Callable[[Axes], None], size: tuple[float, float] = WIDE, *, bare: bool = False) -> str:
    """One figure as markup; `draw` is given its axes. `bare`: without axes, for a drawing within a table.

    `size` is in inches of 72 points. `title` is what a screen reader says.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout=None if bare else "constrained")
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0)) if bare else figure.add_subplot()
        if bare:
            axes.set_axis_off()
        draw(axes)
        target = io.StringIO()
        figure.savefig(target, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return f"<figure>{_inline(target.getvalue(), title)}</figure>"


def _inline(document: str, title: str) -> str:
    """The <svg> element alone: no addresses of schemas, ids of its own, the page's colours."""
    svg = document[document.index("<svg") :].strip()
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    prefix = re.sub(r"[^a-z0-9]+", "-", title.lower())
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'url\(#|href="#', lambda found: f"{found.group()}{prefix}-", svg)
    for colour, name in _IN_PAGE.items():
        svg = svg.replace(colour, f"var({name})")
    head = f'<svg role="img" aria-label="{escape(title)}"'
    return re.sub(r'^<svg width="[^"]*" height="[^"]*"|^<svg height="[^"]*" width="[^"]*"|^<svg', head, svg, count=1)
