"""Messages to owners: who is told what, when, and that no customer can be read from it."""

from pathlib import Path

import msgspec
import pytest

from alerts.notify import Message, Notice, Notifier, notice_of
from alerts.notify_policy import (
    POLICY_FILE,
    Contact,
    Contacts,
    NotifyError,
    read_contacts,
    read_notify_policy,
    read_texts,
)
from alerts.tasks import OUTBOUND, HistoryEntry, Role, Task, TaskEvent, TaskEventKind, TaskState
from pipeline.events import Level
from tests.fakes.alert_records import HOUR_MS, NOON_MS

MINUTE_MS = 60_000
CONTACTS = Contacts({
    "m-1": Contact(["json://localhost"], "en", "UTC"),
    "m-2": Contact(["json://localhost"], "zh", "Asia/Shanghai", "12:00-14:00"),
})  # fmt: skip


def notifier(**changes: object) -> Notifier:
    policy = msgspec.structs.replace(read_notify_policy(), **changes)
    words = {"en": {"price": "Price"}, "zh": {"price": "资费"}}
    return Notifier(policy, CONTACTS, read_texts(), words, "https://console.example/")


def notice(number: int = 1, level: Level = Level.CRITICAL, owner: str = "m-1", **more: object) -> Notice:
    values = {"kind": "created", "due_ms": NOON_MS + HOUR_MS, **more}
    return Notice(f"e-{number}", owner, f"task-{number}", level, "price", position=number, **values)  # type: ignore[arg-type]  # fields by name


def only(messages: list[Message]) -> Message:
    (message,) = messages
    return message


def task(**changes: object) -> Task:
    values: dict[str, object] = {
        "task_id": "0123", "account_id": "secret-account", "line_id": "secret-line", "reason_group": "price",
        "level": Level.CRITICAL, "score": 0.5, "score_basis": "prior", "days_left": None, "signals": [], "reasons": [],
        "owner": "m-1", "deputy": None, "team": None, "state": TaskState.NEW, "created_ms": NOON_MS,
        "due_ms": NOON_MS + HOUR_MS, "refreshed_ms": NOON_MS,
    }  # fmt: skip
    return Task(**{**values, **changes})  # type: ignore[arg-type]  # fields by name


def event(kind: TaskEventKind, about: Task) -> TaskEvent:
    return TaskEvent(
        about.account_id, NOON_MS, kind, "engine", Role.SYSTEM, task=about, event_id="e-1", note="secret note"
    )


def test_a_critical_task_is_told_at_once_and_a_warning_in_the_digest() -> None:
    one = notifier()
    one.add(notice(1, Level.WARN), NOON_MS)
    assert one.due(NOON_MS) == []
    assert one.due(NOON_MS + 59 * MINUTE_MS) == []
    assert only(one.due(NOON_MS + 60 * MINUTE_MS)).title == "Churn: warning task (Price)"
    one.add(notice(2), NOON_MS + MINUTE_MS)
    message = only(one.due(NOON_MS + MINUTE_MS))
    assert message.title == "Churn: 2 tasks for you"
    assert len(message.body.splitlines()) == 2
    one.told(message, NOON_MS + MINUTE_MS)
    assert (one.due(NOON_MS + 9 * HOUR_MS), one.waiting()) == ([], 0)


def test_what_is_never_told_or_has_no_address_is_dropped() -> None:
    one = notifier()
    one.add(notice(1, Level.WATCH), NOON_MS)
    one.add(notice(2, owner="m-9"), NOON_MS)
    assert one.waiting() == 0


def test_quiet_hours_are_kept_in_the_owners_time_and_broken_only_where_allowed() -> None:
    evening_ms = NOON_MS + 10 * HOUR_MS
    one = notifier()
    one.add(notice(), evening_ms)
    assert one.due(evening_ms) == []
    assert only(one.due(NOON_MS + 20 * HOUR_MS)).owner == "m-1"
    quiet = msgspec.structs.replace(read_notify_policy().quiet, breaks=[Level.CRITICAL])
    loud = notifier(quiet=quiet)
    loud.add(notice(), evening_ms)
    assert only(loud.due(evening_ms)).owner == "m-1"
    own = notifier()
    own.add(notice(owner="m-2"), NOON_MS)
    assert only(own.due(NOON_MS)).owner == "m-2"
    at_lunch_ms = NOON_MS - 7 * HOUR_MS
    assert own.due(at_lunch_ms) == []


