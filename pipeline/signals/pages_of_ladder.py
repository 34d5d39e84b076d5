"""Pages of the rungs of the port ladder."""

from pipeline.signals.pages import SignalPage, hard

LATER = "A renewal takes the line off the ladder; a record older than where the line stands changes nothing."

LADDER_PAGES: dict[str, SignalPage] = {
    "ownership_transfer": SignalPage(
        "A company's line was made a person's: where companies may not port, the first step.",
        "Staff who leave take their number along. It only watches, until a further rung follows.",
        "One transfer: 0.50.",
        0.50,
        hard("ownership_transfer"),
    ),
    "bundle_unbind": SignalPage(
        "The bundle that tied lines, broadband and devices together was taken apart.",
        f"A smaller household needs no bundle. {LATER}",
        "One order: 0.60.",
        0.60,
        hard("bundle_unbind"),
    ),
    "port_eligibility_query": SignalPage(
        "The customer asked whether the number may be taken along.",
        f"Some only ask. A line too young to port has time until it may (`least_tenure_days`). {LATER}",
        "One query: 0.70; by half of its 30 days without a further rung it has faded to 0.70 x 0.75 = 0.525.",
        0.70,
        hard("port_eligibility_query"),
    ),
    "contract_release_request": SignalPage(
        "The customer asked to be let out of a running contract.",
        f"A plan change is its own order and no release. {LATER}",
        "One request: 0.80.",
        0.80,
        hard("contract_release_request"),
    ),
    "balance_cleared": SignalPage(
        "Everything open was paid at once: a condition for porting.",
        f"An ordinary payment is a bill's, not this order. {LATER}",
        "One order: 0.60.",
        0.60,
        hard("balance_cleared"),
    ),
    "port_code_issued": SignalPage(
        "The customer holds a porting code; its life is the countdown.",
        "A code that lapses, by its record or by its clock, ends it: the line steps back to `port_code_expired`.",
        "One code: 0.95; in China an hour is left, in the United Kingdom 30 days.",
        0.95,
        hard("port_code_issued"),
    ),
    "port_code_expired": SignalPage(
        "A code ran out unused: undecided, and still here.",
        "A newer code, or an order, stands above it.",
        "One lapsed code: 0.60.",
        0.60,
        hard("port_code_expired"),
    ),
    "port_out_order": SignalPage(
        "The gaining operator ordered the port. A label soon to come: in the UK and US packs a stop-work signal.",
        "None: it is what it says. The law gate decides what may still be done.",
        "One order: 1.00.",
        1.00,
        hard("port_out_order"),
    ),
}
