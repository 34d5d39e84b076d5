"""Native formats under test: a numbering plan with every table, and what a reader makes of some lines."""

import json
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import strategies as st

from pipeline.events import RECORD_TYPES, CallDetailRecord, DeadLetter, Record, Stream
from pipeline.identity import SecretKey, pseudonymiser
from pipeline.refusals import Refusal, decode_record
from pipeline.sources.native import Surroundings, TimeLimits
from pipeline.sources.numbers import NumberPlan
from pipeline.sources.port import DEAD_LETTERS, LineFormat, Outgoing
from pipeline.sources.subscribers import Subscribers

pseudonym = pseudonymiser(SecretKey(bytes(32)), "k1").line
#: A mobile operator in China: 13800... is ours, 1301 and trunk TG-RB are rival-b's.
CHINA = NumberPlan(
    country_code="86",
    international_prefix="00",
    national_prefix="0",
    extension_digits_max=0,
    own_prefixes=("+86138001",),
    operators={"+861301": "rival-b", "+861890": "rival-c"},
    competitor_hotlines={"10010": "rival-b"},
    own_hotlines=frozenset({"10086"}),
    trunks={"TG-RB": "rival-b", "17": "rival-c", "TG-OWN": "self"},
    routing_numbers={"1241": "rival-c", "1242": "self"},
    own_networks=frozenset({"46000"}),
)
OWN, OWN_2, RIVAL, FIXED_LINE = "8613800100500", "8613800100501", "8613012345678", "861012345678"
LATEST_MS = 1_800_000_000_000  # 2027-01-15


def surroundings(
    plan: NumberPlan = CHINA, zone: str = "Asia/Shanghai", accounts: dict[str, str] | None = None
) -> Surroundings:
    return Surroundings(
        Subscribers(plan, pseudonym, accounts or {}), ZoneInfo(zone), TimeLimits(not_after_ms=LATEST_MS)
    )


def line_of(number: str) -> str:
    """The pseudonym of an international number without its plus."""
    return pseudonym(f"+{number}")


def as_line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def records(reader: LineFormat, *lines: bytes) -> list[Record]:
    """The records of these lines, all of which must be good."""
    outgoing = reader.read(list(lines), 0)
    assert DEAD_LETTERS not in outgoing.topics, outgoing.values
    return [
        msgspec.json.decode(value, type=RECORD_TYPES[Stream(topic)])
        for topic, value in zip(outgoing.topics, outgoing.values, strict=True)
    ]


def calls(reader: LineFormat, *lines: bytes) -> list[CallDetailRecord]:
    found = records(reader, *lines)
    assert all(isinstance(each, CallDetailRecord) for each in found)
    return [each for each in found if isinstance(each, CallDetailRecord)]


def letter(reader: LineFormat, line: bytes) -> DeadLetter:
    """The refusal of this line."""
    outgoing = reader.read([line], 0)
    assert outgoing.topics == [DEAD_LETTERS], outgoing.values
    return msgspec.json.decode(outgoing.values[0], type=DeadLetter)


def reason(reader: LineFormat, line: bytes) -> str:
    return letter(reader, line).reason.value


def check_contract(outgoing: Outgoing, lines: Sequence[bytes]) -> None:
    """Each line is records of the contract under their keys, a dead letter without a number, or nothing for us."""
    assert len(set(outgoing.lines)) + outgoing.blank_lines == len(lines)
    for topic, key, value in zip(outgoing.topics, outgoing.keys, outgoing.values, strict=True):
        if topic == DEAD_LETTERS:
            refused = msgspec.json.decode(value, type=DeadLetter)
            assert not any(sign.isdecimal() for sign in refused.raw)
            continue
        record = decode_record(Stream(topic), value)
        assert not isinstance(record, Refusal), record
        assert record.account_id == key


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    | st.sampled_from(["2603021000002B0800", "2026-03-02T10:00:00Z", OWN, "91683108100005F0", "0001-01-01T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@st.composite
def disturbed(draw: st.DrawFn, goods: Sequence[dict[str, Any]]) -> bytes:
    """A good object as a line, some fields of it (also those of an object inside) replaced by anything, or lost."""
    value = json.loads(json.dumps(draw(st.sampled_from(goods))))
    for _ in range(draw(st.integers(0, 3))):
        holder = value
        while True:
            key = draw(st.sampled_from(sorted(holder))) if holder else "x"
            inner = holder.get(key)
            if isinstance(inner, list) and inner and isinstance(inner[0], dict):
                inner = inner[0]
            if not isinstance(inner, dict) or draw(st.booleans()):
                break
            holder = inner
        if draw(st.booleans()):
            holder[key] = draw(JSON_VALUES)
        else:
            holder.pop(key, None)
    return json.dumps(value, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
