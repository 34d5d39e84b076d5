"""The law gate: what may be used, country by country."""

from dataclasses import replace

import msgspec
import pytest

from alerts.admission import admit
from alerts.book import Book
from alerts.enforcement import enforce
from alerts.law import barring, lawful_view, rule_on, usable
from alerts.moves import record
from alerts.rules import Rules, read_rules
from alerts.tasks import Customer, RefusalReason, TaskEvent, TaskEventKind, TaskResult, TaskState
from pipeline.events import ChurnWarning, Consent, Disposition, Level, Origin
from tests.fakes.alert_records import (
    DAY_MS,
    DEPUTY,
    MANAGER,
    NOON_MS,
    customer,
    happened,
    line_view,
    signal,
    warning,
)

RULES = {country: read_rules(country) for country in ("cn", "eu", "in", "uk", "us")}
PORTING = signal("port_out_order", 1.0, Origin.WHOLESALE_PORTING)
CODE = signal("port_code_issued", 0.95, Origin.CUSTOMER_TO_US)
COMPLAINT = signal("complaint", 0.9, Origin.CUSTOMER_TO_US)
ALLOWED = Consent(call=True, sms=True, profiling=True)
NOTHING = Consent()


def managed_customer(consent: Consent = ALLOWED, lines: int = 2) -> Customer:
    return customer(
        segment="key_account",
        manager_id=MANAGER.name,
        deputy_id=DEPUTY.name,
        consent=consent,
        lines=[f"l-{number}" for number in range(1, lines + 1)],
    )


def admitted(
    rules: Rules, book: Book, told: ChurnWarning, whose: Customer | None = None, now_ms: int = NOON_MS
) -> tuple[Book, TaskEvent]:
    """The book after a warning and what the law makes of it; the event of the warning."""
    book, event = happened(book, admit(book, told, whose or managed_customer(), rules, now_ms))
    return followed(rules, book, now_ms), event


def followed(rules: Rules, book: Book, now_ms: int = NOON_MS) -> Book:
    for move in enforce(book, rules.law, rules.tasks, now_ms):
        book, _ = happened(book, move)
    assert enforce(book, rules.law, rules.tasks, now_ms) == []
    return book


@pytest.mark.parametrize(
    ("country", "name", "origin", "consent", "rule"),
    [
        ("us", "competitor_hotline", Origin.OWN_USAGE, ALLOWED, "us_no_calls_to_competitors"),
        ("us", "off_net_shift", Origin.OWN_USAGE, NOTHING, "us_call_details_with_approval"),
        ("us", "off_net_shift", Origin.OWN_USAGE, ALLOWED, None),
        ("us", "silence", Origin.OWN_USAGE, NOTHING, None),
        ("us", "port_out_order", Origin.WHOLESALE_PORTING, ALLOWED, "us_no_save_from_porting_order"),
        ("uk", "port_out_order", Origin.WHOLESALE_PORTING, ALLOWED, "uk_no_save_from_porting_order"),
        ("uk", "port_code_issued", Origin.CUSTOMER_TO_US, NOTHING, None),
        ("eu", "silence", Origin.OWN_USAGE, NOTHING, "eu_traffic_data_with_consent"),
        ("eu", "silence", Origin.OWN_USAGE, Consent(profiling=True), None),
        ("eu", "spend_drop", Origin.OWN_BILLING, NOTHING, None),
        ("cn", "competitor_hotline", Origin.OWN_USAGE, NOTHING, None),
        ("cn", "port_out_order", Origin.WHOLESALE_PORTING, NOTHING, None),
        ("in", "port_out_order", Origin.WHOLESALE_PORTING, NOTHING, None),
    ],
)
def test_signal_origin_and_consent_decide(
    country: str, name: str, origin: Origin, consent: Consent, rule: str | None
) -> None:
    found = barring(RULES[country].law, name, origin, consent)
    assert (found.id if found else None) == rule


def test_a_task_that_would_rest_only_on_barred_signals_is_refused_and_the_rule_is_logged() -> None:
    rules = RULES["us"]
    book, event = admitted(rules, Book("a-1"), warning("w-1", signal("competitor_hotline", 0.99)))
    assert not book.open
    assert (event.kind, event.reason) == (TaskEventKind.WARNING_REFUSED, RefusalReason.BARRED_SIGNAL)
    assert event.rule == "us_no_calls_to_competitors"
    assert event.rule_text == rules.law.rules[1].text.en


