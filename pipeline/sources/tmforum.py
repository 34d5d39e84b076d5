"""TM Forum Open API payloads (versions 2 to 4): which API a resource belongs to, and who reads it.

A line is a resource, a list of them as a GET answers, or an event (TMF688) around one: `{"eventType", "eventTime",
"event": {"productOrder": {...}}}`. TMF635 usage, TMF678 bills, TMF622 orders, TMF637 products, TMF621 tickets; the tables
of fields are in `tmf_usage`, `tmf_bills`, `tmf_orders`, `tmf_products`, `tmf_tickets`. Told apart by the member of the
event, then `@type`, then by fields that only one of them has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.events import Record, RefusalReason, Stream
from pipeline.refusals import Refusal
from pipeline.sources.json_lines import each_object, is_closed
from pipeline.sources.native import NativeLines, Surroundings, Understood
from pipeline.sources.tmf_bills import bill_records
from pipeline.sources.tmf_common import BadFieldError, Resource
from pipeline.sources.tmf_orders import order_records
from pipeline.sources.tmf_products import product_records
from pipeline.sources.tmf_tickets import ticket_records
from pipeline.sources.tmf_usage import usage_records

STREAMS = frozenset({Stream.ORDERS, Stream.CARE, Stream.BILLING, Stream.CDR})
READERS: Mapping[str, Callable[[Resource, Surroundings], Sequence[Record]]] = {
    "usage": usage_records,
    "bill": bill_records,
    "order": order_records,
    "product": product_records,
    "ticket": ticket_records,
}
#: Names of resources, small letters only: members of events and values of `@type`.
NAMES = {
    "usage": "usage", "customerbill": "bill", "bill": "bill", "productorder": "order", "product": "product",
    "troubleticket": "ticket",
}  # fmt: skip
#: A field that only one API has.
FIELDS = {
    "usageCharacteristic": "usage", "usageDate": "usage", "ratedProductUsage": "usage",
    "billNo": "bill", "billDate": "bill", "billingPeriod": "bill", "amountDue": "bill",
    "productOrderItem": "order", "orderItem": "order",
    "ticketType": "ticket", "resolutionDate": "ticket", "statusChange": "ticket", "troubleTicketRelationship": "ticket",
    "productOffering": "product", "productSpecification": "product", "productCharacteristic": "product",
    "productSerialNumber": "product", "terminationDate": "product",
}  # fmt: skip


def tmforum_json(file: str, surroundings: Surroundings) -> NativeLines:
    """The reader of one file of payloads."""
    return NativeLines(file, Stream.ORDERS, each_object(_Payloads(surroundings).read), is_closed, surroundings.limits)


@dataclass(frozen=True, slots=True)
class _Payloads:
    surroundings: Surroundings

    def read(self, value: dict[str, Any]) -> Understood:
        resource = _resource(value)
        if resource is None:
            return Refusal(RefusalReason.UNKNOWN_VALUE, "no resource of TMF635, TMF678, TMF622, TMF637 or TMF621")
        try:
            return READERS[resource.api](resource, self.surroundings)
        except BadFieldError as error:
            reason = RefusalReason.MISSING_FIELD if error.missing else RefusalReason.WRONG_TYPE
            return Refusal(reason, f"{resource.api}: {error}")


def _resource(value: dict[str, Any]) -> Resource | None:
    event = value.get("event")
    if not isinstance(event, dict):
        api = _api(value, "")
        return Resource(api, value) if api else None
    for name, inner in event.items():
        if isinstance(inner, dict) and (api := _api(inner, name)):
            return Resource(api, inner, str(value.get("eventTime") or ""), str(value.get("eventType") or ""))
    return None


def _api(fields: dict[str, Any], name: str) -> str:
    for named in (name, fields.get("@type"), fields.get("@baseType")):
        if isinstance(named, str) and named.lower() in NAMES:
            return NAMES[named.lower()]
    return next((api for field, api in FIELDS.items() if field in fields), "")
