"""The worker without its engine: fetches and decodes to columns, the limit that the worker is compared with.

    python -m churnwatch.bench.decode_only

Everything else is the worker's own: transport, broker settings, agent, metrics, timers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from churnwatch.logs import configure_logs
from churnwatch.settings import Settings, settings
from churnwatch.telemetry import telemetry
from churnwatch.worker import WorkerApp, build_app, run_worker
from pipeline.columns import RawBlock, decode_cdr
from pipeline.events import Stream
from pipeline.merge import FOREVER_MS
from pipeline.metrics import Metrics, Process
from pipeline.partition_task import PartitionTask, Progress


@dataclass(slots=True)
class DecodeOnlyTask(PartitionTask):
    """A partition whose call records become columns and are forgotten."""

    def on_block(self, stream: Stream, block: RawBlock, now_s: float, span_ms: int = FOREVER_MS) -> Progress:
        """Decode one fetch, and remember how far it reached."""
        progress = Progress()
        if stream is Stream.CDR:
            _, progress.refused = decode_cdr(block, self.kinds, self.accept)
        self.merger.inputs[stream].position = block.offsets[-1] + 1
        return progress


def decode_only_app(settings: Settings, metrics: Metrics) -> WorkerApp:
    """The worker's app with tasks that only decode."""
    app = build_app(settings, metrics)
    whole = app.shell.make_task

    def make_task(partition: int, stored: Mapping[bytes, bytes], earliest: Mapping[Stream, int]) -> PartitionTask:
        task = whole(partition, stored, earliest)
        return DecodeOnlyTask(*(getattr(task, field.name) for field in fields(PartitionTask)))

    app.shell.make_task = make_task
    return app


if __name__ == "__main__":
    configure_logs("bench")
    with telemetry(settings(), Process.WORKER) as metrics:
        run_worker(settings(), metrics, decode_only_app)
