"""Before the worker takes partitions its compiled loops have been called, with a call that the engine takes and a model."""

from churnwatch.compiled_start import DAYS, START_MS, load_compiled
from churnwatch.engine_parts import engine_parts
from churnwatch.settings import read_settings
from models.forest import leaf_values
from pipeline.apply_cdr import apply_cdr
from pipeline.state.decay import DAY_MS


def test_the_call_is_taken_and_days_are_decided() -> None:
    parts = engine_parts(read_settings(environ={}))
    task = parts.make_task(0, {}, {})

    load_compiled(task, len(parts.features))

    state = task.engine.state
    assert state.lines.ids == ["l"]
    assert state.lines["sums"].sum() > 0, f"{apply_cdr.__name__} was not reached"
    assert state.lines["by_model"].tolist() == [1], f"{leaf_values.__name__} was not reached"
    assert state.clock_ms == START_MS + DAYS * DAY_MS
