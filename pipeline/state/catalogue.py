"""Every column of the state, declared once: layout, serialisation, documentation and schema version come from here."""

import hashlib
from dataclasses import dataclass

import numpy as np

from pipeline.kinds import RIVAL_PLACES
from pipeline.state.cases import Case, Episode, HardEvent, Position

RING_DAYS = 32
BILLS_KEPT = 6
CYCLES_KEPT = 3
NEVER = 0
#: A time later than any: first activity of a line that was never active.
NO_TIME = 1 << 62


@dataclass(frozen=True, slots=True)
class Column:
    """One quantity of every row of a table.

    Attributes:
        width: numbers a row; 1 gives a flat array.
        fill: value of a new row.
        unit, meaning: for the documentation.
    """

    name: str
    dtype: str
    unit: str
    meaning: str
    width: int = 1
    fill: float = 0

    @property
    def bytes_per_row(self) -> int:
        """Bytes one row takes in this column."""
        return int(np.dtype(self.dtype).itemsize) * self.width


#: What is summed with forward decay for each line. Order is part of the schema.
QUANTITIES: tuple[tuple[str, str, str], ...] = (
    ("voice_out", "calls", "outgoing voice calls"),
    ("voice_in", "calls", "incoming voice calls"),
    ("messages", "messages", "messages sent and received"),
    ("data_sessions", "sessions", "data sessions"),
    ("seconds", "s", "talk time, both directions"),
    ("megabytes", "MB", "data volume, both directions"),
    ("charge", "currency", "charges on call records"),
    ("to_rival", "events", "outgoing calls and messages to other operators"),
    ("to_own_network", "events", "outgoing calls and messages within the own network"),
    ("hotline", "calls", "outgoing calls to a rival's hotline"),
)
QUANTITY_INDEX: dict[str, int] = {name: index for index, (name, _, _) in enumerate(QUANTITIES)}

#: Half-lives of the decayed sums, in days: the last days, the last weeks, the customer's own normal.
HALF_LIVES_DAYS: tuple[float, ...] = (3.5, 14.0, 56.0)
FAST, MIDDLE, SLOW = range(len(HALF_LIVES_DAYS))
SUMS_WIDTH = len(QUANTITIES) * len(HALF_LIVES_DAYS)
#: Half-lives at which calls with each rival are summed: the last weeks, and usually.
RIVAL_HALF_LIVES = (MIDDLE, SLOW)


LINE_COLUMNS: tuple[Column, ...] = (
    Column("account", "int32", "row", "row of the line's account in the account table", fill=-1),
    Column("first_ms", "int64", "epoch ms", "first activity we know of; 2^62 none", fill=NO_TIME),
    Column("last_ms", "int64", "epoch ms", "last activity of any kind; 0 none", fill=NEVER),
    Column("last_own_ms", "int64", "epoch ms", "last activity the customer began; 0 none", fill=NEVER),
    Column("churned_ms", "int64", "epoch ms", "when the line left; 0 it has not", fill=NEVER),
    Column("left_unwilling", "uint8", "flag", "1: it had to leave (arrears), 0: it wanted to, or has not left"),
    Column("silence_stage", "uint8", "code", "0 active, 1 silent for 40 days, 2 for 90 (prepaid lines)"),
    Column("sums", "float32", "see quantities", "forward-decayed sums, quantity by half-life", width=SUMS_WIDTH),
    Column(
        "rivals",
        "float32",
        "events",
        "calls and messages with each rival's customers, decayed at two half-lives, rival by half-life",
        width=RIVAL_PLACES * len(RIVAL_HALF_LIVES),
    ),
    Column(
        "activity", "uint16", "events", "events of each of the last 32 days, by day number modulo 32", width=RING_DAYS
    ),
    Column(
        "active_share", "float32", "1", "share of days with activity, as of the last active day; -1 unknown", fill=-1
    ),
    Column(
        "bills",
        "float32",
        "currency",
        "the last invoices, oldest first; NaN not there yet",
        width=BILLS_KEPT,
        fill=np.nan,
    ),
    Column("bills_s", "uint32", "epoch s", "when each of them was made; 0 none", width=BILLS_KEPT, fill=NEVER),
    Column("fault_ms", "int64", "epoch ms", "last fault reported, also one long mended; 0 none", fill=NEVER),
    Column("roaming_ms", "int64", "epoch ms", "last record abroad; 0 none", fill=NEVER),
    Column(
        "forwarded_ms", "int64", "epoch ms", "last call forwarded, or forwarding set, to a rival; 0 none", fill=NEVER
    ),
    Column("score", "float32", "probability", "score of the last tick; NaN never scored", fill=np.nan),
    Column(
        "by_model",
        "uint8",
        "code",
        "who gave it: 0 the documented prior, 1 a learnt model, 2 the prior at a learnt level",
    ),
    Column("touched", "uint8", "bits", "a call record came since the last tick: 1 voice, 2 message, 4 data"),
)

