"""What becomes of a refused record: a message for `churn.dead-letters`."""

from pipeline.columns import Refused
from pipeline.events import DeadLetter

#: A refused record can be of any size; a broker's message cannot.
RAW_CHARS_MAX = 500_000


def dead_letter(refused: Refused) -> DeadLetter:
    """The refused record with its reason and where it stood; bytes that are no UTF-8 are written as escapes."""
    raw = refused.raw.decode("utf-8", "backslashreplace")[:RAW_CHARS_MAX]
    refusal = refused.refusal
    return DeadLetter(
        refused.stream, refusal.reason, raw, refusal.detail, partition=refused.partition, offset=refused.offset
    )
