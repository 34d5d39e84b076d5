"""The worker's compiled loops, loaded before it takes partitions: no first block waits for a compiler or a disk.

Where they were never called before that takes seconds, and records must not wait meanwhile (docs/adr/0045-compiled-loops.md).
"""

import numpy as np

from models.calibration import Calibration
from models.exchange import ArrayScorer
from models.forest import NEVER, Forest
from models.scorers import BlendModel, LinearModel
from pipeline.columns import RawBlock
from pipeline.events import Stream
from pipeline.partition_task import PartitionTask
from pipeline.state.decay import DAY_MS

START_MS = 1_767_225_600_000
DAYS = 3
CALL = (
    b'{"record_id":"c","ts_ms":%d,"account_id":"a","line_id":"l","service":"voice","direction":"mo","peer_operator":"self",'
    b'"peer_kind":"subscriber","duration_s":1.0,"charge":0.1,"roaming":false}'
)


def load_compiled(task: PartitionTask, n_features: int) -> None:
    """Let a task that nobody keeps read a call and decide over some days, the last of them with a model."""
    task.engine.use_model(_some_model(n_features), START_MS + (DAYS - 1) * DAY_MS)
    task.on_block(Stream.CDR, RawBlock(range(1), [b"a"], [CALL % START_MS]), 0.0)
    task.close(START_MS + DAYS * DAY_MS, 0.0)


def _some_model(n_features: int) -> ArrayScorer:
    """A blend that says nothing of these features."""
    nothing = np.zeros(n_features)
    linear = LinearModel(nothing, nothing, nothing, nothing, nothing, 0.0, prior_column=0)
    stump = Forest(np.zeros((1, 1), np.int64), np.full((1, 1), NEVER), np.zeros((1, 3)), 0.0)
    return ArrayScorer("none", BlendModel(linear, stump, 1.0, 1.0, 0.0), Calibration())
