"""Orders to the trainer: which model is put back, and who can be promoted."""

import msgspec
import pytest
from typer.testing import CliRunner

from churnwatch.cli import app
from churnwatch.errors import UserError
from churnwatch.model_log import find_model, versions
from churnwatch.model_orders import model_again
from models.exchange import write_model
from pipeline.events import ModelMessage


def model(labels: int, schema: str = "s") -> ModelMessage:
    return write_model(
        "blend",
        {"labels": labels},
        created_ms=1,
        counts_from_ms=labels,
        labels_learned=labels,
        feature_schema=schema,
        metrics={},
    )


OLD, FOREIGN, NEWER, NEWEST = model(15), model(32, schema="old"), model(1536), model(1600)
DAMAGED = msgspec.structs.replace(model(64), body={})
MODELS = [OLD, FOREIGN, DAMAGED, NEWER, NEWEST]


def test_a_whole_number_of_labels_is_meant_before_the_beginning_of_a_longer_one() -> None:
    assert find_model(MODELS, "blend-15") == OLD
    assert find_model(MODELS, "blend-153") == NEWER
    assert find_model(MODELS, OLD.version) == OLD
    assert find_model(MODELS, "") == NEWEST


def test_a_version_that_was_put_back_stands_where_it_was_published_last() -> None:
    assert versions([OLD, NEWER, NEWEST, OLD]) == [NEWER.version, NEWEST.version, OLD.version]


def test_an_earlier_model_is_put_in_the_place_of_the_newest() -> None:
    again = model_again(MODELS, "blend-1536")

    assert (again.version, again.counts_from_ms, again.body) == (NEWER.version, NEWEST.counts_from_ms, NEWER.body)


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("blend-64", "damaged"),
        ("blend-32", "made for features old"),
        ("blend-1600", "scores now"),
        ("oracle", "no model"),
    ],
)
def test_what_workers_would_refuse_is_not_put_back(version: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        model_again(MODELS, version)


@pytest.mark.parametrize("name", ["forest", "oracle"])
def test_only_who_learns_here_can_be_promoted(name: str) -> None:
    answer = CliRunner().invoke(app, ["model", "promote", name])

    assert answer.exit_code == 2
    assert "learning.contestants" in answer.output