def test_a_flood_becomes_a_digest() -> None:
    one = notifier()
    sent = 0
    for number in range(40):
        at_ms = NOON_MS + number * MINUTE_MS
        one.add(notice(number), at_ms)
        for message in one.due(at_ms):
            one.told(message, at_ms)
            sent += 1
    assert sent == 6
    assert one.waiting() == 34
    message = only(one.due(NOON_MS + 66 * MINUTE_MS))
    assert message.title == "Churn: 34 tasks for you"
    assert len(message.body.splitlines()) == 11
    assert message.body.splitlines()[-1] == "and 24 more: https://console.example/inbox/m-1"


def test_a_message_holds_the_link_and_nothing_of_the_customer() -> None:
    one = notifier()
    made = notice_of(event(TaskEventKind.CREATED, task()), 5)
    assert made is not None
    one.add(made, NOON_MS)
    message = only(one.due(NOON_MS))
    assert message.body == "critical · Price · due 03-03 13:00 · https://console.example/t/0123"
    assert "secret" not in message.title + message.body


def test_a_message_speaks_the_owners_language_and_time() -> None:
    one = notifier()
    one.add(notice(owner="m-2"), NOON_MS)
    message = only(one.due(NOON_MS))
    assert (message.title, "03-03 21:00" in message.body) == ("流失预警：紧急任务（资费）", True)


def test_an_overdue_task_is_told_to_whom_it_went_and_for_the_team_to_its_supervisor() -> None:
    overdue = [HistoryEntry(NOON_MS, TaskEventKind.ESCALATED, "tasks", "s-1")]
    told = notice_of(event(TaskEventKind.ESCALATED, task(owner=OUTBOUND, history=overdue)), 5)
    assert told is not None
    assert (told.owner, told.kind) == ("s-1", "escalated")
    assert notice_of(event(TaskEventKind.CREATED, task(owner=OUTBOUND)), 5) is None
    assert notice_of(event(TaskEventKind.NOTE_ADDED, task()), 5) is None
    assert notice_of(event(TaskEventKind.REASSIGNED, task(state=TaskState.DONE)), 5) is None


def test_the_log_counts_as_told_up_to_the_oldest_notice_that_waits() -> None:
    one = notifier()
    one.add(notice(7, Level.WARN), NOON_MS)
    one.add(notice(9, owner="m-2"), NOON_MS)
    assert one.told_up_to(20) == 7
    one.told(only([message for message in one.due(NOON_MS) if message.owner == "m-2"]), NOON_MS)
    assert one.told_up_to(20) == 7
    one.told(only(one.due(NOON_MS + HOUR_MS)), NOON_MS + HOUR_MS)
    assert one.told_up_to(20) == 20


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("digest_minutes = 60", "digest_minute = 60", "unknown field `digest_minute`"),
        ('critical = "now"', 'critical = "soon"', "Invalid enum value 'soon'"),
        ('hours = "21:00-08:00"', 'hours = "night"', "does not match|matching"),
    ],
)
def test_a_wrong_policy_is_named_with_its_line(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    text = POLICY_FILE.read_text(encoding="utf-8").replace(right, wrong)
    path = tmp_path / "notify.toml"
    path.write_text(text, encoding="utf-8")
    line = next(number for number, row in enumerate(text.splitlines(), 1) if wrong in row)
    with pytest.raises(NotifyError, match=rf"notify\.toml, line {line}: .*({said})"):
        read_notify_policy(path)


def test_a_file_of_contacts_that_others_can_read_is_refused_and_shows_no_address(tmp_path: Path) -> None:
    path = tmp_path / "contacts.toml"
    path.write_text('[owners.m-1]\nurls = ["slack://token-a/token-b"]\nlanguage = "en"\n')
    path.chmod(0o644)
    with pytest.raises(NotifyError, match="chmod 600"):
        read_contacts(path)
    path.chmod(0o600)
    contacts = read_contacts(path)
    assert contacts.of("m-1") is not None
    assert contacts.of("m-2") is None
    assert "token" not in repr(contacts)
    path.write_text('[owners.m-1]\nurls = ["slack://token"]\ntimezone = "Nowhere/Else"\n')
    with pytest.raises(NotifyError, match="owner m-1: there is no time zone 'Nowhere/Else'"):
        read_contacts(path)
