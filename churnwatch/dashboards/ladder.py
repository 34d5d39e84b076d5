"""Dashboard *Business ladder*: the way out, rung by rung, and what was done on each."""

from churnwatch.dashboards.board import Board
from churnwatch.dashboards.panels import DAY_S, Ask, Curves, Figure, grown, rate

RUNGS = (
    "port_eligibility_query",
    "contract_release_request",
    "bundle_unbind",
    "ownership_transfer",
    "balance_cleared",
    "port_code_issued",
    "port_code_expired",
    "port_out_order",
    "termination",
)
SOFT = 'signal!~"' + "|".join(RUNGS) + '"'
HARD = 'signal=~"' + "|".join(RUNGS) + '"'

LADDER = Board(
    name="business-ladder",
    title="Business ladder",
    meaning="How far customers have come on their way out when we notice: early soft signals, declared steps, the order itself.",
    since="now-7d",
    figures=(
        Figure(
            "Early warnings in 24 h",
            "short",
            "Warnings by signals before any declared step: there is time.",
            Ask(grown(f"churnwatch_warnings_total{{+{SOFT}}}", "24h"), "early"),
            decimals=0,
        ),
        Figure(
            "Declared steps in 24 h",
            "short",
            "Warnings by steps of the port process and by terminations.",
            Ask(grown(f"churnwatch_warnings_total{{+{HARD}}}", "24h"), "declared"),
            decimals=0,
        ),
        Figure(
            "Early share",
            "percentunit",
            "Warnings before any declared step, of all, over seven days. The higher the more time.",
            Ask(
                grown(f"churnwatch_warnings_total{{+{SOFT}}}", "7d")
                + " / "
                + grown("churnwatch_warnings_total{}", "7d"),
                "early",
            ),
            decimals=0,
        ),
        Figure(
            "Saved in 7 days",
            "none",
            "Tasks in which the customer said to stay.",
            Ask(grown('churnwatch_tasks_closed_total{+disposition="reached_saved"}', "7d"), "saved"),
            decimals=0,
        ),
        Figure(
            "Refused in 7 days",
            "none",
            "Tasks in which the customer did not want our offer.",
            Ask(grown('churnwatch_tasks_closed_total{+disposition="reached_refused"}', "7d"), "refused"),
            decimals=0,
        ),
    ),
    curves=(
        Curves(
            "Declared steps",
            "none",
            "Warnings a day by rung of the port process.",
            [Ask(rate(f"churnwatch_warnings_total{{+{HARD}}}", "signal", DAY_S), "{{signal}}")],
            width=12,
        ),
        Curves(
            "Critical, warning, watch",
            "none",
            "Warnings a day by level.",
            [Ask(rate("churnwatch_warnings_total{}", "level", DAY_S), "{{level}}")],
            width=12,
        ),
        Curves(
            "What came of tasks",
            "none",
            "Tasks closed a day, by how the contact ended.",
            [Ask(rate("churnwatch_tasks_closed_total{}", "disposition", DAY_S), "{{disposition}}")],
            width=24,
        ),
    ),
)
