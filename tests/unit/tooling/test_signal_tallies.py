"""What a signal is worth alone: alarms, hits, leavers and chance, counted by hand."""

import numpy as np
import pytest

from benchmarks.operator_quality.recording import Recording
from benchmarks.signal_quality.alone import Alarm, Tally, alarms_of, at_least, tally, tally_by_kind
from models.evaluation.daily_lists import DAY_MS, DailyList, Lists
from pipeline.events import ChurnWarning, Level, Origin, SignalReport, Truth

LINES = ["l1", "l2", "l3", "l4"]


def warning(line_id: str | None, day: int, since_day: int | None = None, name: str = "silence") -> ChurnWarning:
    since = day if since_day is None else since_day
    report = SignalReport(name, Origin.OWN_USAGE, 0.9, since * DAY_MS, {})
    return ChurnWarning(
        f"w{line_id}{day}{name}",
        day * DAY_MS,
        "a1",
        line_id,
        Level.WARN,
        0.5,
        "prior",
        None,
        [report],
        [name],
        "none",
        "",
    )


def recording(*warnings: ChurnWarning, kind: str = "public") -> Recording:
    """Four lines over 40 days; l1 leaves on day 10, l2 on day 35, l3 has to on day 20, l4 stays."""
    truths = {
        "l1": Truth("a1", "l1", 10 * DAY_MS, "price"),
        "l2": Truth("a1", "l2", 35 * DAY_MS, "fade"),
        "l3": Truth("a1", "l3", 20 * DAY_MS, "involuntary"),
    }
    days = [
        DailyList(day * DAY_MS, np.arange(4), np.zeros(4), np.zeros(4, bool)) for day in range(41) if day in (0, 8, 39)
    ]
    return Recording(Lists(LINES, days, 40 * DAY_MS), truths, [], warnings, {"a1": LINES}, kind_of={"a1": kind})


def test_alarms_hits_and_leads_by_hand() -> None:
    told = tally(recording(warning("l1", 4), warning("l2", 2), warning("l3", 5), warning("l4", 6), warning("l4", 39)))
    silence = told["silence"]
    # l2 leaves 33 days after its alarm: no hit, not caught. l3 had to leave: neither right nor wrong. The last one came too late.
    assert (silence.alarms, silence.judged, silence.hits, silence.leads) == (5, 3, 1, [6.0])
    assert silence.leavers == 2
    # Lists of days 0 and 8 are over: l1 on both, l2 and l4 on both, l2 leaves after the second; l3 by force within both.
    assert silence.by_chance == pytest.approx(3 * 3 / 6)
    figures = silence.figures()
    assert figures["precision"] == pytest.approx(1 / 3, abs=1e-4)
    assert (figures["chance"], figures["recall"], figures["lead_days"]) == (0.5, 0.5, 6.0)
    assert figures["alarms_week_1000"] == pytest.approx(7000 * 5 / 12, abs=1e-3)


def test_a_level_that_rose_is_no_new_alarm_and_an_account_speaks_for_its_lines() -> None:
    found = alarms_of([warning("l1", 4, since_day=2), warning(None, 5, name="contract_end")], {"a1": LINES})
    assert found == {"contract_end": [Alarm("a1", tuple(LINES), 5 * DAY_MS, of_account=True)]}


def test_an_account_hits_when_any_of_its_lines_leaves_and_is_compared_with_accounts_of_its_size() -> None:
    told = tally(recording(warning(None, 4, name="contract_end"), warning(None, 8, name="contract_end")))[
        "contract_end"
    ]
    assert (told.alarms, told.judged, told.hits) == (2, 2, 2)
    assert told.by_chance == 2.0
    assert told.leads == [6.0, 27.0]


def test_seeds_add_up_and_luck_is_the_binomial_tail() -> None:
    one = Tally(alarms=2, judged=2, hits=1, by_chance=0.4, leavers=3, leads=[1.0], line_days=70)
    one.add(Tally(alarms=1, judged=1, hits=1, by_chance=0.2, leavers=1, leads=[3.0], line_days=70))
    figures = one.figures()
    assert (figures["precision"], figures["chance"], figures["lead_days"], figures["recall"]) == (0.6667, 0.2, 2.0, 0.5)
    # Two or three of three at 0.2: 3 x 0.04 x 0.8 + 0.008.
    assert at_least(2, 3, 0.2) == pytest.approx(0.104)
    assert figures["verdict"] == "too few"


def test_gradual_signals_are_told_apart_by_kind_of_customer_as_the_policy_does() -> None:
    told = recording(warning("l1", 4), warning("l4", 4), warning("l1", 4, name="termination"), kind="prepaid")
    found = tally_by_kind(told)
    assert list(found) == ["silence, prepaid"]
    assert (found["silence, prepaid"].judged, found["silence, prepaid"].hits) == (2, 1)
