"""TMF622 product orders: each item becomes the steps that it has taken so far.

| action of the item | from orderDate | when completed | when cancelled, rejected, failed |
|---|---|---|---|
| delete | `termination` | `termination_done` at completionDate | `termination_cancelled` at cancellationDate |
| add, modify | `service_request` with product | `provisioning_done` with product | - |
| noChange | - | - | - |

| in the contract | from the order and its item |
|---|---|
| `account_id` | billingAccount of item or order, else relatedParty with the role customer |
| `line_id` | pseudonym of the product's number (characteristic msisdn and the like, productSerialNumber), else none |
| `product` | name of productOffering, product or productSpecification, else its id |
| `reason` | cancellationReason, else the action where it is modify; numbers taken out |
| `origin` | customer_to_us |
| state | of the item, else of the order; an event's time stands for a date that is missing |
| `record_id` | keyed digest of order, item and kind: each state of an order can be sent, each step counts once |
| not used | priority, channel, quantity, price, payment, agreement, notes |

Versions 2 and 3 call productOrderItem orderItem; both are read.
"""

from collections.abc import Mapping
from typing import Any

from pipeline.events import OrderKind, OrderRecord, Origin
from pipeline.sources.native import Surroundings
from pipeline.sources.tmf_common import (
    BadFieldError,
    Resource,
    account_id,
    line_number,
    objects,
    required,
    required_time,
    text_of,
    without_numbers,
)

DONE = ("completed",)
UNDONE = ("cancelled", "rejected", "failed")
ACTIONS = ("add", "modify", "delete", "nochange")
KINDS: Mapping[str, tuple[OrderKind, OrderKind, OrderKind | None]] = {
    "delete": (OrderKind.TERMINATION, OrderKind.TERMINATION_DONE, OrderKind.TERMINATION_CANCELLED),
    "add": (OrderKind.SERVICE_REQUEST, OrderKind.PROVISIONING_DONE, None),
    "modify": (OrderKind.SERVICE_REQUEST, OrderKind.PROVISIONING_DONE, None),
}


def order_records(resource: Resource, surroundings: Surroundings) -> list[OrderRecord]:
    """The steps of every item of an order.

    Raises:
        BadFieldError: a field is missing or wrong.
    """
    items = objects(resource.fields.get("productOrderItem", resource.fields.get("orderItem")))
    if not items:
        raise BadFieldError("productOrderItem is missing", missing=True)
    return [step for place, item in enumerate(items) for step in _steps(resource, item, place, surroundings)]


def _steps(resource: Resource, item: Mapping[str, Any], place: int, surroundings: Surroundings) -> list[OrderRecord]:
    order = resource.fields
    action = text_of(item, "action").lower()
    if action not in ACTIONS:
        raise BadFieldError("the action of an item is none of add, modify, delete, noChange")
    if action == "nochange":
        return []
    product = next(iter(objects(item.get("product"))), {})
    number = line_number(surroundings, product)
    account = account_id(surroundings, number, item, order, product)
    reason = without_numbers(text_of(order, "cancellationReason")) or ("modify" if action == "modify" else None)
    name = (required(order, "id"), text_of(item, "id") or place)

    def step(kind: OrderKind, *times: str) -> OrderRecord:
        dated = {"eventTime": resource.event_time, **order}
        return OrderRecord(
            record_id=f"tmf622-{surroundings.subscribers.digest(*name, kind.value)}",
            ts_ms=required_time(dated, surroundings, *times),
            account_id=account,
            kind=kind,
            origin=Origin.CUSTOMER_TO_US,
            line_id=None if number is None else surroundings.subscribers.pseudonym(number),
            product=product_name(item, product),
            reason=reason,
        )

    asked, done, undone = KINDS[action]
    state = (text_of(item, "state") or text_of(order, "state", "status")).lower()
    steps = [step(asked, "orderDate", "eventTime")]
    if state in DONE:
        steps.append(step(done, "completionDate", "eventTime", "expectedCompletionDate", "orderDate"))
    elif state in UNDONE and undone is not None:
        steps.append(step(undone, "cancellationDate", "eventTime", "completionDate", "orderDate"))
    return steps


def product_name(item: Mapping[str, Any], product: Mapping[str, Any]) -> str | None:
    """The name of what is ordered, or its id."""
    for holder in (item, product):
        for field in ("productOffering", "productSpecification"):
            for each in objects(holder.get(field)):
                if name := text_of(each, "name", "id"):
                    return without_numbers(name)
    return without_numbers(text_of(product, "name", "id"))
