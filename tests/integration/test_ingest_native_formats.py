"""One file of each native format through the broker: the right topics, keys and dead letters, each record once."""

import json
from pathlib import Path

from churnwatch.ingest.formats import FormatOptions, Formats
from churnwatch.ingest.plan import FileFormat, PlannedFile, plan_files
from churnwatch.ingest.run import Ingest
from churnwatch.settings import Settings, read_settings
from pipeline.events import Stream
from pipeline.partitioning import partition_of
from pipeline.sources.field_map import check_field_map
from tests.fakes.gpp_records import ALL as GPP
from tests.fakes.native_lines import OWN, RIVAL, as_line
from tests.fakes.native_rows import MAPPED, MAPPED_ROW, RATED_ROW, SWITCH_ROW
from tests.fakes.tmf_payloads import ALL as TMF
from tests.fakes.topic_reader import read_topic

FILES: dict[FileFormat, tuple[bytes, ...]] = {
    FileFormat.FREESWITCH: (SWITCH_ROW, b'"broken"'),
    FileFormat.CGRATES: (RATED_ROW,),
    FileFormat.GPP: tuple(map(as_line, GPP)),
    FileFormat.TMFORUM: tuple(map(as_line, TMF)),
    FileFormat.MAP: (MAPPED_ROW,),
}


def written(folder: Path, file_format: FileFormat, lines: tuple[bytes, ...]) -> list[PlannedFile]:
    path = folder / f"{file_format}.file"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    stream = Stream.CDR if file_format is FileFormat.MAP else None
    return plan_files([path], stream, file_format)


def test_every_native_format_reaches_its_topics_once(
    test_environment: dict[str, str], test_settings: Settings, tmp_path: Path
) -> None:
    environment = {
        **test_environment,
        "CHURNWATCH_INGEST__STATE_DIR": str(tmp_path / "state"),
        "CHURNWATCH_PRIVACY__KEY_FILE": str(tmp_path / "key"),
        "CHURNWATCH_NUMBERS__COUNTRY_CODE": "86",
    }
    settings = read_settings(environ=environment)
    plan = [file for file_format, lines in FILES.items() for file in written(tmp_path, file_format, lines)]
    formats = Formats(settings, FormatOptions(field_map=check_field_map("my.toml", MAPPED)))
    first, second = (Ingest(settings, plan, formats.reader).run() for _ in range(2))
    sent = {"cdr": 12, "orders": 2, "billing": 2, "care": 1}
    assert (first.by_stream, first.dead_letters) == (sent, 1)
    assert (second.records, second.already_sent) == (0, sum(map(len, FILES.values())))
    seen = {topic: read_topic(test_settings, topic) for topic in (*sent, "dead-letters")}
    assert {topic: len(records) for topic, records in seen.items()} == {**sent, "dead-letters": 1}
    everything = b"".join(record.value for records in seen.values() for record in records)
    assert not any(number.encode() in everything for number in (OWN, RIVAL))
    for record in (*seen["cdr"], *seen["orders"]):
        assert record.key == json.loads(record.value)["account_id"]
        assert record.partition == partition_of(record.key or "", settings.kafka.partitions)
    assert formats.unknown_trunks() == ["17", "TG-RB"]
