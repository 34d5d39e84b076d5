"""What the settings and the country's law make of learning."""

import pytest

from alerts.law_pack import read_law_pack
from churnwatch.engine_parts import engine_parts
from churnwatch.errors import UserError
from churnwatch.learning_rules import barred_columns, new_training
from churnwatch.settings import Settings

SETTINGS = Settings()


def test_calls_to_rivals_hotlines_are_no_feature_in_the_united_states() -> None:
    features = engine_parts(SETTINGS).features

    barred = {features[column].name for column in barred_columns(features, read_law_pack("us"))}

    assert "hotline" in barred
    assert all(
        features[column].reason == "competitor_hotline" for column in barred_columns(features, read_law_pack("us"))
    )
    assert barred_columns(features, read_law_pack("cn")) == ()


@pytest.mark.parametrize("names", [["oracle"], []])
def test_an_unknown_learner_is_refused_with_those_that_there_are(names: list[str]) -> None:
    learning = SETTINGS.learning.model_copy(update={"contestants": names})

    with pytest.raises(UserError, match="there are prior, blend, logistic, forest"):
        new_training(SETTINGS.model_copy(update={"learning": learning}), (), 3_600_000)


def test_the_first_contestant_of_the_settings_is_the_champion() -> None:
    learning = SETTINGS.learning.model_copy(update={"contestants": ["logistic", "blend"]})

    assert new_training(SETTINGS.model_copy(update={"learning": learning}), (), 3_600_000).champion == "logistic"
