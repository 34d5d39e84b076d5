"""3GPP TS 32.298 records, decoded to JSON by any ASN.1 tool: which record it is, and who reads it.

A record is `{"mOCallRecord": {...}}` (the CHOICE as an object with one member), or its fields with `recordType` as a name
or number. Read are MOCallRecord, MTCallRecord, IncGatewayRecord, OutGatewayRecord (`gpp_calls`), MOSMSRecord, MTSMSRecord,
SSActionRecord (`gpp_services`), PGWRecord, SGWRecord and CHF's ChargingRecord (`gpp_data`); the tables of fields are there.
Other types (location updates, HLR interrogations) tell nothing of a customer's use and are left out.

Numbers: an MSISDN is international; other addresses follow their type of number or the numbering plan.
`numbers.address_strings = "tbcd"` for decoders that leave addresses as octets.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.events import RefusalReason, Stream
from pipeline.refusals import Refusal
from pipeline.sources.gpp_calls import calling_record, gateway_record
from pipeline.sources.gpp_data import chf_record, gateway_session_record
from pipeline.sources.gpp_services import message_record, service_action_record
from pipeline.sources.json_lines import each_object, is_closed
from pipeline.sources.native import NativeLines, Surroundings, Understood

ReadRecord = Callable[[dict[str, Any], Surroundings, str], Understood]

READERS: Mapping[str, ReadRecord] = {
    "mocall": calling_record,
    "mtcall": calling_record,
    "incgateway": gateway_record,
    "outgateway": gateway_record,
    "mosms": message_record,
    "mtsms": message_record,
    "ssaction": service_action_record,
    "pgw": gateway_session_record,
    "sgw": gateway_session_record,
    "charging": chf_record,
}
#: RecordType and CallEventRecordType of TS 32.298, the numbers in use for what is read here.
NUMBERS: Mapping[int, str] = {
    0: "mocall", 1: "mtcall", 3: "incgateway", 4: "outgateway", 6: "mosms", 7: "mtsms", 10: "ssaction", 84: "sgw",
    85: "pgw", 200: "charging",
}  # fmt: skip
OTHER_TYPES = frozenset({
    "roaming", "transitcall", "transit", "mosmsiw", "mtsmsiw", "hlrint", "locupdatehlr", "locupdatevlr", "commonequip",
    "molcs", "mtlcs", "nilcs", "rectypeextensions", "srvcc", "ictregister", "ics-register", "icsregister", "mmtrf", "epdg",
})  # fmt: skip
NAMES = {"chargingfunction": "charging", "chf": "charging", "pgwrecord": "pgw", "p-gw": "pgw", "s-gw": "sgw"}


def gpp_json(file: str, surroundings: Surroundings) -> NativeLines:
    """The reader of one file of decoded records."""
    return NativeLines(file, Stream.CDR, each_object(_Records(surroundings).read), is_closed, surroundings.limits)


@dataclass(frozen=True, slots=True)
class _Records:
    surroundings: Surroundings

    def read(self, value: dict[str, Any]) -> Understood:
        kind, fields = _unwrapped(value)
        reader = READERS.get(kind)
        if reader is not None:
            return reader(fields, self.surroundings, kind)
        if kind in OTHER_TYPES or kind.isdecimal():
            return []
        reason = RefusalReason.UNKNOWN_VALUE if kind else RefusalReason.MISSING_FIELD
        return Refusal(reason, "neither recordType nor the one member tells a record of TS 32.298")


def _unwrapped(value: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The kind of a record and its fields; the kind is empty where nothing tells it."""
    for _ in range(3):
        if "recordType" in value or len(value) != 1:
            break
        ((name, inner),) = value.items()
        if not isinstance(inner, dict):
            break
        kind = _kind(name)
        if kind in READERS or kind in OTHER_TYPES:
            return kind, inner
        value = inner
    return _kind(value.get("recordType")), value


def _kind(name: Any) -> str:
    """One spelling of a record type: no case, no `Record` at its end; a number that is read has its name.

    >>> _kind("mOCallRecord"), _kind(85), _kind("chargingFunctionRecord"), _kind(None)
    ('mocall', 'pgw', 'charging', '')
    """
    if isinstance(name, int) and not isinstance(name, bool):
        return NUMBERS.get(name, str(abs(name)))
    text = str(name or "").lower().removesuffix("record").strip()
    return (
        NUMBERS.get(int(text), text) if text.isascii() and text.isdecimal() and len(text) < 6 else NAMES.get(text, text)
    )
