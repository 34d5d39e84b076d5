import pytest

from pipeline.sources.numbers import NumberPlan
from pipeline.sources.subscribers import MAX_UNKNOWN_TRUNKS, Subscribers
from tests.fakes.native_lines import CHINA, pseudonym


@pytest.mark.parametrize(
    ("number", "operator"),
    [
        ("+8613800100500", "self"),
        ("10086", "self"),
        ("10010", "rival-b"),
        ("+8613012345678", "rival-b"),
        ("+861012345678", "fixed"),
        ("+8615912345678", "unknown"),
        ("+4915112345678", "intl"),
        ("+999123456789", "unknown"),
        ("+491", "unknown"),
        ("12345678901234567890", "unknown"),
    ],
)
def test_the_tables_come_first_then_the_numbering_plans_of_the_world(number: str, operator: str) -> None:
    assert CHINA.operator_of(number) == operator


def test_without_a_country_of_our_own_nothing_is_abroad() -> None:
    assert NumberPlan().operator_of("+4915112345678") == "unknown"


def test_the_longest_prefix_of_a_routing_number_tells_who_has_a_ported_number() -> None:
    plan = NumberPlan(routing_numbers={"12": "rival-a", "1241": "rival-c"})
    assert (plan.routed_to("124155"), plan.routed_to("129"), plan.routed_to("99"), plan.routed_to("")) == (
        "rival-c",
        "rival-a",
        None,
        None,
    )


def test_a_trunk_that_no_table_has_decides_nothing_and_is_remembered_up_to_a_limit() -> None:
    subscribers = Subscribers(CHINA, pseudonym)
    assert subscribers.operator_behind("TG-RB") == "rival-b"
    assert subscribers.operator_behind("TG-NEW", "999") is None
    assert subscribers.unknown_trunks == {"TG-NEW"}
    for number in range(2 * MAX_UNKNOWN_TRUNKS):
        subscribers.operator_behind(f"X{number}")
    assert len(subscribers.unknown_trunks) == MAX_UNKNOWN_TRUNKS


def test_the_table_of_accounts_wins_over_codes_and_makes_a_number_ours() -> None:
    subscribers = Subscribers(CHINA, pseudonym, {"+8615912345678": "ACME"}, "number")
    assert subscribers.account("+8615912345678", "other") == "ACME"
    assert subscribers.is_own("+8615912345678")
    assert subscribers.account("+8613800100500", "13800100501") == pseudonym("+8613800100501")
    assert subscribers.account("+8613800100500") == pseudonym("+8613800100500")
