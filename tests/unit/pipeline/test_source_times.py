from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.native import EARLIEST_MS, TimeLimits
from pipeline.sources.times import bcd_timestamp_ms, iso_ms, start_before_end

BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    "written",
    ["2603021000002B0800", "2603021000002b0800", "260302100000+0800", "2603020200002D0000", "260301 210000 2D 0500",
     "2026-03-02T10:00:00+08:00", "2026-03-02T02:00:00Z"],
)  # fmt: skip
def test_a_timestamp_is_read_in_every_spelling_and_by_its_own_offset(written: str) -> None:
    assert bcd_timestamp_ms(written, BERLIN) == ms("2026-03-02 02:00:00")


@pytest.mark.parametrize(
    "written", ["", "2613021000002B0800", "2602301000002B0800", "2603022500002B0800", "26030210", "x"]
)
def test_what_is_no_timestamp_is_told(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever the calendar says of it
        bcd_timestamp_ms(written, UTC_ZONE)


@given(st.text(max_size=24))
def test_no_text_brings_the_readers_of_times_down(text: str) -> None:
    for read in (bcd_timestamp_ms, iso_ms):
        try:
            assert isinstance(read(text, BERLIN), int)
        except ValueError:
            continue


def test_in_the_hour_that_comes_twice_the_end_tells_which_start_was_meant() -> None:
    first, second = ms("2026-10-25 00:50:00"), ms("2026-10-25 01:50:00")
    start = "2026-10-25 02:50:00"
    assert start_before_end(start, "2026-10-25 03:10:00", 20 * 60, BERLIN) == second
    assert start_before_end(start, "2026-10-25 03:10:00", 80 * 60, BERLIN) == first
    assert start_before_end(start, "2026-10-25 02:10:00", 20 * 60, BERLIN) == first
    assert start_before_end(start, "2026-10-25 02:55:00", 5 * 60, BERLIN) == first, "both fit: the first"
    assert start_before_end(start, "", 5 * 60, BERLIN) == first


def test_a_time_with_an_offset_needs_no_zone_also_in_that_hour() -> None:
    assert iso_ms("2026-10-25T02:30:00+02:00", BERLIN) == ms("2026-10-25 00:30:00")
    assert iso_ms("2026-10-25T02:30:00+01:00", BERLIN) == ms("2026-10-25 01:30:00")


def test_a_clock_that_is_off_is_told_by_the_limits() -> None:
    limits = TimeLimits(not_before_ms=ms("2026-01-01"), not_after_ms=ms("2026-12-01"))
    early, late = limits.refusal(ms("2025-11-22")), limits.refusal(ms("2027-11-22"))
    assert early is not None
    assert early.reason.value == "too_old"
    assert late is not None
    assert late.reason.value == "from_the_future"
    assert limits.refusal(ms("2026-11-22")) is None
    assert TimeLimits().refusal(ms("2000-01-01 00:05:00")) is not None, "a switch that lost its clock"
    assert ms("2005-01-01") == EARLIEST_MS
