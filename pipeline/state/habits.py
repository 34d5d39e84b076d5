"""How a crowd uses its lines: what `pipeline/signals/alive.py` learns and the state keeps."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Habits:
    """Parameters of a crowd: Beta(`alpha`, `beta`) of the share of active days, Beta(`gamma`, `delta`) of leaving a day.

    The defaults say nothing of the share of active days, and that one line in fifty leaves in 30 days.
    """

    alpha: float = 0.5
    beta: float = 0.5
    gamma: float = 1.0
    delta: float = 1450.0


#: Before anything was learnt.
USUAL_HABITS = Habits()
