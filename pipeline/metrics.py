"""The catalogue of metrics: what every process tells Prometheus, in one typed list that is also the documentation.

Telemetry is written per block or per decision, never per record, and no label ever names a customer, a line or a task.
`docs/metrics.md` is written from this list by `pipeline/metrics_document.py`.
"""

from dataclasses import dataclass
from enum import StrEnum
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)

# A `_created` time beside each counter would double the series and says nothing that a restart does not.
disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus-client leaves it unannotated

#: Seconds, for things that take from a millisecond to a minute.
DURATION_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
#: Records of one block: a fetch is at most about a MiB.
BLOCK_BUCKETS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0, 30_000.0)


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Process(StrEnum):
    """The process that reports a metric; EVERY means each of them."""

    EVERY = "every"
    WORKER = "worker"
    TRAINER = "trainer"
    TASKS = "tasks"
    CONSOLE = "console"
    NOTIFY = "notify"
    DIALER = "dialer"


#: Where a process serves /metrics when `metrics.port` is 0.
METRICS_PORTS: dict[Process, int] = {
    Process.WORKER: 9351,
    Process.TRAINER: 9352,
    Process.TASKS: 9353,
    Process.CONSOLE: 9354,
    Process.NOTIFY: 9355,
    Process.DIALER: 9356,
}


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric: its name ends in its unit, a counter's in `_total`.

    Attributes:
        labels: label names; their values come from closed lists (streams, reasons, signals, kinds), never from records.
        buckets: upper bounds in the metric's unit, for histograms only.
    """

    name: str
    kind: Kind
    process: Process
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


def _counter(process: Process, name: str, unit: str, *labels: str, meaning: str) -> MetricSpec:
    return MetricSpec(name, Kind.COUNTER, process, unit, meaning, labels)


def _gauge(process: Process, name: str, unit: str, *labels: str, meaning: str) -> MetricSpec:
    return MetricSpec(name, Kind.GAUGE, process, unit, meaning, labels)


def _histogram(
    process: Process, name: str, unit: str, *labels: str, meaning: str, buckets: tuple[float, ...] = DURATION_BUCKETS_S
) -> MetricSpec:
    return MetricSpec(name, Kind.HISTOGRAM, process, unit, meaning, labels, buckets)


EVERY, WORKER, TRAINER = Process.EVERY, Process.WORKER, Process.TRAINER
TASKS, CONSOLE, NOTIFY, DIALER = Process.TASKS, Process.CONSOLE, Process.NOTIFY, Process.DIALER

# fmt: off
CATALOGUE: tuple[MetricSpec, ...] = (
    _gauge(EVERY, "churnwatch_started_timestamp_seconds", "s", "process",
        meaning="Wall time at which the process started, epoch seconds."),
    _gauge(EVERY, "churnwatch_build_info", "1", "version", meaning="Always 1; the label carries the version."),
    _gauge(EVERY, "churnwatch_disk_free_bytes", "bytes", meaning="Free space where the process keeps its files."),

    _counter(WORKER, "churnwatch_records_total", "records", "stream",
        meaning="Records taken from Kafka, good or bad."),
    _counter(WORKER, "churnwatch_dead_letters_total", "records", "stream", "reason",
        meaning="Records refused and sent to the dead-letter topic."),
    _counter(WORKER, "churnwatch_duplicates_total", "records",
        meaning="Records dropped because their record_id was seen before."),
    _counter(WORKER, "churnwatch_late_records_total", "records",
        meaning="Call records that reached us more than an hour after they happened; they count."),
    _counter(WORKER, "churnwatch_warnings_total", "warnings", "signal", "level",
        meaning="Warnings published, by their strongest signal and level."),
    _histogram(WORKER, "churnwatch_block_records", "records", "stream",
        meaning="Records of one block, that is of one fetch of one partition.", buckets=BLOCK_BUCKETS),
    _counter(WORKER, "churnwatch_engine_seconds_total", "s", "stage", meaning="Time spent in the engine, by stage."),
    _gauge(WORKER, "churnwatch_lag_records", "records", "stream",
        meaning="Records in Kafka that this worker has yet to process."),
    _gauge(WORKER, "churnwatch_stream_timestamp_seconds", "s",
        meaning="Stream time: up to when the merged inputs are processed, epoch seconds."),
    _gauge(WORKER, "churnwatch_data_age_seconds", "s",
        meaning="While records wait: how long ago the last processed one reached Kafka, worst partition; else 0."),
    _gauge(WORKER, "churnwatch_feed_silent_seconds", "s", "stream",
        meaning="Wall time since this worker last took in a record of the stream; not there before the first."),
    _histogram(WORKER, "churnwatch_decision_age_seconds", "s",
        meaning="From the arrival in Kafka of what led to a warning to the warning; not for those of hourly ticks."),
    _gauge(WORKER, "churnwatch_lines", "lines", meaning="Lines whose state this worker holds."),
    _gauge(WORKER, "churnwatch_partitions", "partitions", meaning="Partitions assigned to this worker."),
    _counter(WORKER, "churnwatch_pages_written_total", "pages", meaning="State pages written to the changelog."),
    _gauge(WORKER, "churnwatch_commit_timestamp_seconds", "s",
        meaning="Wall time of the last commit of offsets, epoch seconds; 0 before the first."),
    _counter(WORKER, "churnwatch_rebalances_total", "rebalances",
        meaning="Times that partitions were assigned to this worker."),
    _counter(WORKER, "churnwatch_snapshots_frozen_total", "lines",
        meaning="Lines offered as examples at a daily sweep and left out, since a feed or their region's calls are silent."),
    _counter(WORKER, "churnwatch_labels_refused_total", "labels", "reason",
        meaning="Leavings of lines that nothing is learnt of, by reason: unknown, told before, too old, in the future."),
    _counter(WORKER, "churnwatch_models_applied_total", "models", meaning="Models taken over from churn.models."),
    _counter(WORKER, "churnwatch_models_refused_total", "models", "reason",
        meaning="Models on churn.models that could not be used, by reason; the one in use stays."),
    _gauge(WORKER, "churnwatch_rules_version", "version",
        meaning="Newest edition of the rules taken from churn.rules; 0: as shipped. All workers show the same."),

    _counter(TRAINER, "churnwatch_labels_learned_total", "labels", "label",
        meaning="Examples learnt, by label: 1 churned, 0 stayed."),
    _counter(TRAINER, "churnwatch_models_published_total", "models", meaning="Models published to churn.models."),
    _gauge(TRAINER, "churnwatch_model_log_loss_nats", "nats",
        meaning="Rolling log loss, each example predicted before it was learnt."),
    _counter(TRAINER, "churnwatch_examples_refused_total", "examples", "reason",
        meaning="Examples not learnt, by reason; a duplicate is normal after a worker's restart."),
    _gauge(TRAINER, "churnwatch_model_auc_ratio", "1",
        meaning="Rolling area under the ROC curve, exact, each example scored before it was learnt."),
    _gauge(TRAINER, "churnwatch_model_average_precision_ratio", "1",
        meaning="Rolling average precision, exact, each example scored before it was learnt."),
    _gauge(TRAINER, "churnwatch_trainer_leads", "1",
        meaning="1 in the trainer that learns and publishes, 0 in a standby and while a group is being formed."),
    _gauge(TRAINER, "churnwatch_model_finite", "1",
        meaning="1 while every weight of the model is a finite number, else 0."),
    _gauge(TRAINER, "churnwatch_model_calibration_error_ratio", "1",
        meaning="Expected calibration error over the last examples, 20 bins of equal mass, each scored before it was learnt."),
    _gauge(TRAINER, "churnwatch_model_base_rate_ratio", "1",
        meaning="Share of leavers among the last examples; what the calibration error is to be measured against."),
    _gauge(TRAINER, "churnwatch_learning_frozen", "1",
        meaning="1 while learning is frozen and `churnwatch model unfreeze` is waited for, else 0; scoring goes on."),
    _counter(TRAINER, "churnwatch_learning_alarms_total", "alarms", "alarm",
        meaning="Times that learning was frozen, by what moved: labels_jumped, labels_missing, by_order."),
    _counter(TRAINER, "churnwatch_champion_changes_total", "changes", "change",
        meaning="Times that another learner became the one that scores: promoted, rolled_back, by_order."),
    _gauge(TRAINER, "churnwatch_drift_index", "1", "group",
        meaning="Population stability index of a group of features, or of the score, between the last two periods."),
    _counter(TRAINER, "churnwatch_drift_alarms_total", "alarms", "group",
        meaning="Times that a group of features, the score or the error moved."),

    _gauge(TASKS, "churnwatch_tasks_open", "tasks", "owner_kind",
        meaning="Tasks not yet closed, by who has them: manager or queue."),
    _counter(TASKS, "churnwatch_tasks_created_total", "tasks", "owner_kind", meaning="Tasks made from warnings."),
    _counter(TASKS, "churnwatch_tasks_closed_total", "tasks", "disposition",
        meaning="Tasks closed, by what came of them."),
    _counter(TASKS, "churnwatch_tasks_refused_total", "warnings", "reason",
        meaning="Warnings that made no task, by reason."),
    _counter(TASKS, "churnwatch_tasks_escalated_total", "steps", "owner_kind",
        meaning="Steps of the escalation chain taken: a clock ran out, or somebody asked."),
    _counter(TASKS, "churnwatch_contacts_planned_total", "contacts", "step",
        meaning="Contacts reserved, by the daily plan or between two plans."),
    _histogram(TASKS, "churnwatch_plan_seconds", "s", meaning="Making the daily plan and reserving it."),
    _gauge(TASKS, "churnwatch_plan_gain_money", "currency", meaning="What the latest daily plan is expected to bring."),
    _gauge(TASKS, "churnwatch_plan_broken_promises_contacts", "contacts",
        meaning="Promised contacts that nobody had room for in the latest daily plan."),
    _gauge(TASKS, "churnwatch_hour_price_money", "currency", "owner_kind",
        meaning="Shadow price: what one more hour would have brought today, of whoever is shortest of time."),
    _gauge(TASKS, "churnwatch_queue_depth_tasks", "tasks", meaning="Entries waiting in the outbound queue."),
    _gauge(TASKS, "churnwatch_queue_dead_tasks", "tasks", meaning="Calls put aside after too many deliveries."),
    _gauge(TASKS, "churnwatch_task_outbox_records", "records", meaning="Changes that Kafka has not been told yet."),
    _gauge(TASKS, "churnwatch_tasks_overdue", "tasks", meaning="Open tasks past their due time."),
    _gauge(TASKS, "churnwatch_queue_oldest_age_seconds", "s",
        meaning="Age of the oldest entry in the outbound queue; 0 when it is empty."),

    _counter(CONSOLE, "churnwatch_http_requests_total", "requests", "route", "method", "status",
        meaning="Requests answered."),
    _histogram(CONSOLE, "churnwatch_http_request_seconds", "s", "route", meaning="Time to answer a request."),

    _counter(NOTIFY, "churnwatch_messages_total", "messages", "outcome",
        meaning="Messages to owners: sent, failed (to be tried again) or given_up."),
    _gauge(NOTIFY, "churnwatch_notices_waiting", "notices", meaning="Notices that wait for their message."),
    _counter(DIALER, "churnwatch_calls_total", "calls", "disposition",
        meaning="Calls that rang, by their disposition, or handed_over to a telephone system that tells it later."),
    _counter(DIALER, "churnwatch_calls_refused_total", "calls", "reason",
        meaning="Leased calls that did not ring, by what was against it."),
)
# fmt: on


class Metrics:
    """The catalogue's metrics in one registry; a process makes one and hands it to what reports.

    >>> metrics = Metrics()
    >>> metrics.counter("churnwatch_records_total", stream="cdr").inc(500)
    >>> metrics.registry.get_sample_value("churnwatch_records_total", {"stream": "cdr"})
    500.0

    Raises:
        KeyError: a name that is not in the catalogue, or is of another kind.
        ValueError: labels that are not the metric's own.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        for spec in CATALOGUE:
            self._add(spec)
        ProcessCollector(registry=self.registry)

    def counter(self, name: str, **labels: str) -> Counter:
        """The counter of these label values; `inc(n)` it once a block."""
        metric = self._counters[name]
        return metric.labels(**labels) if labels else metric

    def gauge(self, name: str, **labels: str) -> Gauge:
        """The gauge of these label values; `set(value)`."""
        metric = self._gauges[name]
        return metric.labels(**labels) if labels else metric

    def histogram(self, name: str, **labels: str) -> Histogram:
        """The histogram of these label values; `observe(value)`."""
        metric = self._histograms[name]
        return metric.labels(**labels) if labels else metric

    def _add(self, spec: MetricSpec) -> None:
        match spec.kind:
            case Kind.COUNTER:
                self._counters[spec.name] = Counter(spec.name, spec.meaning, spec.labels, registry=self.registry)
            case Kind.GAUGE:
                self._gauges[spec.name] = Gauge(spec.name, spec.meaning, spec.labels, registry=self.registry)
            case Kind.HISTOGRAM:
                self._histograms[spec.name] = Histogram(
                    spec.name, spec.meaning, spec.labels, registry=self.registry, buckets=spec.buckets
                )


class MetricsServer:
    """A running /metrics endpoint; `port` is the one it really listens on."""

    def __init__(self, server: WSGIServer) -> None:
        self._server = server
        self.port = int(server.server_port)

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._server.shutdown()
        self._server.server_close()


def serve_metrics(metrics: Metrics, host: str, port: int) -> MetricsServer:
    """Serve `metrics` at http://host:port/metrics from a daemon thread; port 0 takes a free one.

    Raises:
        OSError: the port is taken or the host is not ours.
    """
    server, _thread = start_http_server(port, addr=host, registry=metrics.registry)
    return MetricsServer(server)
