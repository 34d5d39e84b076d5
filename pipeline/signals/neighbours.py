"""The signal of a line's circle: people it calls have left us."""

from collections.abc import Mapping

import numpy as np

from pipeline.features.facts import Facts, Floats
from pipeline.signals.base import SoftSignal, ratio, unit
from pipeline.state.catalogue import CIRCLE_HALF_LIVES
from pipeline.state.circle import NOW, OWN, RIVAL, USUALLY
from pipeline.state.decay import effective_days

MIN_AGE_DAYS = 28.0
#: Contacts that a cell's usual share of rivals counts for when a few recent ones are judged.
PRIOR_CONTACTS = 4.0
#: A contact that ported moves its cell from none to all; less than this is chance, or another contact in the cell.
MOVED_NOISE, MOVED_FULL = 0.25, 0.65
#: A circle of which this share has left leaves nothing to stay for.
CIRCLE_FULL = 0.50


def circle_left(facts: Facts) -> Floats:
    """Share of a line's own-network circle that is at a rival's now, shape (n,); 0 where the circle is not known.

    What was usual is the difference of the decayed counts at 56 and at 14 days: contacts of the last days weigh nothing in it.
    """
    if facts.circle is None:
        return np.zeros(len(facts.rows))
    counts = facts.circle * effective_days(facts.age_days)[:, None, None, CIRCLE_HALF_LIVES]
    now = counts[..., NOW]
    before = np.maximum(counts[..., USUALLY] - now, 0.0)
    usual = ratio(before[:, :, RIVAL], before.sum(axis=2))
    contacts = now.sum(axis=2)
    recent = (now[:, :, RIVAL] + PRIOR_CONTACTS * usual) / (contacts + PRIOR_CONTACTS)
    moved = unit((recent - usual - MOVED_NOISE) / (MOVED_FULL - MOVED_NOISE))
    return ratio((before[:, :, OWN] * moved).sum(axis=1), before[:, :, OWN].sum(axis=1))


def neighbour_churn(facts: Facts) -> Floats:
    """People whom the line calls on our network answer at a rival's now: 1 when half of its circle has left.

    Cell by cell of the circle's sketch: the share of rivals in the last weeks (half-life 14 days), shrunk towards the usual one
    with the weight of 4 contacts, less the usual one; a rise of 0.25 is chance, of 0.65 a contact that has gone. Cells count by
    their usual calls within our network. Nothing is said of a line younger than four weeks.
    """
    return unit(np.where(facts.age_days >= MIN_AGE_DAYS, circle_left(facts) / CIRCLE_FULL, 0.0))


def _neighbour_evidence(facts: Facts) -> Mapping[str, Floats]:
    return {"circle_left_ratio": circle_left(facts)}


NEIGHBOUR_CHURN = SoftSignal("neighbour_churn", neighbour_churn, _neighbour_evidence)
