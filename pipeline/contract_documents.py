"""docs/contract/ from the structs of `pipeline/events.py`: JSON Schemas and one AsyncAPI document.

`python -m pipeline.contract_documents --write` renews them, `--check` compares.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from pipeline.events import (
    DEFAULT_PARTITIONS,
    RECORD_TYPES,
    SCHEMA_VERSION,
    ChurnWarning,
    DeadLetter,
    Example,
    ModelMessage,
    Stream,
    Truth,
)
from pipeline.line_views import LineView
from pipeline.live_rules import RulesMessage

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "contract"
RENEW = "python -m pipeline.contract_documents --write"
PREFIX = "churn"
SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCES = "#/components/schemas/{name}"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Channel:
    """One topic as others see it. `action` is what Churnwatch does with it."""

    name: str
    record: type[Any]
    action: Literal["receive", "send"]
    key: str
    partitions: int = 1
    compacted: bool = False


CHANNELS: tuple[Channel, ...] = (
    *(
        Channel(stream, RECORD_TYPES[stream], "receive", "account_id", DEFAULT_PARTITIONS, stream is Stream.CUSTOMERS)
        for stream in Stream
    ),
    Channel("warnings", ChurnWarning, "send", "account_id"),
    Channel("examples", Example, "send", "line_id"),
    Channel("models", ModelMessage, "send", "kind", compacted=True),
    Channel("rules", RulesMessage, "send", "version and author; every edition is kept", compacted=True),
    Channel("line-views", LineView, "send", "line_id", compacted=True),
    Channel("dead-letters", DeadLetter, "send", "what was refused: the record's key, or its file"),
)


def contract_documents() -> dict[str, str]:
    """File name -> content of all documents."""
    documents: dict[str, Json] = {f"{_kebab(record.__name__)}.schema.json": _schema(record) for record in _records()}
    documents["asyncapi.json"] = asyncapi_document()
    return {name: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for name, document in documents.items()}


def asyncapi_document() -> Json:
    """All channels, messages and schemas (AsyncAPI 3.0.0)."""
    _, schemas = msgspec.json.schema_components([channel.record for channel in CHANNELS], ref_template=REFERENCES)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Churnwatch",
            "version": f"{SCHEMA_VERSION}.0.0",
            "description": (
                "Records in, warnings out. JSON, UTF-8, one record a message; the key places it by Kafka's murmur2 "
                "(librdkafka clients: partitioner=murmur2_random). Unknown fields are ignored; a record that does not "
                f"follow its schema goes to {PREFIX}.dead-letters. Written from pipeline/events.py by `{RENEW}`."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": {f"{channel.action}-{channel.name}": _operation(channel) for channel in CHANNELS},
        "components": {
            "messages": {channel.record.__name__: _message(channel) for channel in CHANNELS},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def stale_documents(folder: Path, documents: Mapping[str, str]) -> list[str]:
    """Names of files that are missing, differ, or should not be there."""
    stale = [name for name, text in documents.items() if not _holds(folder / name, text)]
    surplus = [path.name for path in folder.glob("*.json") if path.name not in documents]
    return sorted(stale + surplus)


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Check or write the documents; 1 when the check finds one out of date."""
    parser = argparse.ArgumentParser(description="The contract as documents.")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--check", action="store_true", help="exit 1 when a document is not current")
    choice.add_argument("--write", action="store_true", help="renew the documents")
    documents = contract_documents()
    if parser.parse_args(arguments).write:
        _write(folder, documents)
        return 0
    stale = stale_documents(folder, documents)
    if stale:
        sys.stderr.write(f"docs/contract: {', '.join(stale)} not current; run `{RENEW}`\n")
    return int(bool(stale))


def _records() -> list[type[Any]]:
    return [*dict.fromkeys(channel.record for channel in CHANNELS), Truth]


def _schema(record: type[Any]) -> Json:
    (reference,), components = msgspec.json.schema_components([record], ref_template="#/$defs/{name}")
    name = reference["$ref"].rpartition("/")[2]
    own = components.pop(name)
    document = {"$schema": SCHEMA_DIALECT, "$id": f"{_kebab(name)}.schema.json", **own}
    return {**document, "$defs": dict(sorted(components.items()))} if components else document


def _channel(channel: Channel) -> Json:
    name = channel.record.__name__
    policy = ["compact"] if channel.compacted else ["delete"]
    return {
        "address": f"{PREFIX}.{channel.name}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {
            "kafka": {"partitions": channel.partitions, "topicConfiguration": {"cleanup.policy": policy}},
        },
    }


def _operation(channel: Channel) -> Json:
    return {"action": channel.action, "channel": {"$ref": f"#/channels/{channel.name}"}}


def _message(channel: Channel) -> Json:
    name = channel.record.__name__
    return {
        "name": name,
        "summary": (channel.record.__doc__ or "").strip().splitlines()[0],
        "payload": {"$ref": REFERENCES.format(name=name)},
        "bindings": {"kafka": {"key": {"type": "string", "description": channel.key}}},
    }


def _write(folder: Path, documents: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale_documents(folder, documents):
        if name in documents:
            (folder / name).write_text(documents[name], encoding="utf-8")
        else:
            (folder / name).unlink()


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def _kebab(name: str) -> str:
    """A class name as a file name.

    >>> _kebab("CallDetailRecord")
    'call-detail-record'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main())
