"""Offers on a real Redis: judged, lawful, within the budget whoever asks at the same time, and free again at the end."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import msgspec
import pytest
import redis

from alerts.clock import ManualClock
from alerts.playbooks.desk import OfferDesk
from alerts.rules import Rules, read_rules
from alerts.store import TaskStore
from alerts.store.rebuild import Rebuilder
from alerts.tasks import RefusalReason, Task, TaskEvent
from pipeline.events import Disposition
from tests.fakes.alert_records import CALLER, customer_record, signal, the_refusal, the_task, warning


def rules_with_budget(budget: float) -> Rules:
    rules = read_rules()
    books = [msgspec.structs.replace(one, budget_year=budget) for one in rules.playbooks.all]
    return replace(rules, playbooks=msgspec.structs.replace(rules.playbooks, all=books))


def price_tasks(store: TaskStore, count: int = 1) -> list[Task]:
    """Tasks for falling bills of public customers."""
    store.directory.put([customer_record(f"a-{number}") for number in range(count)], [], {})
    told = [
        warning(f"w-{n}", signal("spend_drop"), account_id=f"a-{n}", line_id=f"l-{n}", score=0.5) for n in range(count)
    ]
    store.admit_warnings(told)
    return [store.tasks_of(f"a-{number}")[0] for number in range(count)]


@pytest.fixture
def desk(client: redis.Redis, store: TaskStore) -> OfferDesk:
    return OfferDesk(client, store)


def test_the_playbook_of_a_task_comes_with_its_offers_judged(desk: OfferDesk, store: TaskStore) -> None:
    (task,) = price_tasks(store)
    advice = desk.advice(task)
    assert advice is not None
    assert advice.playbook.id == "price"
    assert [one.offer_id for one in advice.judgements] == ["fitting_plan", "discount_10_12m", "data_bonus_6m"]
    assert all(one.worthwhile for one in advice.judgements)


def test_an_offer_holds_its_cost_and_a_saved_customer_spends_it(desk: OfferDesk, store: TaskStore) -> None:
    (task,) = price_tasks(store)
    offered = the_task(desk.propose(task.task_id, CALLER, "discount_10_12m")).offered
    assert offered is not None
    assert offered.cost == 24.0
    assert (desk.budget().held, desk.budget().spent) == (24.0, 0.0)
    store.record_disposition(task.task_id, CALLER, Disposition.REACHED_SAVED)
    assert (desk.budget().held, desk.budget().spent) == (0.0, 24.0)


def test_a_refused_or_replaced_offer_gives_its_cost_back(desk: OfferDesk, store: TaskStore) -> None:
    (task,) = price_tasks(store)
    desk.propose(task.task_id, CALLER, "discount_10_12m")
    desk.propose(task.task_id, CALLER, "data_bonus_6m")
    assert desk.budget().held == 3.6
    store.record_disposition(task.task_id, CALLER, Disposition.REACHED_REFUSED)
    assert (desk.budget().held, desk.budget().spent) == (0.0, 0.0)


def test_what_is_not_worth_it_unknown_or_somebody_elses_is_refused(desk: OfferDesk, store: TaskStore) -> None:
    (task,) = price_tasks(store)
    assert the_refusal(desk.propose(task.task_id, CALLER, "nothing")).reason is RefusalReason.NO_SUCH_OFFER
    store.directory.put([customer_record("a-9")], [], {})
    store.admit_warnings([warning("w-9", signal("spend_drop"), account_id="a-9", line_id="l-9", score=0.001)])
    unlikely = store.tasks_of("a-9")[0]
    assert (
        the_refusal(desk.propose(unlikely.task_id, CALLER, "discount_10_12m")).reason is RefusalReason.OFFER_NOT_WORTH
    )


def test_under_a_rule_of_the_law_only_standard_offers_are_left(
    client: redis.Redis, store: TaskStore, desk: OfferDesk
) -> None:
    (task,) = price_tasks(store)
    limited = msgspec.structs.replace(task, rules=["cn_after_code"])
    assert desk._lawful(limited, desk.advice(task).playbook.offer("fitting_plan"))  # type: ignore[union-attr, arg-type]  # there are both
    assert not desk._lawful(limited, desk.advice(task).playbook.offer("discount_10_12m"))  # type: ignore[union-attr, arg-type]  # there are both


def test_many_at_once_never_overdraw_the_budget(client: redis.Redis, store: TaskStore, clock: ManualClock) -> None:
    tight = TaskStore(client, store.keys.prefix, clock, rules_with_budget(100.0))
    tasks = price_tasks(tight, 12)
    desk = OfferDesk(client, tight)
    with ThreadPoolExecutor(6) as crowd:
        answers = list(crowd.map(lambda task: desk.propose(task.task_id, CALLER, "discount_10_12m"), tasks))
    given = [answer for answer in answers if isinstance(answer, Task)]
    refused = [the_refusal(answer).reason for answer in answers if not isinstance(answer, Task)]
    assert len(given) == 4
    assert set(refused) == {RefusalReason.OVER_BUDGET}
    assert desk.budget().held == 96.0


def test_the_budget_is_rebuilt_from_the_log(client: redis.Redis, store: TaskStore, desk: OfferDesk) -> None:
    first, second = price_tasks(store, 2)
    desk.propose(first.task_id, CALLER, "discount_10_12m")
    desk.propose(second.task_id, CALLER, "data_bonus_6m")
    store.record_disposition(first.task_id, CALLER, Disposition.REACHED_SAVED)
    before = desk.budget()
    logged = [
        msgspec.json.decode(parcel.value, type=TaskEvent)
        for parcel in store.outbox.pending(100)
        if parcel.topic == "task-events"
    ]
    rebuilder = Rebuilder(client, store.keys, store.ledger)
    rebuilder.wipe()
    assert desk.budget().spent == 0.0
    rebuilder.apply(logged)
    assert desk.budget() == before
    assert (before.held, before.spent) == (3.6, 24.0)
    assert before.year == 2026
