"""The port ladder follows the clocks of its country."""

import pytest

from pipeline.events import OrderKind
from pipeline.sources.operator.clock import DAY_MS, HOUR_MS, START_MS, generator
from pipeline.sources.operator.config import Country
from pipeline.sources.operator.ladder import Step, port_steps, shortest_port_ms

DONE_MS = START_MS + 60 * DAY_MS


def steps_of(country: Country, number: int, *, company: bool = False, hurried: bool = False) -> list[Step]:
    rng = generator(1, "ladder", number)
    return port_steps(rng, country, DONE_MS, DONE_MS - 30 * DAY_MS, company=company, in_contract=True, hurried=hurried)


@pytest.mark.parametrize(
    ("country", "code_life_ms", "order_to_done_ms"),
    [("CN", HOUR_MS, HOUR_MS), ("UK", 30 * DAY_MS, DAY_MS), ("IN", 4 * DAY_MS, 3 * DAY_MS)],
)
def test_code_order_and_port_come_in_this_order_and_within_the_clocks(
    country: Country, code_life_ms: int, order_to_done_ms: int
) -> None:
    for number in range(200):
        steps = steps_of(country, number)
        assert [step.ts_ms for step in steps] == sorted(step.ts_ms for step in steps)
        last_three = [
            step.kind
            for step in steps
            if step.kind in {OrderKind.PORT_CODE_ISSUED, OrderKind.PORT_OUT_ORDER, OrderKind.PORT_OUT_DONE}
        ][-3:]
        assert last_three == [OrderKind.PORT_CODE_ISSUED, OrderKind.PORT_OUT_ORDER, OrderKind.PORT_OUT_DONE]
        code = [step for step in steps if step.kind is OrderKind.PORT_CODE_ISSUED][-1]
        order = next(step for step in steps if step.kind is OrderKind.PORT_OUT_ORDER)
        assert code.expires_ms == code.ts_ms + code_life_ms
        assert order.ts_ms <= code.expires_ms
        assert DONE_MS - order.ts_ms <= order_to_done_ms


def test_an_unused_code_expires_before_the_next_one_is_issued() -> None:
    expired = 0
    for number in range(200):
        steps = steps_of("IN", number)
        codes = [step for step in steps if step.kind is OrderKind.PORT_CODE_ISSUED]
        if len(codes) == 2:
            lapse = next(step for step in steps if step.kind is OrderKind.PORT_CODE_EXPIRED)
            assert codes[0].expires_ms == lapse.ts_ms <= codes[1].ts_ms
            expired += 1
    assert expired > 5


def test_only_china_asks_for_eligibility_and_moves_company_lines_to_persons_first() -> None:
    def kinds(country: Country) -> set[OrderKind]:
        return {step.kind for number in range(100) for step in steps_of(country, number, company=True)}

    chinese = {OrderKind.PORT_ELIGIBILITY_QUERY, OrderKind.OWNERSHIP_TRANSFER}
    assert chinese <= kinds("CN")
    assert not chinese & (kinds("UK") | kinds("IN"))


def test_a_hurried_port_shows_only_what_cannot_be_left_out() -> None:
    assert {len(steps_of("CN", number, hurried=True)) for number in range(50)} == {3}


@pytest.mark.parametrize("country", ["CN", "UK", "IN"])
def test_no_rung_stands_before_the_decision_when_there_is_time_for_the_shortest_port(country: Country) -> None:
    for number in range(200):
        decided_ms = DONE_MS - shortest_port_ms(country)
        steps = port_steps(
            generator(2, "ladder", number), country, DONE_MS, decided_ms, company=True, in_contract=True, hurried=False
        )
        assert min(step.ts_ms for step in steps) >= decided_ms
