"""Dashboard *Outbound queue*: what the dialers have before them."""

from churnwatch.dashboards.board import Board
from churnwatch.dashboards.panels import HOUR_S, Ask, Curves, Figure, rate

QUEUE = Board(
    name="outbound-queue",
    title="Outbound queue",
    meaning="Calls that wait for the outbound team or a dialer: how many, how long, and which went wrong.",
    figures=(
        Figure("Waiting", "none", "Entries in the queue.", Ask("max(churnwatch_queue_depth_tasks{})", "waiting")),
        Figure(
            "Oldest",
            "s",
            "Age of the oldest entry.",
            Ask("max(churnwatch_queue_oldest_age_seconds{})", "oldest"),
            "QueueOldestAge",
        ),
        Figure(
            "Put aside",
            "none",
            "Calls put aside after too many deliveries.",
            Ask("max(churnwatch_queue_dead_tasks{})", "aside"),
            "QueueLostEntries",
        ),
        Figure(
            "Open tasks of the team",
            "none",
            "Open tasks in the outbound team's inbox.",
            Ask('sum(churnwatch_tasks_open{+owner_kind="queue"})', "open"),
        ),
        Figure(
            "Changes untold",
            "none",
            "Changes of tasks that Kafka has not been told yet.",
            Ask("max(churnwatch_task_outbox_records{})", "untold"),
            "TaskOutboxGrowing",
        ),
    ),
    curves=(
        Curves(
            "Depth", "none", "Entries in the queue.", [Ask("max(churnwatch_queue_depth_tasks{})", "waiting")], width=12
        ),
        Curves(
            "Oldest entry",
            "s",
            "Its age.",
            [Ask("max(churnwatch_queue_oldest_age_seconds{})", "oldest")],
            "QueueOldestAge",
            width=12,
        ),
        Curves(
            "Ends of contacts",
            "none",
            "Tasks closed an hour, by how the contact ended.",
            [Ask(rate("churnwatch_tasks_closed_total{}", "disposition", HOUR_S), "{{disposition}}")],
            width=12,
        ),
        Curves(
            "Put aside and untold",
            "none",
            "Calls put aside; changes that Kafka has not been told yet.",
            [
                Ask("max(churnwatch_queue_dead_tasks{})", "put aside"),
                Ask("max(churnwatch_task_outbox_records{})", "untold"),
            ],
            width=12,
        ),
    ),
)