def test_barred_signals_are_neither_shown_nor_used() -> None:
    told = warning(
        "w-1", signal("competitor_hotline", 0.99), signal("silence", 0.6), level=Level.CRITICAL, score=0.9,
        score_basis="model", days_left=1.0, reasons=["competitor_hotline", "silence"],
    )  # fmt: skip
    book, event = admitted(RULES["us"], Book("a-1"), told)
    task = book.open["inactivity"]
    assert [report.name for report in task.signals] == ["silence"]
    assert task.reasons == ["silence"]
    # Silence of 0.6 is a warning of its own, and weighs 0.05: 1 - 0.98 x (1 - 0.05 x 0.6) = 0.0494.
    assert (task.level, task.score, task.score_basis, task.days_left) == (Level.WARN, 0.0494, "prior", None)
    assert event.rule == "us_no_calls_to_competitors"


def test_a_score_that_never_knew_of_what_is_barred_makes_a_task_all_the_same() -> None:
    told = warning(
        "w-1", signal("competitor_hotline", 0.99), signal("model_score", 0.7), score=0.9, score_basis="model"
    )
    book, _ = admitted(RULES["us"], Book("a-1"), told)
    (task,) = book.open.values()
    assert ([report.name for report in task.signals], task.score) == (["model_score"], 0.7)
    assert (task.level, task.score_basis) == (Level.CRITICAL, "model")


def test_a_score_that_may_know_of_what_is_barred_does_not() -> None:
    told = warning("w-1", signal("off_net_shift", 0.99), signal("model_score", 0.7), score=0.9, score_basis="model")
    ruling = rule_on(told, managed_customer(NOTHING), RULES["us"].law, RULES["us"].signals)
    assert ruling.warning is not None
    assert (ruling.warning.level, ruling.warning.score_basis) == (Level.WATCH, "prior")


def test_what_is_left_may_be_too_little_for_a_task() -> None:
    told = warning("w-1", signal("competitor_hotline", 0.99), signal("usage_drop", 0.5), level=Level.CRITICAL)
    _, event = admitted(RULES["us"], Book("a-1"), told)
    assert event.reason is RefusalReason.BELOW_LEVEL


def test_a_score_alone_is_traffic_data_too() -> None:
    told = msgspec.structs.replace(warning("w-1"), signals=[])
    ruling = rule_on(told, managed_customer(NOTHING), RULES["eu"].law, RULES["eu"].signals)
    assert ruling.warning is None
    assert rule_on(told, managed_customer(), RULES["eu"].law, RULES["eu"].signals).warning == told


def test_a_score_does_not_give_as_its_reason_what_may_not_be_used() -> None:
    numbers = {"score": 0.7, "off_net_shift.share": 0.6, "silence.share": 0.4}
    score = msgspec.structs.replace(signal("model_score", 0.7), evidence=numbers)
    told = warning("w-1", score, reasons=["model_score", "off_net_shift", "silence"])
    law, policy = RULES["us"].law, RULES["us"].signals
    assert rule_on(told, managed_customer(), law, policy).warning == told
    left = rule_on(told, managed_customer(NOTHING), law, policy).warning
    assert left is not None
    assert left.reasons == ["model_score", "silence"]
    assert left.signals[0].evidence == {"score": 0.7, "silence.share": 0.4}


@pytest.mark.parametrize("country", ["uk", "us"])
def test_a_porting_order_stops_all_work_on_its_line_and_only_there(country: str) -> None:
    rules = RULES[country]
    book, _ = admitted(rules, Book("a-1"), warning("w-1", COMPLAINT))
    book, _ = admitted(rules, book, warning("w-2", signal("silence"), line_id="l-2"))
    assert len(book.open) == 2
    book, event = admitted(rules, book, warning("w-3", PORTING, COMPLAINT, signal("spend_drop")))
    assert (event.reason, event.rule) == (RefusalReason.STOP_WORK, f"{country}_no_save_from_porting_order")
    assert [task.line_ids for task in book.open.values()] == [["l-2"]]
    _, event = admitted(rules, book, warning("w-4", COMPLAINT), now_ms=NOON_MS + DAY_MS)
    assert event.reason is RefusalReason.STOP_WORK
    _, event = admitted(rules, book, warning("w-5", COMPLAINT), now_ms=NOON_MS + 40 * DAY_MS)
    assert event.kind is TaskEventKind.CREATED


def test_a_customer_with_one_line_is_left_alone_altogether() -> None:
    rules, whose = RULES["uk"], managed_customer(lines=1)
    book, _ = admitted(rules, Book("a-1"), warning("w-1", COMPLAINT, line_id=None), whose)
    assert book.open
    book, _ = admitted(rules, book, warning("w-2", PORTING), whose)
    assert not book.open


