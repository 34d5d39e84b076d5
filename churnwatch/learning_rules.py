"""The rules of learning from the settings, the features and the country's law; the trainer and a backtest share them."""

from collections.abc import Sequence

from alerts.law_pack import LawPack, read_law_pack
from churnwatch.country_policy import barred_signals
from churnwatch.errors import UserError
from churnwatch.settings import Settings
from models.contest import ContestRules
from models.contestants import CONTESTANTS, contestants
from models.label_rules import DAY_MS
from models.training import Training, TrainingRules
from pipeline.features.catalogue import Feature, feature_schema

#: Reason codes of features that grow by themselves as time passes: that they move is no drift.
AGEING = frozenset({"tenure"})
#: Kinds of customers (pipeline/customer_kinds.py) by the feature that is their flag; prepaid is a kind whatever its segment.
KIND_FLAGS = (("prepaid", "prepaid"), ("key_account", "key"), ("business", "business"))


def new_training(settings: Settings, features: Sequence[Feature], tick_ms: int) -> Training:
    """A training that has learnt nothing yet. `tick_ms`: the moments from which a model can count.

    Raises:
        UserError: the settings name a learner that there is not.
    """
    named = settings.learning.contestants
    unknown = [name for name in named if name not in CONTESTANTS]
    if unknown or not named:
        raise UserError(
            f"learning.contestants names {', '.join(unknown) or 'nobody'}; there are {', '.join(CONTESTANTS)}"
        )
    return Training(contestants(named), training_rules(settings, features, tick_ms))


def training_rules(settings: Settings, features: Sequence[Feature], tick_ms: int) -> TrainingRules:
    """The rules of a training; see `new_training`."""
    learning, names = settings.learning, [feature.name for feature in features]
    return TrainingRules(
        minimum_positives=learning.minimum_positives,
        publish_every_labels=learning.publish_every_labels,
        tick_ms=tick_ms,
        groups=tuple("" if feature.reason in AGEING else feature.reason for feature in features),
        kinds=tuple((kind, names.index(flag)) for kind, flag in KIND_FLAGS if flag in names),
        barred=barred_columns(features, read_law_pack(settings.law.country)),
        feature_schema=feature_schema(features),
        horizon_ms=settings.engine.horizon_days * DAY_MS,
        contest=ContestRules(labels=learning.promotion_labels, margin=learning.promotion_margin),
    )


def barred_columns(features: Sequence[Feature], law: LawPack) -> tuple[int, ...]:
    """Features that nobody may be judged by in this country, whoever agrees: those of the signals that its pack bars."""
    barred = barred_signals(law)
    return tuple(column for column, feature in enumerate(features) if barred and feature.reason.startswith(barred))
