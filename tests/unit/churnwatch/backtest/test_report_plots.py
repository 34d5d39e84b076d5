"""Figures stand in the page by themselves: they load nothing, name nothing outside, and follow the page's colours."""

import re

from matplotlib.axes import Axes

from churnwatch.backtest.report.plots import FIRST, plot


def drawn(title: str = "a <b> plot") -> str:
    def draw(axes: Axes) -> None:
        axes.plot([0, 1, 2], [0.0, 2.0, 1.0], color=FIRST, marker="o", label="a line")
        axes.legend()

    return plot(title, draw)


def test_a_figure_is_an_svg_element_without_addresses_or_scripts() -> None:
    svg = drawn()

    assert svg.startswith("<figure><svg ")
    assert "http" not in svg
    assert "<script" not in svg
    assert "<?xml" not in svg
    assert 'aria-label="a &lt;b&gt; plot"' in svg


def test_text_stays_text_and_colours_are_the_pages() -> None:
    svg = drawn()

    assert ">a line</text>" in svg
    assert "var(--a)" in svg
    assert FIRST not in svg


def test_the_same_figure_is_the_same_bytes_and_two_share_no_id() -> None:
    first, second = drawn("one"), drawn("two")

    assert drawn("one") == first
    assert not set(re.findall(r'\bid="([^"]+)"', first)) & set(re.findall(r'\bid="([^"]+)"', second))
    for svg in (first, second):
        ids = set(re.findall(r'\bid="([^"]+)"', svg))
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= ids
