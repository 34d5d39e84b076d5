"""`churnwatch bench pipeline`: the whole worker, the limit, and a plain Faust app on one topic of one broker."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from churnwatch.bench.filling import fill
from churnwatch.bench.load import CallLoad
from churnwatch.bench.processes import START_TIMEOUT_S, WORKER, Subject, running
from churnwatch.bench.setting import Setting, bench_setting
from churnwatch.errors import UserError

RECORDS = "churnwatch_records_total"
LIMIT = ["-m", "churnwatch.bench.decode_only"]
PEER_FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "peers" / "plain_faust.py"
#: Even at a tenth of the bar the run ends.
SLOWEST_PER_S = 5_000.0


@dataclass(frozen=True, slots=True)
class Run:
    """One process over the whole topic: records, wall and CPU seconds from just before the first to the last one saved."""

    records: int
    seconds: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        """Records a second of wall time."""
        return self.records / self.seconds


@dataclass(frozen=True, slots=True)
class PipelineFigures:
    """Figures of issue 3: rates are records a second of wall time."""

    records: int
    lines: int
    limit_events_per_s: float
    plain_faust_events_per_s: float
    events_per_s: float
    ratio_to_limit: float
    speedup_over_plain_faust: float
    cpu_s_per_million: float
    limit_cpu_s_per_million: float
    ratio_of_cpu: float


def bench_pipeline(lines: int, records: int, peer_s: float, commit_interval_s: float) -> PipelineFigures:
    """Preload the topic, then run limit, worker and peer over it, one after the other.

    The plain app is measured over `peer_s` seconds; it need not come to the end of the topic.
    """
    with bench_setting({"CHURNWATCH_ENGINE__COMMIT_INTERVAL_S": f"{commit_interval_s:g}"}) as setting:
        fill(setting.settings, "cdr", CallLoad(lines, records).pairs())
        limit = run_through(setting, "limit", LIMIT, records)
        whole = run_through(setting, "worker", WORKER, records)
        plain = _plain_faust(setting.environment, setting.folder, peer_s)
    return PipelineFigures(
        records=records,
        lines=lines,
        limit_events_per_s=round(limit.per_s),
        plain_faust_events_per_s=round(plain),
        events_per_s=round(whole.per_s),
        ratio_to_limit=round(whole.per_s / limit.per_s, 3),
        speedup_over_plain_faust=round(whole.per_s / plain, 1),
        cpu_s_per_million=round(whole.cpu_s / whole.records * 1e6, 2),
        limit_cpu_s_per_million=round(limit.cpu_s / limit.records * 1e6, 2),
        ratio_of_cpu=round(limit.cpu_s * whole.records / (whole.cpu_s * limit.records), 3),
    )


def run_through(setting: Setting, name: str, command: list[str], records: int) -> Run:
    """Start a process and measure it from the last look that saw no record taken until what it made of the last is saved.

    So even a load that is through between two looks has a rate, told too low rather than too high. The process is told
    to leave as soon as it has taken the last record: then it saves its state and commits.
    """
    with running(name, command, setting.environment, setting.folder) as subject:
        started_s, cpu_s = subject.last_before(RECORDS, 1, START_TIMEOUT_S)
        subject.wait_for(RECORDS, records, START_TIMEOUT_S + records / SLOWEST_PER_S)
        subject.stop()
        saved_s, saved_cpu_s = subject.last_saved()
        return Run(records, saved_s - started_s, saved_cpu_s - cpu_s)


def _plain_faust(environment: Mapping[str, str], folder: Path, seconds: float) -> float:
    """Records a second of the peer, from its first ones on, over `seconds`."""
    if not PEER_FILE.exists():
        raise UserError("benchmarks/peers/plain_faust.py is not there: run this bench in a checkout of the repository")
    command = [str(PEER_FILE), "--quiet", "worker", "--loglevel", "error"]
    with running("plain-faust", command, environment, folder) as subject:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _taken(subject):
            subject.check()
            if time.monotonic() > deadline:
                raise UserError(f"the plain Faust app took nothing within {START_TIMEOUT_S:g} s; see {subject.log}")
            time.sleep(0.1)
        first, started = _taken(subject), time.monotonic()
        time.sleep(seconds)
        while (last := _taken(subject)) == first:
            subject.check()
            time.sleep(0.1)
        return (last - first) / (time.monotonic() - started)


def _taken(subject: Subject) -> int:
    counts = re.findall(r"^taken (\d+)$", subject.log.read_text(errors="replace"), re.MULTILINE)
    return int(counts[-1]) if counts else 0
