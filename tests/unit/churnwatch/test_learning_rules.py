"""What the settings and the country's law make of learning."""

import math

import numpy as np
import pytest

from alerts.law_pack import read_law_pack
from churnwatch.country_policy import policy_of_country
from churnwatch.engine_parts import engine_parts
from churnwatch.errors import UserError
from churnwatch.learning_rules import KIND_FLAGS, barred_columns, new_training, training_rules
from churnwatch.settings import Settings
from pipeline.features.assemble import feature_matrix
from pipeline.features.facts import facts_of
from tests.fakes.pipeline_runs import HOUR_MS, MONDAY_MS, Run, call, policy, run_of

SETTINGS = Settings()
NOON_MS = MONDAY_MS + 12 * HOUR_MS


def test_calls_to_rivals_hotlines_are_no_feature_in_the_united_states() -> None:
    features = engine_parts(SETTINGS).features

    barred = {features[column].name for column in barred_columns(features, read_law_pack("us"))}

    assert "hotline" in barred
    assert all(
        features[column].reason == "competitor_hotline" for column in barred_columns(features, read_law_pack("us"))
    )
    assert barred_columns(features, read_law_pack("cn")) == ()


def test_in_the_united_states_neither_a_feature_nor_the_prior_knows_of_a_call_to_a_rivals_hotline() -> None:
    calling = run_of(cdr=[call(1, NOON_MS, peer_operator="rival-a", peer_kind="competitor_hotline")])
    other = run_of(cdr=[call(1, NOON_MS, peer_operator="rival-a")])
    features = [feature.name for feature in engine_parts(SETTINGS).features]

    def told(run: Run, country: str) -> dict[str, float]:
        here = policy_of_country(policy(), country)
        found = facts_of(run.state.lines, np.arange(1), NOON_MS + HOUR_MS, run.state.landmark.ms)
        return dict(zip(features, feature_matrix(found, run.state, here)[0].tolist(), strict=True))

    assert told(calling, "cn")["prior"] > told(other, "cn")["prior"] + 1.0
    assert told(calling, "us")["prior"] == told(other, "us")["prior"]
    assert math.isnan(told(calling, "us")["hotline"])


@pytest.mark.parametrize("names", [["oracle"], []])
def test_an_unknown_learner_is_refused_with_those_that_there_are(names: list[str]) -> None:
    learning = SETTINGS.learning.model_copy(update={"contestants": names})

    with pytest.raises(UserError, match="there are prior, blend, logistic, forest"):
        new_training(SETTINGS.model_copy(update={"learning": learning}), (), 3_600_000)


def test_the_first_contestant_of_the_settings_is_the_champion() -> None:
    learning = SETTINGS.learning.model_copy(update={"contestants": ["logistic", "blend"]})

    assert new_training(SETTINGS.model_copy(update={"learning": learning}), (), 3_600_000).champion == "logistic"


def test_the_age_of_a_line_is_no_drift_and_kinds_of_customers_are_known_by_their_flags() -> None:
    features = engine_parts(SETTINGS).features
    rules = training_rules(SETTINGS, features, HOUR_MS)
    assert "tenure" not in rules.groups
    assert "usage_drop" in rules.groups
    assert [(kind, features[column].name) for kind, column in rules.kinds] == list(KIND_FLAGS)