ACCOUNT_COLUMNS: tuple[Column, ...] = (
    Column("segment", "uint8", "code", "0 public, 1 business, 2 key account"),
    Column("star", "uint8", "stars", "star level 0-5"),
    Column("prepaid", "uint8", "flag", "1 prepaid, 0 postpaid"),
    Column("known", "uint8", "flag", "1: a customer record came; 0: the account was created by another record"),
    Column("tenure_start_ms", "int64", "epoch ms", "start of the relationship; 0 unknown", fill=NEVER),
    Column("contract_end_ms", "int64", "epoch ms", "end of the running contract; 0 none known", fill=NEVER),
    Column("recharged_ms", "int64", "epoch ms", "last recharge; 0 none", fill=NEVER),
    Column("recharge_gap", "float32", "days", "mean between recharges; NaN fewer than two", fill=np.nan),
    Column("recharges", "uint8", "recharges", "seen so far, at most 255"),
    Column("balance", "float32", "currency", "balance after the last recharge"),
    Column("overdue_ms", "int64", "epoch ms", "since when a bill is overdue; 0 none is", fill=NEVER),
    Column("overdues", "uint8", "times", "how often a bill became overdue, at most 255"),
    Column("owed", "float32", "currency", "what is overdue"),
    Column("plan_ms", "int64", "epoch ms", "change of plan whose new fee is not known yet; 0 none", fill=NEVER),
    Column("fee", "float32", "currency", "monthly fee; NaN none seen", fill=np.nan),
    Column("fee_before", "float32", "currency", "monthly fee before the last change of plan; NaN none", fill=np.nan),
    Column("fee_ms", "int64", "epoch ms", "when that change showed; 0 never", fill=NEVER),
    Column("cycle_charge", "float32", "currency", "charges of calls since the last invoice"),
    Column("cycle_charges", "float32", "currency", "the same of the last whole cycles", CYCLES_KEPT, np.nan),
    Column("region", "uint8", "code", "region of the partition's crowd (pipeline/calm/crowd.py); 0 unknown"),
    Column("trade", "uint8", "code", "category of the partition's crowd, as its region; 0 unknown"),
    Column("fortnights", "uint8", "code", "mean daily events of the last 26 fortnights (pipeline/calm/season.py)", 26),
    Column("season", "float32", "1", "share of usual that this time of the year leaves, as of the last sweep", fill=1),
    Column("bills_by_line", "uint8", "flag", "1: bills come line by line, 0: for the account, or none came yet"),
    Column(
        "bills", "float32", "currency", "the account's own last invoices, or recharges if none came", BILLS_KEPT, np.nan
    ),
    Column("bills_s", "uint32", "epoch s", "when each of them was made; 0 none", width=BILLS_KEPT, fill=NEVER),
    Column("live_lines", "float32", "lines", "its lines with us at the last sweep"),
    Column(
        "left_lines",
        "float32",
        "lines",
        "its lines that left by their own will within 90 days, older ones counting less",
    ),
    Column("moving", "float32", "1", "sum of the strengths of its lines' own orders and complaints at the last sweep"),
    Column("usage_change", "float32", "log ratio", "usage of its lines at the last sweep against usual"),
)

SEGMENTS: tuple[str, ...] = ("public", "business", "key_account")


#: How a page holds them (pipeline/state/table.py); another number with another way.
PAGE_LAYOUT = 2


def schema_version() -> str:
    """Hash over everything that decides the layout of saved pages; a page of another version is never misread."""
    parts = [repr((PAGE_LAYOUT, QUANTITIES, HALF_LIVES_DAYS, RIVAL_HALF_LIVES, RING_DAYS, BILLS_KEPT))]
    parts += [f"{c.name}:{c.dtype}:{c.width}:{c.fill}" for c in (*LINE_COLUMNS, *ACCOUNT_COLUMNS)]
    parts += [f"{record.__name__}:{record.__struct_fields__}" for record in (Case, HardEvent, Position, Episode)]
    return hashlib.blake2b("|".join(parts).encode(), digest_size=6).hexdigest()
