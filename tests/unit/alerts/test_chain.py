"""The hash chain shows every change and every gap."""

import msgspec
import pytest

from alerts.admission import admit
from alerts.book import Book
from alerts.chain import ChainBroken, verify
from alerts.rules import read_rules
from alerts.store.directory import customer_of
from alerts.tasks import TaskEvent
from tests.fakes.alert_records import NOON_MS, happened, managed, warning

RULES = read_rules()
POLICY = RULES.tasks


def chain(account_id: str = "a-1", length: int = 4) -> list[TaskEvent]:
    book, events = Book(account_id), []
    for number in range(length):
        told = warning(f"w-{number}", account_id=account_id)
        book, event = happened(book, admit(book, told, customer_of(managed()), RULES, NOON_MS + number))
        events.append(event)
    return events


def test_whole_chains_of_several_accounts_verify_and_repeats_are_passed_over() -> None:
    one, two = chain("a-1"), chain("a-2", 2)
    assert verify([one[0], two[0], one[1], one[1], two[1], one[2], one[3]]) == {"a-1": 4, "a-2": 2}


def test_a_missing_event_shows() -> None:
    one = chain()
    with pytest.raises(ChainBroken, match="events are missing"):
        verify([one[0], one[2]])


def test_a_changed_event_shows() -> None:
    one = chain()
    forged = msgspec.structs.replace(one[1], actor="somebody")
    with pytest.raises(ChainBroken, match="was changed"):
        verify([one[0], forged])


def test_an_event_that_hangs_on_another_past_shows() -> None:
    one = chain()
    foreign = msgspec.structs.replace(one[1], prev_hash="0" * 64)
    with pytest.raises(ChainBroken, match="does not name the hash"):
        verify([one[0], foreign])


def test_an_event_survives_the_wire_with_its_hash() -> None:
    one = chain()
    wire = [msgspec.json.decode(msgspec.json.encode(event), type=TaskEvent) for event in one]
    assert wire == one
    assert verify(wire) == {"a-1": 4}
