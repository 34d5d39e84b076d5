"""CGRateS call detail records, exported as CSV or JSON: each becomes a record of the charged side, and of a callee of ours.

| in the contract | from CGRateS |
|---|---|
| `line_id` | pseudonym of Subject, or of Account where Subject is no number; where neither is one, of Account as it is |
| `account_id` | Account, as `numbers.accountcode` says; the table of accounts wins |
| `peer_id`, `peer_operator`, `peer_kind` | Destination by the numbering plan |
| `service` | ToR: *voice, *sms, *data; others (*generic, *mms, *monetary) are refused |
| `ts_ms`, `received_ms` | AnswerTime, else SetupTime; plus Usage of a call |
| `duration_s`, `bytes_down` | Usage: of a call its time (`1m5.5s`, or nanoseconds), of data as many bytes as nanoseconds |
| `charge` | Cost; 0 for -1, which says that it could not be rated |
| `record_id` | keyed digest of CGRID, else of OriginHost and OriginID |
| chosen by | RunID: `*default` and empty; other runs (`*raw`, resellers) rate the same call again and are left out |
| chosen by | Partial: a partial record is renewed as a whole by a later one, it is no part to be summed: left out |
| not used | RequestType, Tenant, Category, Source, OrderID, CostDetails, ExtraFields |

CSV has no header by default and then the columns of the exporter's own template; a header tells others.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from pipeline.events import CallDetailRecord, RefusalReason, Service, Stream
from pipeline.refusals import Refusal
from pipeline.sources.calls import Call, sides
from pipeline.sources.json_lines import as_shape, each_object, is_closed
from pipeline.sources.native import MAX_CALL_S, NativeLines, Surroundings
from pipeline.sources.numbers import OWN
from pipeline.sources.port import unreadable
from pipeline.sources.times import iso_ms

#: The columns of the default template of CGRateS's exporter.
COLUMNS = (
    "CGRID", "RunID", "ToR", "OriginID", "RequestType", "Tenant", "Category", "Account", "Subject", "Destination",
    "SetupTime", "AnswerTime", "Usage", "Cost",
)  # fmt: skip
RUNS = ("", "*default")
SERVICES: dict[str, Service] = {"*voice": "voice", "*sms": "sms", "*data": "data"}
NANOSECONDS = {"ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}

_GO_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


class _Cdr(msgspec.Struct, frozen=True, rename="pascal"):
    """The fields that are read, in their own spelling but for the first three."""

    account: str
    cgrid: str = msgspec.field(default="", name="CGRID")
    run_id: str = msgspec.field(default="", name="RunID")
    tor: str = msgspec.field(default="*voice", name="ToR")
    origin_host: str = ""
    origin_id: str = msgspec.field(default="", name="OriginID")
    subject: str = ""
    destination: str = ""
    setup_time: str = ""
    answer_time: str = ""
    usage: int | float | str = 0
    partial: bool | str = False
    cost: float | str = 0.0


def cgrates_json(file: str, surroundings: Surroundings) -> NativeLines:
    """The reader of one file of CDRs as JSON, as the exporters `*file_json` and `GetCDRs` write them."""
    return NativeLines(file, Stream.CDR, each_object(_Cdrs(surroundings).from_object), is_closed, surroundings.limits)


def cgrates_csv(file: str, surroundings: Surroundings, first_line: bytes) -> NativeLines:
    """The reader of one CSV file; `first_line` of it may be a header."""
    names = _row(first_line)
    has_header = not isinstance(names, Refusal) and "Account" in names
    columns = names if has_header and not isinstance(names, Refusal) else COLUMNS
    cdrs = _Cdrs(surroundings, tuple(columns))
    return NativeLines(
        file, Stream.CDR, cdrs.from_line, lambda line: line.endswith(b'"'), surroundings.limits, int(has_header)
    )


@dataclass(frozen=True, slots=True)
class _Cdrs:
    surroundings: Surroundings
    columns: Sequence[str] = COLUMNS

    def from_line(self, line: bytes) -> list[CallDetailRecord] | Refusal:
        row = _row(line)
        if isinstance(row, Refusal):
            return row
        if len(row) != len(self.columns):
            return Refusal(RefusalReason.MISSING_FIELD, f"{len(row)} columns, {len(self.columns)} expected")
        return self.from_object(dict(zip(self.columns, row, strict=True)))

    def from_object(self, value: dict[str, Any]) -> list[CallDetailRecord] | Refusal:
        cdr = as_shape({key: each for key, each in value.items() if each is not None}, _Cdr)
        if isinstance(cdr, Refusal):
            return cdr
        if cdr.run_id not in RUNS or str(cdr.partial).lower() == "true":
            return []
        service = SERVICES.get(cdr.tor)
        if service is None:
            return Refusal(RefusalReason.UNKNOWN_VALUE, "ToR is none of *voice, *sms, *data")
        try:
            usage_ns = nanoseconds(cdr.usage)
            charge = max(0.0, float(cdr.cost or 0))
            ts_ms = self._started_ms(cdr)
        except ValueError as error:
            return Refusal(RefusalReason.WRONG_TYPE, str(error))
        if service == "data":
            return [self._data(cdr, ts_ms, usage_ns, charge)]
        answered_s = usage_ns / 1e9 if service == "voice" else 0.0
        if not 0 <= answered_s <= MAX_CALL_S:
            return Refusal(RefusalReason.OUT_OF_RANGE, f"Usage is not between 0 and {MAX_CALL_S} s")
        return self._call(cdr, service, ts_ms, answered_s, charge)

    def _started_ms(self, cdr: _Cdr) -> int:
        """Answer, else setup: Go writes the year 1 for a time that there is not.

        Raises:
            ValueError: neither is a time.
        """
        written = cdr.answer_time if cdr.answer_time and not cdr.answer_time.startswith("0001-") else cdr.setup_time
        try:
            return iso_ms(written, self.surroundings.zone)
        except ValueError:
            raise ValueError("AnswerTime or SetupTime is no time of RFC 3339") from None

    def _call(
        self, cdr: _Cdr, service: Service, ts_ms: int, answered_s: float, charge: float
    ) -> list[CallDetailRecord] | Refusal:
        subscribers = self.surroundings.subscribers
        caller = self._number(cdr)
        callee = subscribers.plan.normalise(cdr.destination)
        call = Call(
            record_id=self._record_id(cdr),
            start_ms=ts_ms,
            end_ms=ts_ms + round(answered_s * 1000),
            answered_s=answered_s,
            caller=caller,
            callee=callee,
            caller_account=cdr.account,
            caller_is_ours=True,
            callee_is_ours=subscribers.is_own(callee),
            service=service,
            charge=charge,
        )
        return sides(call, subscribers)

    def _data(self, cdr: _Cdr, ts_ms: int, usage_bytes: float, charge: float) -> CallDetailRecord:
        number = self._number(cdr)
        return CallDetailRecord(
            record_id=f"{self._record_id(cdr)}-data",
            ts_ms=ts_ms,
            account_id=self.surroundings.subscribers.account(number, cdr.account),
            line_id=self.surroundings.subscribers.pseudonym(number),
            service="data",
            direction="mo",
            peer_operator=OWN,
            peer_kind="other",
            duration_s=0.0,
            bytes_down=round(usage_bytes),
            charge=charge,
            roaming=False,
            source="data",
        )

    def _number(self, cdr: _Cdr) -> str:
        """Who is charged: a number, or the name of an account that has none."""
        normalise = self.surroundings.subscribers.plan.normalise
        return normalise(cdr.subject) or normalise(cdr.account) or cdr.account

    def _record_id(self, cdr: _Cdr) -> str:
        parts = (cdr.cgrid,) if cdr.cgrid else (cdr.origin_host, cdr.origin_id, cdr.setup_time, cdr.account)
        return f"cgr-{self.surroundings.subscribers.digest(*parts)}"


def nanoseconds(usage: float | str) -> float:
    """Usage as CGRateS writes it: Go's durations, or bare nanoseconds (bytes, messages).

    Raises:
        ValueError: neither.

    >>> nanoseconds("1m5.5s"), nanoseconds("1024"), nanoseconds(10_000_000_000), nanoseconds("1.024µs"), nanoseconds("0s")
    (65500000000.0, 1024.0, 10000000000.0, 1024.0, 0.0)
    """
    text = str(usage).strip() or "0"
    parts = _GO_PART.findall(text)
    if parts and "".join(map("".join, parts)) == text:
        total = sum(float(number) * NANOSECONDS[unit] for number, unit in parts)
    else:
        try:
            total = float(text)
        except ValueError:
            raise ValueError("Usage is neither a duration nor a number") from None
    if not 0 <= total < 1e18:
        raise ValueError("Usage is negative or has no end")
    return float(total)


def _row(line: bytes) -> list[str] | Refusal:
    try:
        rows = list(csv.reader([line.decode("utf-8", "replace").strip().removeprefix("\ufeff")], strict=True))
    except csv.Error as error:
        return unreadable(f"not a line of CSV: {error}")
    return rows[0] if rows else unreadable("an empty line")
