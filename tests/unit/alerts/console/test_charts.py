"""Charts: well-formed, inside their frame, and the words in them escaped."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.console.charts.invoices import BARS_MAX, invoice_chart
from alerts.console.charts.marks import Mark
from alerts.console.charts.plane import HEIGHT, WIDTH, round_top
from alerts.console.charts.usage import DAY_MS, sparkline, usage_chart
from pipeline.line_views import InvoiceView, LineView
from tests.fakes.console_samples import TODAY_MS, line_view

SVG = "{http://www.w3.org/2000/svg}"


def parsed(markup: str) -> ET.Element:
    return ET.fromstring(str(markup).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # noqa: S314 - our own


def view(activity: list[int], low: float = 1.0, middle: float = 2.0, high: float = 4.0) -> LineView:
    return LineView("a", "l", TODAY_MS, TODAY_MS, activity, middle, low, high, [], 0.5, "model")


def test_the_usage_chart_has_a_point_a_day_a_band_and_its_marks() -> None:
    chart = parsed(usage_chart(line_view("A", 1), [Mark(TODAY_MS, 1, "now"), Mark(0, 2, "long ago")], "t", "d"))
    points = chart.find(f".//{SVG}polyline")
    assert points is not None
    assert len(points.attrib["points"].split()) == 28
    lines = chart.findall(f".//{SVG}g[@class='mark']/{SVG}line")
    assert float(lines[0].attrib["x1"]) > WIDTH * 0.9
    assert float(lines[1].attrib["x1"]) < WIDTH * 0.1


def test_marks_of_one_day_stand_side_by_side() -> None:
    marks = [Mark(TODAY_MS, number, "x") for number in (1, 2, 3)]
    chart = parsed(usage_chart(line_view("A", 1), marks, "t", "d"))
    centres = {circle.attrib["cx"] for circle in chart.findall(f".//{SVG}g[@class='mark']/{SVG}circle")}
    assert len(centres) == 3


@given(
    activity=st.lists(st.integers(-5, 10**9), max_size=40),
    band=st.lists(st.floats(-1e6, 1e9), min_size=3, max_size=3).map(sorted),
    at_ms=st.lists(st.integers(0, TODAY_MS + 400 * DAY_MS), max_size=6),
)
def test_whatever_the_numbers_the_chart_stays_in_its_frame(
    activity: list[int], band: list[float], at_ms: list[int]
) -> None:
    marks = [Mark(at, number, "<&>") for number, at in enumerate(at_ms)]
    chart = parsed(usage_chart(view(activity, *band), marks, "<t>", '"d"'))
    for element in chart.iter():
        for key in ("x", "x1", "x2", "cx"):
            assert 0 <= float(element.attrib.get(key, 0)) <= WIDTH
        for key in ("y", "y1", "y2", "cy", "height"):
            assert 0 <= float(element.attrib.get(key, 0)) <= HEIGHT


def test_bills_are_drawn_oldest_first_and_the_last_one_stands_out() -> None:
    bills = [InvoiceView(TODAY_MS - month * 30 * DAY_MS, 10.0 + month) for month in range(20)]
    chart = parsed(invoice_chart(bills, "t", "d"))
    bars = [rect.attrib["class"] for rect in chart.findall(f"{SVG}rect")]
    assert bars == ["bar"] * (BARS_MAX - 1) + ["bar last"]
    assert len(chart.findall(f"{SVG}line[@class='baseline']")) == 1


def test_a_credit_is_no_bar_below_the_frame() -> None:
    chart = parsed(invoice_chart([InvoiceView(0, -20.0), InvoiceView(DAY_MS, 50.0)], "t", "d"))
    heights = [float(rect.attrib["height"]) for rect in chart.findall(f"{SVG}rect")]
    assert heights[0] == 0
    assert heights[1] > 100


def test_a_sparkline_of_nothing_is_still_a_picture() -> None:
    assert parsed(sparkline([], "<none>")).attrib["aria-label"] == "<none>"


@pytest.mark.parametrize(
    ("values", "top"),
    [([0.0], 1.0), ([0.3], 0.5), ([1.0], 1.0), ([2.1], 2.5), ([float("nan")], 1.0), ([999.0], 1000.0)],
)
def test_an_axis_ends_at_a_round_number(values: list[float], top: float) -> None:
    assert round_top(values) == pytest.approx(top)
