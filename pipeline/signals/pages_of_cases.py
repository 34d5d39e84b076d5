"""Pages of orders and care."""

from pipeline.signals.pages import SignalPage, hard

CASE_PAGES: dict[str, SignalPage] = {
    "termination": SignalPage(
        "The customer asked to end the service; a wished last day is the countdown.",
        "`termination_cancelled` ends it.",
        "One order: 1.00.",
        1.00,
        hard("termination"),
    ),
    "suspend": SignalPage(
        "The customer had the service suspended.",
        "Suspended for arrears it was by us: such a record is none. `resume` ends it.",
        "One order: 0.60.",
        0.60,
        hard("suspend"),
    ),
    "downgrade": SignalPage(
        "The customer took a smaller plan.",
        "Most who do stay for less; it only watches.",
        "One order: 0.40.",
        0.40,
        hard("downgrade"),
    ),
    "device_unlock": SignalPage(
        "A device sold with the contract was unlocked: it takes anybody's card now.",
        "Travellers unlock for a foreign card; it only watches.",
        "One order: 0.60.",
        0.60,
        hard("device_unlock"),
    ),
    "service_request_delayed": SignalPage(
        "A request was not fulfilled by the promised day (DOMAIN section 1: 3 days on site, more for circuits).",
        "`provisioning_done` of the product ends it, also before it began.",
        "Two requests, the older one 2 days late: 0.40 + 0.20 + 2 x 0.06 = 0.72.",
        0.72,
        hard("service_request_delayed", count=2, open_days=2.0),
    ),
    "complaint": SignalPage(
        "The customer complained: how often in 90 days, how badly, and whether it is settled.",
        "A satisfaction score of 7 or more settles it. One mild complaint only watches.",
        "Two complaints, the worse of severity 3, the older 5 days open: 0.30 + 0.20 + 2 x 0.08 + 5 x 0.02 = 0.76.",
        0.76,
        hard("complaint", count=2, severity=3, open_days=5.0),
    ),
    "open_fault": SignalPage(
        "A fault of this customer's own is open.",
        "`fault_closed` ends it. What all lines of a region feel at once is an incident, not this.",
        "One fault of severity 2, open for 3 days: 0.30 + 0.06 + 3 x 0.10 = 0.66.",
        0.66,
        hard("open_fault", severity=2, open_days=3.0),
    ),
    "sla_breach": SignalPage(
        "We missed the agreed service level.",
        "None: it is our own record of our own failure.",
        "Two breaches: 0.50 + 0.15 = 0.65.",
        0.65,
        hard("sla_breach", count=2),
    ),
    "crisis_report": SignalPage(
        "Our own people reported that this customer may be lost.",
        "None: somebody who knows the customer says so.",
        "Two reports, the worse of severity 4: 0.70 + 0.10 + 3 x 0.04 = 0.92.",
        0.92,
        hard("crisis_report", count=2, severity=4),
    ),
    "competitor_contact": SignalPage(
        "A rival has been in touch with the customer, as the customer or our people tell.",
        "Rivals call on many; it fades in 30 days.",
        "One contact: 0.70.",
        0.70,
        hard("competitor_contact"),
    ),
    "price_inquiry": SignalPage(
        "The customer asked about prices or terms.",
        "A single question only watches.",
        "Two questions: 0.35 + 0.20 = 0.55.",
        0.55,
        hard("price_inquiry", count=2),
    ),
    "dissatisfied": SignalPage(
        "A satisfaction score below 5 of 10.",
        "A later score of 7 or more ends it; a score without a number says nothing.",
        "A score of 3: 0.40 + 2 x 0.15 = 0.70.",
        0.70,
        hard("dissatisfied", points=2.0),
    ),
}
