"""Charts: well-formed, inside their frame, and the words in them escaped."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.console.charts.bars import bar_chart
from alerts.console.charts.invoices import BARS_MAX, invoice_chart
from alerts.console.charts.ladder import Countdown, Rung, ladder_chart
from alerts.console.charts.marks import Mark
from alerts.console.charts.plane import WIDTH, round_top
from alerts.console.charts.timeline import HEIGHT as TALL
from alerts.console.charts.timeline import Drawing, Event, Lane, timeline, usual_bill
from alerts.console.charts.usage import DAY_MS, sparkline
from pipeline.line_views import InvoiceView, LineView
from tests.fakes.console_samples import TODAY_MS, line_view

SVG = "{http://www.w3.org/2000/svg}"


def parsed(markup: str) -> ET.Element:
    return ET.fromstring(str(markup).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # noqa: S314 - our own


def view(activity: list[int], low: float = 1.0, middle: float = 2.0, high: float = 4.0) -> LineView:
    return LineView("a", "l", TODAY_MS, TODAY_MS, activity, middle, low, high, [], 0.5, "model")


WORDS = {"usage": "Usage", "spend": "Bills"} | {str(lane): lane.value for lane in Lane}


def drawn(shown: LineView, marks: list[Mark], events: list[Event] | None = None, days: int = 28) -> ET.Element:
    return parsed(timeline(Drawing(shown, marks, events or [], days, WORDS), "<t>", '"d"'))


def test_the_time_axis_has_a_point_a_day_a_band_and_its_marks() -> None:
    chart = drawn(line_view("A", 1), [Mark(TODAY_MS, 1, "now"), Mark(0, 2, "long ago")])
    points = chart.find(f".//{SVG}g[@class='curve']/{SVG}polyline")
    assert points is not None
    assert len(points.attrib["points"].split()) == 28
    assert len(chart.findall(f"{SVG}rect[@class='band']")) == 2
    lines = chart.findall(f".//{SVG}g[@class='mark']/{SVG}line")
    assert float(lines[0].attrib["x1"]) > WIDTH * 0.9
    assert float(lines[1].attrib["x1"]) < WIDTH * 0.2


def test_marks_of_one_moment_stand_side_by_side() -> None:
    chart = drawn(line_view("A", 1), [Mark(TODAY_MS, number, "x") for number in (1, 2, 3)])
    centres = {circle.attrib["cx"] for circle in chart.findall(f".//{SVG}g[@class='mark']/{SVG}circle")}
    assert len(centres) == 3


def test_bills_and_every_kind_of_event_stand_on_the_same_axis_each_with_a_shape_of_its_own() -> None:
    at_ms = TODAY_MS - 10 * DAY_MS
    events = [Event(lane, at_ms, f"{lane} <then>", at_ms + DAY_MS if lane is Lane.INCIDENT else None) for lane in Lane]
    chart = drawn(line_view("A", 1), [Mark(at_ms, 1, "x")], events, days=180)
    shapes = {}
    for lane in Lane:
        (group,) = chart.findall(f"{SVG}g[@class='event {lane}']")
        assert group[0].text == f"{lane} <then>"
        shapes[lane] = group[1].tag
    assert shapes[Lane.ORDER] != shapes[Lane.CARE] != shapes[Lane.CONTACT]
    assert len(chart.findall(f"{SVG}g[@class='event bill']")) == 6
    care, mark = (chart.find(f"{SVG}g[@class='{css}']") for css in ("event care", "mark"))
    assert care is not None
    assert mark is not None
    assert care[1].attrib["cx"] == mark[1].attrib["x1"]


def test_what_is_older_than_the_axis_is_not_drawn_and_what_still_lasts_is() -> None:
    old_ms = TODAY_MS - 100 * DAY_MS
    events = [Event(Lane.ORDER, old_ms, "old"), Event(Lane.INCIDENT, old_ms, "lasting", TODAY_MS)]
    chart = drawn(line_view("A", 1), [], events)
    assert chart.findall(f"{SVG}g[@class='event order']") == []
    assert len(chart.findall(f"{SVG}g[@class='event incident']")) == 1


def test_the_usual_bill_is_by_the_earlier_ones_and_one_bill_makes_none() -> None:
    assert usual_bill([InvoiceView(0, 80.0), InvoiceView(1, 10.0)]) is None
    assert usual_bill([InvoiceView(2, 10.0), InvoiceView(0, 80.0), InvoiceView(1, 80.0)]) == (80.0, 80.0, 80.0)


def test_the_ladder_fills_what_was_climbed_and_shows_the_time_that_is_left() -> None:
    rungs = [
        Rung("asked", "2026-10-01 09:00"),
        Rung("released", ""),
        Rung("code", "2026-10-27 09:00"),
        Rung("order", ""),
    ]
    chart = parsed(ladder_chart(rungs, Countdown("19 h <left>", 0.25, urgent=True), "t", "d"))
    steps = [group.attrib["class"] for group in chart.findall(f"{SVG}g") if group.attrib["class"].startswith("step")]
    assert steps == ["step climbed", "step ahead", "step present", "step ahead"]
    everything, left = chart.findall(f"{SVG}g[@class='countdown']/{SVG}rect")
    assert float(left.attrib["width"]) == pytest.approx(float(everything.attrib["width"]) / 4)
    assert left.attrib["class"] == "left urgent"


@given(
    activity=st.lists(st.integers(-5, 10**9), max_size=40),
    band=st.lists(st.floats(-1e6, 1e9), min_size=3, max_size=3).map(sorted),
    at_ms=st.lists(st.integers(0, TODAY_MS + 400 * DAY_MS), max_size=6),
    days=st.sampled_from([28, 180]),
)
def test_whatever_the_numbers_the_chart_stays_in_its_frame(
    activity: list[int], band: list[float], at_ms: list[int], days: int
) -> None:
    marks = [Mark(at, number, "<&>") for number, at in enumerate(at_ms)]
    events = [Event(list(Lane)[at % 4], at, "<&>", at + DAY_MS) for at in at_ms]
    chart = drawn(view(activity, *band), marks, events, days)
    for element in chart.iter():
        for key in ("x", "x1", "x2", "cx"):
            assert 0 <= float(element.attrib.get(key, 0)) <= WIDTH
        for key in ("y", "y1", "y2", "cy", "height"):
            assert 0 <= float(element.attrib.get(key, 0)) <= TALL


def test_bills_are_drawn_oldest_first_and_the_last_one_stands_out() -> None:
    bills = [InvoiceView(TODAY_MS - month * 30 * DAY_MS, 10.0 + month) for month in range(20)]
    chart = parsed(invoice_chart(bills, "t", "d"))
    bars = [rect.attrib["class"] for rect in chart.findall(f"{SVG}rect")]
    assert bars.pop(0) == "band"
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


@given(bars=st.lists(st.tuples(st.text(max_size=60), st.floats(-1e9, 1e12), st.text(max_size=9)), max_size=14))
def test_bars_stay_in_their_frame_whatever_they_say(bars: list[tuple[str, float, str]]) -> None:
    printable = [("".join(filter(str.isprintable, label)), value, "x") for label, value, _ in bars]
    chart = parsed(bar_chart(printable, "<t>", '"d"'))
    for rect in chart.iter(f"{SVG}rect"):
        assert 0 <= float(rect.attrib["width"]) <= WIDTH - float(rect.attrib["x"])
