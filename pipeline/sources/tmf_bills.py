"""TMF678 customer bills.

| in the contract | from CustomerBill |
|---|---|
| invoice: `amount` | taxIncludedAmount, else amountDue, else taxExcludedAmount |
| `ts_ms`, `due_ms`, `period` | billDate; paymentDueDate; month of billingPeriod.startDateTime (versions 2, 3: startDate) |
| `balance` | remainingAmount |
| `record_id` | keyed digest of billNo, else id: a `duplicate` and a later state of the bill have the same |
| payment | each appliedPayment: appliedAmount, at paymentDate or lastUpdate |
| order `termination`, origin own_billing, reason final_bill | category `last`: the final bill of somebody who leaves |
| `account_id` | billingAccount, else relatedParty with the role customer |
| not used | taxItem, billDocument, paymentMethod, runType, nextBillDate, state |
"""

from pipeline.events import BillingKind, BillingRecord, OrderKind, OrderRecord, Origin, Record
from pipeline.sources.native import Surroundings
from pipeline.sources.tmf_common import (
    BadFieldError,
    Resource,
    account_id,
    amount_of,
    objects,
    required,
    required_time,
    text_of,
    time_of,
)


def bill_records(resource: Resource, surroundings: Surroundings) -> list[Record]:
    """An invoice, its payments, and the termination that a final bill tells of.

    Raises:
        BadFieldError: a field is missing or wrong.
    """
    fields = resource.fields
    account = account_id(surroundings, None, fields)
    name = surroundings.subscribers.digest(required(fields, "billNo", "id"), account)
    billed_ms = required_time(fields, surroundings, "billDate")
    invoice = BillingRecord(
        record_id=f"tmf678-{name}",
        ts_ms=billed_ms,
        received_ms=time_of(fields, surroundings, "lastUpdate"),
        account_id=account,
        kind=BillingKind.INVOICE,
        amount=_amount(resource),
        balance=amount_of(fields.get("remainingAmount")),
        period=_period(resource),
        due_ms=time_of(fields, surroundings, "paymentDueDate"),
    )
    records: list[Record] = [invoice, *_payments(resource, surroundings, account, name)]
    if text_of(fields, "category").lower() == "last":
        records.append(
            OrderRecord(
                record_id=f"tmf678-{name}-final",
                ts_ms=billed_ms,
                account_id=account,
                kind=OrderKind.TERMINATION,
                origin=Origin.OWN_BILLING,
                reason="final_bill",
            )
        )
    return records


def _amount(resource: Resource) -> float:
    for name in ("taxIncludedAmount", "amountDue", "taxExcludedAmount"):
        if (amount := amount_of(resource.fields.get(name))) is not None:
            return amount
    raise BadFieldError("taxIncludedAmount and amountDue are missing", missing=True)


def _period(resource: Resource) -> str | None:
    for each in objects(resource.fields.get("billingPeriod")):
        text = text_of(each, "startDateTime", "startDate", "startPeriod")
        if len(text) >= 7 and text[:4].isdecimal() and text[4] == "-" and text[5:7].isdecimal():
            return text[:7]
    return None


def _payments(resource: Resource, surroundings: Surroundings, account: str, name: str) -> list[BillingRecord]:
    payments = []
    for place, applied in enumerate(objects(resource.fields.get("appliedPayment"))):
        amount = amount_of(applied.get("appliedAmount"))
        if amount is None:
            raise BadFieldError("appliedPayment has no appliedAmount", missing=True)
        reference = next(iter(objects(applied.get("payment"))), {})
        own_time = time_of(reference, surroundings, "paymentDate")
        paid_ms = own_time or required_time(resource.fields, surroundings, "lastUpdate", "billDate")
        payment = surroundings.subscribers.digest(name, text_of(reference, "id") or place)
        payments.append(
            BillingRecord(
                record_id=f"tmf678-{payment}-payment",
                ts_ms=paid_ms,
                account_id=account,
                kind=BillingKind.PAYMENT,
                amount=amount,
            )
        )
    return payments
