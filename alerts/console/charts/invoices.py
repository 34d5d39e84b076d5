"""A line's bills as bars, the usual range (median and spread of the earlier ones) behind them."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from alerts.console.charts.marks import frame, grid, label_below
from alerts.console.charts.plane import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, Plane, round_top
from alerts.console.charts.timeline import usual_bill
from alerts.console.charts.usage import day_label
from pipeline.line_views import InvoiceView

BARS_MAX = 12


def invoice_chart(invoices: Sequence[InvoiceView], title: str, description: str) -> Markup:
    """The last twelve bills as SVG, oldest first; a credit (below 0) is drawn as no bar and stands in its title."""
    shown = sorted(invoices, key=lambda invoice: invoice.ts_ms)[-BARS_MAX:]
    plane = Plane(len(shown), round_top([invoice.amount for invoice in shown]))
    bars = "".join(_bar(plane, place, invoice, len(shown)) for place, invoice in enumerate(shown))
    return frame([grid(plane), _usual(plane, shown), bars], title, description, "invoices")


def _bar(plane: Plane, place: int, invoice: InvoiceView, count: int) -> str:
    x, y = plane.x(place), plane.y(invoice.amount)
    width = round(min(plane.step() * 0.6, 48.0), 1)
    day = day_label(invoice.ts_ms)
    css = "bar last" if place == count - 1 else "bar"
    return (
        f'<rect class="{css}" x="{x - width / 2:.1f}" y="{y}" width="{width}" '
        f'height="{max(HEIGHT - BOTTOM - y, 0):.1f}"><title>{escape(day)}: {invoice.amount:,.2f}</title></rect>'
        + label_below(x, day, minor=(count - 1 - place) % 2 == 1)
    )


def _usual(plane: Plane, shown: Sequence[InvoiceView]) -> str:
    """The band of usual bills behind the bars, its middle as a dashed line."""
    usual = usual_bill(shown)
    if usual is None:
        return ""
    low, middle, high = (plane.y(value) for value in usual)
    width, height = WIDTH - LEFT - RIGHT, max(round(low - high, 1), 1.0)
    return (
        f'<rect class="band" x="{LEFT}" y="{high}" width="{width}" height="{height}"/>'
        f'<line class="baseline" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{middle}" y2="{middle}"/>'
    )