def test_in_china_one_service_contact_follows_a_code_request() -> None:
    rules = RULES["cn"]
    book, _ = admitted(rules, Book("a-1"), warning("w-1", COMPLAINT))
    book, event = admitted(rules, book, warning("w-2", CODE, level=Level.CRITICAL))
    assert event.kind is TaskEventKind.CREATED
    assert {group: task.rules for group, task in book.open.items()} == {
        "service": ["cn_service_contact_after_code"],
        "port_out": ["cn_service_contact_after_code"],
    }
    silent = record(book.open["port_out"], MANAGER, Disposition.NO_ANSWER, "", NOON_MS, rules.tasks)
    book = followed(rules, happened(book, silent)[0])
    assert len(book.open) == 2
    told = record(book.open["port_out"], MANAGER, Disposition.REACHED_REFUSED, "", NOON_MS, rules.tasks)
    book = followed(rules, happened(book, told)[0])
    assert not book.open
    book, event = admitted(rules, book, warning("w-3", signal("silence")), now_ms=NOON_MS + DAY_MS)
    assert (event.reason, event.rule) == (RefusalReason.SERVICE_CONTACT_USED, "cn_service_contact_after_code")


def test_a_callback_that_the_customer_asked_for_is_still_made() -> None:
    rules = RULES["cn"]
    book, _ = admitted(rules, Book("a-1"), warning("w-1", CODE, level=Level.CRITICAL))
    told = record(book.open["port_out"], MANAGER, Disposition.REACHED_CALLBACK, "", NOON_MS, rules.tasks)
    book = followed(rules, happened(book, told)[0])
    assert book.open["port_out"].state is TaskState.WAITING


def test_the_same_step_told_again_gives_no_second_contact() -> None:
    rules = RULES["cn"]
    book, _ = admitted(rules, Book("a-1"), warning("w-1", CODE, level=Level.CRITICAL))
    book, event = admitted(rules, book, warning("w-2", CODE, PORTING, level=Level.CRITICAL))
    assert event.restraint is None
    assert len(book.restraints) == 1


def test_a_task_that_the_law_ends_says_so_and_why() -> None:
    rules = RULES["uk"]
    book, _ = admitted(rules, Book("a-1"), warning("w-1", COMPLAINT))
    book, _ = happened(book, admit(book, warning("w-2", PORTING), managed_customer(), rules, NOON_MS))
    (end,) = enforce(book, rules.law, rules.tasks, NOON_MS)
    assert end.task is not None
    assert (end.kind, end.reason, end.rule) == (
        TaskEventKind.DONE,
        RefusalReason.STOP_WORK,
        "uk_no_save_from_porting_order",
    )
    assert end.task.result is TaskResult.NOT_ALLOWED


def test_without_consent_the_call_queue_is_refused_and_a_manager_is_told() -> None:
    rules = RULES["cn"]
    _, event = admitted(rules, Book("a-1"), warning("w-1"), customer(call=False))
    assert (event.reason, event.rule) == (RefusalReason.NO_CONSENT, "cn_consent_before_marketing")
    book, _ = admitted(rules, Book("a-1"), warning("w-1"), managed_customer(NOTHING))
    assert book.open["inactivity"].rules == ["cn_consent_before_marketing"]
    book, _ = admitted(rules, Book("a-1"), warning("w-1"), managed_customer())
    assert book.open["inactivity"].rules == []


def test_consent_withdrawn_later_takes_the_ground_from_a_task() -> None:
    book, _ = admitted(RULES["eu"], Book("a-1"), warning("w-1", signal("silence")))
    task = book.open["inactivity"]
    assert usable(task, managed_customer(), RULES["eu"].law)
    assert not usable(task, managed_customer(NOTHING), RULES["eu"].law)


def test_a_view_shows_only_what_may_be_used() -> None:
    view = line_view("l-1", NOON_MS, "a-1", signal("competitor_hotline"), signal("silence"))
    assert lawful_view(view, managed_customer(NOTHING), RULES["eu"].law) is None
    shown = lawful_view(view, managed_customer(), RULES["us"].law)
    assert shown is not None
    assert [report.name for report in shown.active_signals] == ["silence"]
    assert lawful_view(view, managed_customer(NOTHING), RULES["cn"].law) == view


def test_rules_are_named_after_their_country_and_say_where_they_come_from() -> None:
    for country, rules in RULES.items():
        for rule in rules.law.rules:
            assert rule.id.startswith(f"{country}_")
            assert rule.text.en != rule.text.zh


def test_another_country_is_another_law() -> None:
    told = warning("w-1", signal("competitor_hotline", 0.99))
    outcomes = {
        country: admitted(replace(rules), Book("a-1"), told)[1].kind for country, rules in RULES.items()
    }  # fmt: skip
    assert [country for country, kind in outcomes.items() if kind is TaskEventKind.WARNING_REFUSED] == ["us"]
