"""Dashboard *Pipeline*: records in, warnings out: how much, how late, what is refused."""

from churnwatch.dashboards.board import Board
from churnwatch.dashboards.panels import Ask, Curves, Figure, quantile, rate

PIPELINE = Board(
    name="pipeline",
    title="Pipeline",
    meaning="Records in and warnings out: how much, how fast, how late, and what is refused. Thresholds are the alerts'.",
    since="now-1h",
    figures=(
        Figure(
            "Workers up", "none", "Workers that answer.", Ask('sum(up{job="worker", instance=~"$instance"})', "workers")
        ),
        Figure(
            "Records",
            "cps",
            "Records taken from Kafka by all workers.",
            Ask(rate("churnwatch_records_total{}"), "records/s"),
            decimals=0,
        ),
        Figure(
            "Data age",
            "s",
            "While records wait: how long ago the last processed one reached Kafka. 0: nothing waits.",
            Ask("max(churnwatch_data_age_seconds{})", "behind"),
            "DataAge",
        ),
        Figure(
            "Since the last commit",
            "s",
            "The worker whose last commit is oldest.",
            Ask(
                "max(time() - churnwatch_commit_timestamp_seconds{} and churnwatch_commit_timestamp_seconds{} > 0)",
                "since",
            ),
            "CommitStalled",
        ),
        Figure(
            "Refused",
            "percentunit",
            "Share of records that are no records of the contract, over ten minutes.",
            Ask(
                "sum(rate(churnwatch_dead_letters_total{}[10m])) / sum(rate(churnwatch_records_total{}[10m]))",
                "refused",
            ),
            "DeadLetterRate",
            decimals=2,
        ),
        Figure(
            "Lines", "short", "Lines whose state the workers hold.", Ask("sum(churnwatch_lines{})", "lines"), decimals=1
        ),
    ),
    curves=(
        Curves(
            "Records by stream",
            "cps",
            "Records taken from Kafka a second.",
            [Ask(rate("churnwatch_records_total{}", "stream"), "{{stream}}")],
            width=12,
        ),
        Curves(
            "Records waiting",
            "short",
            "Records in Kafka that no worker has processed yet. Growing for long: too few workers.",
            [Ask("sum by (stream) (churnwatch_lag_records{})", "{{stream}}")],
            "LagGrowing",
            width=12,
        ),
        Curves(
            "Decision age",
            "s",
            "From the arrival in Kafka of what led to a warning to the warning; without hourly ticks.",
            [
                Ask(quantile(0.5, "churnwatch_decision_age_seconds"), "half"),
                Ask(quantile(0.99, "churnwatch_decision_age_seconds"), "99 of 100"),
            ],
        ),
        Curves(
            "Refused by reason",
            "cps",
            "Records sent to the dead-letter topic; `churnwatch dlq list` shows them.",
            [Ask(rate("churnwatch_dead_letters_total{}", "stream, reason"), "{{stream}}: {{reason}}")],
        ),
        Curves(
            "Duplicates and late records",
            "cps",
            "Duplicates are dropped; late records count.",
            [
                Ask(rate("churnwatch_duplicates_total{}"), "duplicates"),
                Ask(rate("churnwatch_late_records_total{}"), "late"),
            ],
        ),
        Curves(
            "Engine time by stage",
            "percentunit",
            "Share of one core that each stage of the engine takes.",
            [Ask(rate("churnwatch_engine_seconds_total{}", "stage"), "{{stage}}")],
        ),
        Curves(
            "State saved",
            "cps",
            "Pages of state written to the changelog a second.",
            [Ask(rate("churnwatch_pages_written_total{}"), "pages")],
        ),
        Curves(
            "Rebalances",
            "none",
            "Times in ten minutes that partitions were assigned. Again and again: a worker is slow to answer.",
            [Ask("sum by (instance) (increase(churnwatch_rebalances_total{}[10m]))", "{{instance}}")],
        ),
        Curves(
            "Feed silent",
            "s",
            "Wall time since the last call record came.",
            [Ask('min(churnwatch_feed_silent_seconds{+stream="cdr"})', "silent")],
            "FeedStopped",
        ),
        Curves(
            "Free disk",
            "bytes",
            "Free space where each process keeps its files.",
            [Ask("churnwatch_disk_free_bytes{}", "{{job}} {{instance}}")],
        ),
        Curves(
            "Memory",
            "bytes",
            "Resident memory of each process.",
            [Ask("process_resident_memory_bytes{}", "{{job}} {{instance}}")],
            width=12,
        ),
        Curves(
            "Console: time to answer",
            "s",
            "19 of 20 requests are answered within this time.",
            [Ask(quantile(0.95, "churnwatch_http_request_seconds", "route"), "{{route}}")],
            width=12,
        ),
    ),
)
