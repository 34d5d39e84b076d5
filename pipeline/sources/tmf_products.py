"""TMF637 product inventory: what a product's state tells of a customer.

| status | in the contract | when |
|---|---|---|
| created, pendingActive | `service_request` with product | event, orderDate, startDate |
| active | `provisioning_done` with product; of a state change long after startDate `resume` | event, startDate |
| suspended | `suspend` | event, lastUpdate |
| pendingTerminate | `termination` | event, lastUpdate |
| terminated | `termination_done` | terminationDate, event |
| cancelled, aborted | left out: a product that never was | |

| in the contract | from Product |
|---|---|
| `account_id` | billingAccount, else relatedParty with the role customer |
| `line_id` | pseudonym of its number (characteristic msisdn and the like, productSerialNumber), else none |
| `product` | name of productOffering or productSpecification, else its own |
| `origin` | customer_to_us |
| `record_id` | keyed digest of id, kind and time: a snapshot taken every night tells each change once |
| not used | productPrice, productTerm, agreement, realizingResource, place |

A snapshot tells that a product is suspended, not since when: without an event or lastUpdate it is refused.
"""

from pipeline.events import OrderKind, OrderRecord, Origin
from pipeline.sources.native import Surroundings
from pipeline.sources.tmf_common import (
    BadFieldError,
    Resource,
    account_id,
    line_number,
    required,
    required_time,
    text_of,
    time_of,
)
from pipeline.sources.tmf_orders import product_name

#: A product becomes active at most this long after its start date; later it was suspended in between.
NEW_FOR_MS = 7 * 86_400_000
IGNORED = ("cancelled", "aborted")
#: Status in small letters: the kind of order, and the fields that tell when, the best one first.
STATES: dict[str, tuple[OrderKind, tuple[str, ...]]] = {
    "created": (OrderKind.SERVICE_REQUEST, ("eventTime", "orderDate", "startDate")),
    "pendingactive": (OrderKind.SERVICE_REQUEST, ("eventTime", "orderDate", "startDate")),
    "active": (OrderKind.PROVISIONING_DONE, ("eventTime", "startDate")),
    "suspended": (OrderKind.SUSPEND, ("eventTime", "lastUpdate")),
    "pendingterminate": (OrderKind.TERMINATION, ("eventTime", "lastUpdate")),
    "terminated": (OrderKind.TERMINATION_DONE, ("terminationDate", "eventTime")),
}


def product_records(resource: Resource, surroundings: Surroundings) -> list[OrderRecord]:
    """What the state of a product tells.

    Raises:
        BadFieldError: a field is missing or wrong.
    """
    fields = resource.fields
    status = required(fields, "status").lower()
    if status in IGNORED:
        return []
    if status not in STATES:
        raise BadFieldError("status is none that TMF637 knows")
    kind, times = STATES[status]
    ts_ms = required_time({"eventTime": resource.event_time, **fields}, surroundings, *times)
    if kind is OrderKind.PROVISIONING_DONE and _was_active_before(resource, surroundings, ts_ms):
        kind = OrderKind.RESUME
    number = line_number(surroundings, fields)
    subscribers = surroundings.subscribers
    return [
        OrderRecord(
            record_id=f"tmf637-{subscribers.digest(required(fields, 'id'), kind.value, ts_ms)}",
            ts_ms=ts_ms,
            account_id=account_id(surroundings, number, fields),
            kind=kind,
            origin=Origin.CUSTOMER_TO_US,
            line_id=None if number is None else subscribers.pseudonym(number),
            product=product_name(fields, fields),
            reason=text_of(fields, "status"),
        )
    ]


def _was_active_before(resource: Resource, surroundings: Surroundings, ts_ms: int) -> bool:
    started_ms = time_of(resource.fields, surroundings, "startDate")
    changed = "statechange" in resource.event_type.lower()
    return changed and started_ms is not None and ts_ms - started_ms > NEW_FOR_MS
