"""Many customers of a region at once: one incident, not a task for each."""

from alerts.admission import admit
from alerts.book import Book, after
from alerts.chain import seal
from alerts.crisis import Flow, Place, Surges, incident
from alerts.rules import read_rules
from alerts.tasks import UNASSIGNED, Purpose, RefusalReason, TaskEvent, TaskEventKind
from tests.fakes.alert_records import NOON_MS, customer, signal, warning

RULES = read_rules()
POLICY = RULES.tasks.crisis
NORTH = Place("north", "service")


def judged(surges: Surges, number: int, segment: str = "public") -> TaskEvent:
    whose = customer(f"a-{number}", segment=segment, manager_id="m-1" if segment == "key_account" else None)
    told = warning(f"w-{number}", signal("complaint"), account_id=f"a-{number}")
    return surges.judged(admit(Book(f"a-{number}"), told, whose, RULES, NOON_MS), whose)


def surges(now: int, *before: int) -> Surges:
    return Surges(POLICY, {NORTH: Flow(now, list(before))})


def test_from_the_limit_on_no_further_task_is_made() -> None:
    found = surges(POLICY.customers_min - 2)
    kinds = [judged(found, number).kind for number in range(4)]
    assert kinds == [TaskEventKind.CREATED] * 2 + [TaskEventKind.WARNING_REFUSED] * 2
    assert judged(found, 5).reason is RefusalReason.CRISIS
    assert (found.held_back[NORTH], found.count(NORTH)) == (3, POLICY.customers_min + 3)


def test_what_is_usual_at_this_time_is_no_crisis() -> None:
    busy = Flow(POLICY.customers_min, [40] * 7)
    assert busy.limit(POLICY) == 40 * POLICY.times_usual
    assert judged(Surges(POLICY, {NORTH: busy}), 1).kind is TaskEventKind.CREATED
    once = Flow(POLICY.customers_min, [0] * 6 + [500])
    assert once.limit(POLICY) == POLICY.customers_min


def test_a_key_account_and_other_reasons_and_regions_keep_their_tasks() -> None:
    found = surges(1000)
    assert judged(found, 1, "key_account").kind is TaskEventKind.CREATED
    whose = customer("a-2")
    price = admit(Book("a-2"), warning("w-2", signal("spend_drop"), account_id="a-2"), whose, RULES, NOON_MS)
    assert found.judged(price, whose) == price
    south = customer("a-3", region="south")
    told = admit(Book("a-3"), warning("w-3", signal("complaint"), account_id="a-3"), south, RULES, NOON_MS)
    assert found.judged(told, south) == told


def test_the_incident_is_one_task_for_a_supervisor_that_counts_on() -> None:
    found = surges(1000, *[2] * 7)
    judged(found, 1)
    first = incident(Book(NORTH.account_id), NORTH, found, RULES, NOON_MS)
    task = first.task
    assert task is not None
    assert (first.kind, task.owner, task.purpose) == (TaskEventKind.CREATED, UNASSIGNED, Purpose.CRISIS)
    assert task.signals[0].evidence == {"customers": 1001.0, "usual": 2.0}
    book = after(Book(NORTH.account_id), seal(first, 0, ""))
    judged(found, 2)
    more = incident(book, NORTH, found, RULES, NOON_MS + 1)
    assert more.kind is TaskEventKind.EVIDENCE_ADDED
    assert more.task is not None
    assert more.task.signals[0].evidence["customers"] == 1002.0
