"""Resources of the TM Forum APIs as their version 4 examples are written."""

from typing import Any

from tests.fakes.native_lines import OWN, RIVAL

CUSTOMER = {"id": "C-9", "role": "customer", "name": "Chen Wei", "@referredType": "Individual"}
ACCOUNT = {"id": "ACME-7", "name": "ACME", "@referredType": "BillingAccount"}


def named(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


USAGE: dict[str, Any] = {
    "id": "U-1", "href": "https://host/usage/U-1", "usageDate": "2026-03-02T02:02:00.000Z", "usageType": "VOICE",
    "description": "Voice call", "status": "rated", "relatedParty": [CUSTOMER], "@type": "Usage",
    "usageCharacteristic": named(
        originatingCountryCode="86", originatingNumber=OWN[2:], destinationCountryCode="86", destinationNumber=RIVAL[2:],
        duration="90", unit="SEC", startDateTime="2026-03-02T02:00:05Z",
    ),
    "ratedProductUsage": [
        {"isBilled": False, "taxExcludedRatingAmount": {"unit": "CNY", "value": 1.0},
         "taxIncludedRatingAmount": {"unit": "CNY", "value": 1.2}, "productRef": {"id": "P-1"}},
    ],
}  # fmt: skip
BILL: dict[str, Any] = {
    "id": "B-1", "billNo": "2026-03-0001", "billDate": "2026-03-01T00:00:00+08:00", "category": "normal",
    "lastUpdate": "2026-03-12T10:00:00Z", "nextBillDate": "2026-04-01T00:00:00Z",
    "paymentDueDate": "2026-03-20T00:00:00Z", "runType": "onCycle", "state": "partiallyPaid",
    "amountDue": {"unit": "CNY", "value": 100.0}, "taxIncludedAmount": {"unit": "CNY", "value": 120.5},
    "taxExcludedAmount": {"unit": "CNY", "value": 100.0}, "remainingAmount": {"unit": "CNY", "value": 20.5},
    "billingAccount": ACCOUNT, "relatedParty": [CUSTOMER],
    "billingPeriod": {"startDateTime": "2026-02-01T00:00:00Z", "endDateTime": "2026-02-28T23:59:59Z"},
    "appliedPayment": [
        {"appliedAmount": {"unit": "CNY", "value": 100.0}, "payment": {"id": "PAY-1", "@referredType": "Payment"}},
    ],
}  # fmt: skip
ORDER: dict[str, Any] = {
    "id": "O-1", "orderDate": "2026-03-02T02:00:00Z", "state": "acknowledged", "category": "B2C", "priority": "1",
    "channel": [{"id": "1", "name": "Shop"}], "relatedParty": [CUSTOMER],
    "productOrderItem": [
        {"id": "100", "action": "delete", "quantity": 1, "state": "acknowledged",
         "product": {"id": "P-1", "productCharacteristic": named(MSISDN=f"+{OWN}"),
                     "productSpecification": {"id": "S-1", "name": "Mobile"}},
         "productOffering": {"id": "14", "name": "Mobile 10000"}, "billingAccount": ACCOUNT},
        {"id": "101", "action": "noChange"},
    ],
}  # fmt: skip
PRODUCT: dict[str, Any] = {
    "id": "P-1", "name": "Mobile line", "status": "pendingTerminate", "isBundle": False, "billingAccount": ACCOUNT,
    "startDate": "2024-01-01T00:00:00Z", "lastUpdate": "2026-03-02T02:00:00Z", "productSerialNumber": f"+{OWN}",
    "productOffering": {"id": "14", "name": "Mobile 10000"}, "relatedParty": [CUSTOMER],
}  # fmt: skip
TICKET: dict[str, Any] = {
    "id": "T-1", "creationDate": "2026-03-02T02:00:00Z", "lastUpdate": "2026-03-03T02:00:00Z", "name": "No dial tone",
    "description": "Line dead since Monday, call me on +86 138 0010 0500", "severity": "Critical", "priority": "High",
    "status": "inProgress", "ticketType": "Technical fault", "channel": {"id": "8", "name": "Self Service"},
    "relatedParty": [CUSTOMER], "relatedEntity": [{"id": "ACME-7", "@referredType": "BillingAccount"}],
    "expectedResolutionDate": "2026-03-02T10:00:00Z", "note": [{"text": "a note", "author": "Mr Li"}],
}  # fmt: skip
ALL = (USAGE, BILL, ORDER, PRODUCT, TICKET)


def event(kind: str, member: str, resource: dict[str, Any], time: str = "2026-03-05T00:00:00Z") -> dict[str, Any]:
    """A notification of TMF688 around a resource."""
    return {"eventId": "E-1", "eventTime": time, "eventType": kind, "event": {member: resource}}
