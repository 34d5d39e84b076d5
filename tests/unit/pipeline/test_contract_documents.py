import json
from pathlib import Path
from typing import Any

import pytest

from churnwatch.settings import Settings
from churnwatch.topics import planned_topics
from pipeline.contract_documents import CHANNELS, FOLDER, contract_documents, main, stale_documents

DOCUMENTS = contract_documents()
ASYNCAPI = json.loads(DOCUMENTS["asyncapi.json"])


def test_the_documents_in_the_repository_are_current() -> None:
    assert stale_documents(FOLDER, DOCUMENTS) == []


def test_a_changed_missing_or_surplus_document_fails_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--write"], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    (tmp_path / "asyncapi.json").write_text("{}")
    (tmp_path / "truth.schema.json").unlink()
    (tmp_path / "old.schema.json").write_text("{}")
    assert main(["--check"], tmp_path) == 1
    assert "asyncapi.json, old.schema.json, truth.schema.json not current" in capsys.readouterr().err
    assert main(["--write"], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def resolve(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_reference_leads_somewhere(name: str) -> None:
    document = json.loads(DOCUMENTS[name])
    found = references(document)
    assert all(resolve(document, reference) for reference in found)
    assert found or name.endswith(".schema.json")


def test_every_input_stream_and_output_topic_has_its_channel_as_it_is_created() -> None:
    plans = {plan.name.removeprefix("churn."): plan for plan in planned_topics(Settings())}
    channels = {channel.name: channel for channel in CHANNELS}
    # Changes of tasks are alerts' own; what is sealed is nobody's contract.
    assert plans.keys() - channels.keys() == {"tasks", "task-events", "vault", "accounts"}
    for name, channel in channels.items():
        assert (channel.partitions, channel.compacted) == (plans[name].partitions, plans[name].compacted), name
        assert ASYNCAPI["channels"][name]["address"] == plans[name].name


def test_what_the_structs_demand_stands_in_the_schema() -> None:
    call = json.loads(DOCUMENTS["call-detail-record.schema.json"])
    assert {"record_id", "ts_ms", "account_id", "line_id", "charge"} <= set(call["required"])
    assert "peer_id" not in call["required"]
    assert call["properties"]["duration_s"]["minimum"] == 0
    assert call["properties"]["service"]["enum"] == ["data", "sms", "voice"]
