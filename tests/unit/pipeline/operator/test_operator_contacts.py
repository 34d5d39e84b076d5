"""Somebody speaks to the synthetic operator's customers: what they then do, by their hidden type, and nothing else changes."""

from collections.abc import Callable, Iterable

import msgspec
import pytest

from pipeline.events import Stream, Truth
from pipeline.sources.operator.clock import DAY_MS, START_MS
from pipeline.sources.operator.config import ChurnConfig, OperatorConfig, load_scenario
from pipeline.sources.operator.contacts import Reached
from pipeline.sources.operator.hidden import hidden_accounts
from pipeline.sources.operator.population import account_name, build_population
from pipeline.sources.operator.simulate import OperatorDay, days

CUSTOMERS = 900
DAYS = 40
CALL_DAY = 12


@pytest.fixture(scope="module")
def config() -> OperatorConfig:
    churn = ChurnConfig(monthly=0.15, monthly_high=0.2)
    return load_scenario("calm", customers=CUSTOMERS, days=DAYS, seed=5, churn=churn, with_calls=False)


@pytest.fixture(scope="module")
def types(config: OperatorConfig) -> dict[str, str]:
    return {one.account_id: one.response_type for one in hidden_accounts(config, build_population(config))}


def lived(config: OperatorConfig, called: Callable[[int], Iterable[str]] = lambda _: ()) -> list[OperatorDay]:
    """The whole run; `called`: accounts spoken to before each day."""
    number = iter(range(DAYS + 1))

    def reached() -> list[Reached]:
        day = next(number)
        return [Reached(account, START_MS + day * DAY_MS - 1) for account in called(day)]

    return list(days(config, reached))


def everybody(day: int) -> list[str]:
    return [account_name(number) for number in range(CUSTOMERS)] if day == CALL_DAY else []


def left(run: list[OperatorDay]) -> dict[str, Truth]:
    return {one.line_id: one for day in run for one in day.truth}


def orders_after(run: list[OperatorDay], day: int) -> dict[str, list[str]]:
    """Kinds of orders by line, received from this day on."""
    found: dict[str, list[str]] = {}
    for one in run[day:]:
        for line in one.streams[Stream.ORDERS].lines:
            record = msgspec.json.decode(line)
            found.setdefault(record.get("line_id"), []).append(record["kind"])
    return found


@pytest.fixture(scope="module")
def untouched(config: OperatorConfig) -> list[OperatorDay]:
    return lived(config)


@pytest.fixture(scope="module")
def called(config: OperatorConfig) -> list[OperatorDay]:
    return lived(config, everybody)


def deciders(run: list[OperatorDay], types: dict[str, str], response_type: str) -> dict[str, Truth]:
    """Lines of that type that had decided before the call, and left a while after it."""
    call_ms = START_MS + CALL_DAY * DAY_MS
    return {
        name: one
        for name, one in left(run).items()
        if types[one.account_id] == response_type
        and one.cause != "involuntary"
        and (one.decided_ms or 0) < call_ms <= one.churn_ms - 2 * DAY_MS
    }


def test_about_half_of_the_persuadable_who_had_decided_stay_and_send_no_order_to_leave(
    untouched: list[OperatorDay], called: list[OperatorDay], types: dict[str, str]
) -> None:
    would_leave = deciders(untouched, types, "persuadable")
    gone = left(called)
    kept = [name for name in would_leave if name not in gone or gone[name].decided_ms != would_leave[name].decided_ms]
    assert len(would_leave) > 10
    assert 0.25 < len(kept) / len(would_leave) < 0.85
    assert called[CALL_DAY].contacted["kept"] >= len(kept)
    after = orders_after(called, CALL_DAY + 1)
    for name in set(kept) - set(gone):
        assert not {"port_out_done", "termination_done", "port_out_order"} & set(after.get(name, []))


def test_who_does_not_want_to_be_disturbed_never_leaves_later_and_some_sooner(
    untouched: list[OperatorDay], called: list[OperatorDay], types: dict[str, str]
) -> None:
    would_leave, gone = deciders(untouched, types, "do_not_disturb"), left(called)
    # The last activity of a silent line moves with everything; its departure is not an order.
    moved = [one.churn_ms - gone[name].churn_ms for name, one in would_leave.items() if name in gone]
    assert len(moved) == len(would_leave)
    assert max(moved) >= DAY_MS
    assert sum(by >= DAY_MS for by in moved) > len(moved) / 3


@pytest.mark.parametrize("response_type", ["sure_thing", "lost_cause"])
def test_a_call_changes_nothing_for_those_whom_it_does_not_move(
    untouched: list[OperatorDay], called: list[OperatorDay], types: dict[str, str], response_type: str
) -> None:
    would_leave, gone = deciders(untouched, types, response_type), left(called)
    assert would_leave
    assert {name: one.decided_ms for name, one in would_leave.items()} == {
        name: gone[name].decided_ms for name in would_leave
    }


def test_the_same_contacts_give_the_same_future(config: OperatorConfig, called: list[OperatorDay]) -> None:
    again = lived(config, everybody)
    for one, other in zip(called, again, strict=True):
        assert one.streams[Stream.ORDERS].lines == other.streams[Stream.ORDERS].lines
        assert one.truth == other.truth


def test_nothing_changes_before_the_call(untouched: list[OperatorDay], called: list[OperatorDay]) -> None:
    for one, other in zip(untouched[:CALL_DAY], called[:CALL_DAY], strict=True):
        assert {stream: batch.lines for stream, batch in one.streams.items()} == {
            stream: batch.lines for stream, batch in other.streams.items()
        }


def test_a_call_after_the_departure_is_too_late(config: OperatorConfig, untouched: list[OperatorDay]) -> None:
    accounts = {one.account_id for day in untouched[:25] for one in day.truth}
    run = lived(config, lambda day: sorted(accounts) if day == 30 else [])
    assert run[30].contacted["too_late"] > 0
    names = {one.line_id for day in untouched[:30] for one in day.truth}
    assert {name: left(run)[name] for name in names} == {name: left(untouched)[name] for name in names}
