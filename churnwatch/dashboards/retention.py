"""Dashboard *Retention today*: what lies in the inboxes, what came of it, what is late."""

from churnwatch.dashboards.board import Board
from churnwatch.dashboards.panels import HOUR_S, Ask, Curves, Figure, grown, or_none, rate

RETENTION = Board(
    name="retention",
    title="Retention today",
    meaning="Tasks of account managers and of the outbound team: open, late, made, closed, and what came of them.",
    since="now-24h",
    figures=(
        Figure("Tasks open", "none", "Tasks not yet closed.", Ask("sum(churnwatch_tasks_open{})", "open")),
        Figure(
            "Overdue",
            "none",
            "Open tasks past their due time.",
            Ask("sum(churnwatch_tasks_overdue{})", "overdue"),
            "TasksOverdue",
        ),
        Figure(
            "Made in 24 h",
            "none",
            "Tasks made from warnings in the last 24 hours.",
            Ask(grown("churnwatch_tasks_created_total{}", "24h"), "made"),
            decimals=0,
        ),
        Figure(
            "Closed in 24 h",
            "none",
            "Tasks closed in the last 24 hours.",
            Ask(grown("churnwatch_tasks_closed_total{}", "24h"), "closed"),
            decimals=0,
        ),
        Figure(
            "Saved",
            "percentunit",
            "Share of the tasks closed in 24 hours in which the customer said to stay.",
            Ask(
                grown('churnwatch_tasks_closed_total{+disposition="reached_saved"}', "24h")
                + " / "
                + grown("churnwatch_tasks_closed_total{}", "24h"),
                "saved",
            ),
            decimals=0,
        ),
        Figure(
            "Steps of escalation",
            "none",
            "In the last 24 hours: a task's clock ran out, or somebody asked, and the next in line was told.",
            Ask(grown("churnwatch_tasks_escalated_total{}", "24h"), "steps"),
            decimals=0,
        ),
    ),
    curves=(
        Curves(
            "Open tasks",
            "none",
            "By who has them.",
            [Ask("sum by (owner_kind) (churnwatch_tasks_open{})", "{{owner_kind}}")],
            width=12,
        ),
        Curves(
            "Made, closed, refused",
            "none",
            "Tasks an hour. Refused: warnings of which a rule let no task be made.",
            [
                Ask(rate("churnwatch_tasks_created_total{}", per_s=HOUR_S), "made"),
                Ask(rate("churnwatch_tasks_closed_total{}", per_s=HOUR_S), "closed"),
                Ask(rate("churnwatch_tasks_refused_total{}", per_s=HOUR_S), "refused"),
            ],
            width=12,
        ),
        Curves(
            "What came of them",
            "none",
            "Tasks closed an hour, by how the contact ended.",
            [Ask(rate("churnwatch_tasks_closed_total{}", "disposition", HOUR_S), "{{disposition}}")],
            width=12,
        ),
        Curves(
            "Why no task",
            "none",
            "Warnings an hour of which no task was made, by the rule.",
            [Ask(rate("churnwatch_tasks_refused_total{}", "reason", HOUR_S), "{{reason}}")],
            width=12,
        ),
        Curves(
            "Overdue",
            "none",
            "Open tasks past their due time.",
            [Ask("sum(churnwatch_tasks_overdue{})", "overdue")],
            "TasksOverdue",
            width=12,
        ),
        Curves(
            "Price of an hour",
            "none",
            "What one more hour of the team would bring by the daily plan (its shadow price), in the operator's currency.",
            [Ask("churnwatch_hour_price_money{}", "{{owner_kind}}")],
            width=12,
        ),
        Curves(
            "Planned gain",
            "none",
            "What the daily plan expects its contacts to bring, in the operator's currency.",
            [Ask("max(churnwatch_plan_gain_money{})", "gain")],
            width=12,
        ),
        Curves(
            "Messages to owners",
            "none",
            "Notifications an hour, by what became of them.",
            [Ask(or_none(rate("churnwatch_messages_total{}", "outcome", HOUR_S), "outcome"), "{{outcome}}")],
            width=12,
        ),
        Curves(
            "Promises that the plan cannot keep",
            "none",
            "Contacts promised for today (star guarantees, due tasks) for which nobody has room.",
            [Ask("max(churnwatch_plan_broken_promises_contacts{})", "contacts")],
            width=12,
        ),
        Curves(
            "Escalations",
            "none",
            "Steps an hour.",
            [Ask(rate("churnwatch_tasks_escalated_total{}", "owner_kind", HOUR_S), "{{owner_kind}}")],
            width=12,
        ),
    ),
)
