"""Whether a call may ring now, and what becomes of one that nobody heard of again."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from alerts.admission import admit
from alerts.book import Book
from alerts.contact import cap_ends_ms, window_opens_ms
from alerts.dialing import begin, lose
from alerts.law_pack import read_law_pack
from alerts.moves import Move, record
from alerts.policy import TASK_POLICY_FILE, CapName, TaskPolicyError, read_task_policy
from alerts.rules import Rules, read_rules
from alerts.tasks import Customer, RefusalReason, TaskState
from pipeline.events import Disposition
from tests.fakes.alert_records import (
    CALLER,
    DAY_MS,
    DIALER,
    HOUR_MS,
    NOON_MS,
    customer,
    happened,
    signal,
    the_refusal,
    warning,
)

RULES = read_rules()
POLICY = RULES.tasks


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def queued(*names: str) -> Book:
    book = Book("a-1")
    for number, name in enumerate(names or ("silence",)):
        book, _ = happened(book, admit(book, warning(f"w-{number}", signal(name)), customer(), RULES, NOON_MS))
    return book


def dial(
    book: Book,
    group: str = "inactivity",
    attempt: int = 1,
    whose: Customer | None = None,
    at_ms: int = NOON_MS,
    rules: Rules = RULES,
) -> Move:
    return begin(book, book.open[group], DIALER, attempt, whose or customer(), rules, at_ms)


def test_a_call_is_marked_as_begun_with_its_line_before_it_rings() -> None:
    book, event = happened(queued(), dial(queued()))
    task = book.open["inactivity"]
    assert (task.state, task.dialing_line_id, event.attempt) == (TaskState.IN_CONTACT, "l-1", 1)
    assert book.contacts == [NOON_MS]


def test_an_attempt_is_never_begun_twice() -> None:
    book, _ = happened(queued(), dial(queued()))
    assert the_refusal(dial(book)).reason is RefusalReason.WRONG_STATE
    task = book.open["inactivity"]
    book, _ = happened(book, record(task, DIALER, Disposition.BUSY, "", NOON_MS, POLICY, attempt=1))
    assert the_refusal(dial(book)).reason is RefusalReason.STALE_ATTEMPT


def test_consent_is_asked_again_at_dial_time() -> None:
    assert the_refusal(dial(queued(), whose=customer(call=False))).reason is RefusalReason.NO_CONSENT
    opted_out = msgspec.structs.replace(queued(), opted_out=True)
    assert the_refusal(dial(opted_out)).reason is RefusalReason.OPTED_OUT


def test_two_tasks_of_one_line_never_ring_at_once() -> None:
    book, _ = happened(queued("silence", "complaint"), dial(queued("silence", "complaint")))
    refusal = the_refusal(dial(book, "service"))
    assert refusal.reason is RefusalReason.LINE_BUSY
    assert refusal.retry_ms is not None


def test_nobody_is_called_outside_their_own_local_hours() -> None:
    shanghai = customer(timezone="Asia/Shanghai")
    refusal = the_refusal(dial(queued(), whose=shanghai, at_ms=at("2026-03-03T12:00")))
    assert refusal.reason is RefusalReason.OUTSIDE_WINDOW
    assert refusal.retry_ms == at("2026-03-04T01:00")


@pytest.mark.parametrize(
    ("zone", "window", "now", "opens"),
    [
        (None, None, "2026-03-03T08:59", "2026-03-03T09:00"),
        (None, None, "2026-03-03T09:00", "2026-03-03T09:00"),
        (None, None, "2026-03-03T20:00", "2026-03-04T09:00"),
        ("Europe/Berlin", "10:00-12:00", "2026-03-28T11:30", "2026-03-29T08:00"),
        ("Nowhere/Atall", "nonsense", "2026-03-03T21:00", "2026-03-04T09:00"),
        (None, "00:00-24:00", "2026-03-03T23:59", "2026-03-03T23:59"),
    ],
)
def test_the_window_opens_at_local_time_whatever_the_clocks_did(
    zone: str | None, window: str | None, now: str, opens: str
) -> None:
    whose = customer(timezone=zone, contact_window=window)
    law = msgspec.structs.replace(RULES.law, timezone="UTC")
    assert window_opens_ms(whose, POLICY.contact, law, at(now)) == at(opens)


@pytest.mark.parametrize(
    ("zone", "region", "now", "opens"),
    [
        # Labour Day: five days off in China, one in Germany, none in the United States.
        ("Asia/Shanghai", "north", "2026-05-01T03:00", "2026-05-06T01:00"),
        ("Europe/Berlin", "north", "2026-05-01T10:00", "2026-05-02T07:00"),
        ("America/New_York", "north", "2026-05-01T15:00", "2026-05-01T15:00"),
        # Between holidays the weekend is one, too: the Spring Festival's.
        ("Asia/Shanghai", "north", "2026-02-21T03:00", "2026-02-24T01:00"),
        # The evening before, the window shuts until the holidays are over.
        ("Asia/Shanghai", "north", "2026-04-30T12:00", "2026-05-06T01:00"),
        # Corpus Christi is a holiday in Bavaria, not in all of Germany.
        ("Europe/Berlin", "south", "2026-06-04T10:00", "2026-06-05T07:00"),
        ("Europe/Berlin", "north", "2026-06-04T10:00", "2026-06-04T10:00"),
        # No zone in the record: the pack's calendar.
        (None, "north", "2026-10-01T03:00", "2026-10-08T09:00"),
    ],
)
def test_nobody_is_called_on_the_holidays_of_where_they_live(
    zone: str | None, region: str, now: str, opens: str
) -> None:
    contact = msgspec.structs.replace(POLICY.contact, calendars={"south": "DE-BY"})
    law = msgspec.structs.replace(RULES.law, timezone="UTC")
    assert window_opens_ms(customer(timezone=zone, region=region), contact, law, at(now)) == at(opens)


def test_an_operator_may_call_on_holidays_if_it_says_so() -> None:
    contact = msgspec.structs.replace(POLICY.contact, on_holidays=True)
    holiday = at("2026-05-01T03:00")
    assert window_opens_ms(customer(timezone="Asia/Shanghai"), contact, RULES.law, holiday) == holiday


def test_a_calendar_that_there_is_not_stops_the_start_and_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "tasks.toml"
    wrong.write_text(
        TASK_POLICY_FILE.read_text().replace("\n[contact.calendars]", '\n[contact.calendars]\nsouth = "XX-YY"')
    )
    with pytest.raises(TaskPolicyError, match=r"contact\.calendars\.south.*XX-YY"):
        read_task_policy(wrong)


@pytest.mark.parametrize(
    ("wished", "now", "opens"),
    [
        ("06:00-22:00", "2026-03-03T07:00", "2026-03-03T10:00"),
        ("06:00-12:00", "2026-03-05T12:00", "2026-03-06T10:00"),
        ("06:00-09:00", "2026-03-03T08:00", "2026-03-03T10:00"),
    ],
)
def test_no_window_is_wider_than_the_laws(wished: str, now: str, opens: str) -> None:
    law = msgspec.structs.replace(read_law_pack("in"), timezone="UTC")
    whose = customer(timezone=None, contact_window=wished)
    assert window_opens_ms(whose, POLICY.contact, law, at(now)) == at(opens)


def test_the_daily_cap_holds_over_all_reasons() -> None:
    book = queued("silence", "complaint")
    book, _ = happened(book, dial(book))
    task = book.open["inactivity"]
    book, _ = happened(book, record(task, DIALER, Disposition.BUSY, "", NOON_MS, POLICY, attempt=1))
    refusal = the_refusal(dial(book, "service", at_ms=NOON_MS + HOUR_MS))
    assert (refusal.reason, refusal.retry_ms) == (RefusalReason.CONTACT_CAP, NOON_MS + DAY_MS)


def test_a_person_who_called_counts_towards_the_caps_too() -> None:
    book = queued("silence", "complaint")
    book, _ = happened(book, record(book.open["service"], CALLER, Disposition.BUSY, "", NOON_MS, POLICY))
    assert the_refusal(dial(book)).reason is RefusalReason.CONTACT_CAP


@pytest.mark.parametrize("escaped", [["day"], []])
def test_a_callback_escapes_only_the_caps_that_the_policy_names_and_never_the_window(escaped: list[CapName]) -> None:
    contact = msgspec.structs.replace(POLICY.contact, callbacks_escape=escaped)
    rules = replace(RULES, tasks=msgspec.structs.replace(POLICY, contact=contact))
    book = queued()
    book, _ = happened(book, dial(book))
    told = record(book.open["inactivity"], DIALER, Disposition.REACHED_CALLBACK, "", NOON_MS, POLICY, attempt=1)
    book, _ = happened(book, told)
    book = msgspec.structs.replace(book, contacts=[NOON_MS + 23 * HOUR_MS])
    late = the_refusal(dial(book, attempt=2, at_ms=NOON_MS + 34 * HOUR_MS, rules=rules))
    assert late.reason is RefusalReason.OUTSIDE_WINDOW
    again = dial(book, attempt=2, at_ms=NOON_MS + 24 * HOUR_MS, rules=rules)
    if escaped:
        happened(book, again)
    else:
        assert the_refusal(again).retry_ms == NOON_MS + 47 * HOUR_MS


def test_a_waiting_task_is_not_called_before_its_time() -> None:
    book = queued()
    book, _ = happened(book, dial(book))
    told = record(book.open["inactivity"], DIALER, Disposition.BUSY, "", NOON_MS, POLICY, attempt=1)
    book, _ = happened(book, told)
    assert the_refusal(dial(book, attempt=2, at_ms=NOON_MS + 1)).retry_ms == NOON_MS + HOUR_MS


@pytest.mark.parametrize(
    ("contacts", "ends"),
    [
        ([], NOON_MS),
        ([NOON_MS - DAY_MS], NOON_MS),
        ([NOON_MS - DAY_MS + 1], NOON_MS + 1),
        ([NOON_MS - 6 * DAY_MS, NOON_MS - 4 * DAY_MS, NOON_MS - 2 * DAY_MS], NOON_MS + DAY_MS),
        ([NOON_MS - day * DAY_MS for day in (29, 25, 21, 17, 13, 9)], NOON_MS + DAY_MS),
    ],
)
def test_caps_of_a_day_a_week_and_thirty_days_by_hand(contacts: list[int], ends: int) -> None:
    assert cap_ends_ms(contacts, POLICY.contact, NOON_MS) == ends


def test_a_lost_call_counts_as_an_attempt_and_is_not_dialled_again_under_it() -> None:
    book = queued()
    book, _ = happened(book, dial(book))
    book, _ = happened(book, lose(book.open["inactivity"], DIALER, 1, NOON_MS))
    task = book.open["inactivity"]
    assert (task.state, task.attempts, task.dialing_line_id) == (TaskState.WAITING, 1, None)
    assert the_refusal(dial(book, attempt=1, at_ms=NOON_MS + 2 * DAY_MS)).reason is RefusalReason.STALE_ATTEMPT
    assert the_refusal(lose(task, DIALER, 1, NOON_MS)).reason is RefusalReason.STALE_ATTEMPT
