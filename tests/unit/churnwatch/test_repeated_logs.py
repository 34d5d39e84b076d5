"""What a library repeats is told once in a while."""

import logging

from churnwatch.repeated_logs import RepeatedOnce


def record(text: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord("library", logging.ERROR, "file", 1, text, values, None)


def test_a_repeated_message_is_held_back_and_counted_whatever_it_is_filled_with() -> None:
    now_s = 0.0
    repeated = RepeatedOnce(10.0, lambda: now_s)
    assert repeated.filter(record("no answer from %s", "a"))
    assert not repeated.filter(record("no answer from %s", "b"))
    assert repeated.filter(record("something else"))
    now_s = 10.0
    last = record("no answer from %s", "c")
    assert repeated.filter(last)
    assert last.getMessage() == "no answer from c (and 1 times more since)"


def test_ever_new_messages_do_not_fill_the_memory() -> None:
    repeated = RepeatedOnce(10.0, lambda: 0.0)
    for number in range(3 * RepeatedOnce.KINDS_MAX):
        assert repeated.filter(record(f"message {number}"))
    assert len(repeated._told_s) <= RepeatedOnce.KINDS_MAX
