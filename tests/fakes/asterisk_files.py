"""Rows as Asterisk writes them (cdr_csv): text quoted, quotes doubled, whole numbers bare, a line feed after each."""

from collections.abc import Iterable

COLUMNS = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer",
    "end", "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield", "linkedid", "peeraccount",
    "sequence",
)  # fmt: skip
BARE = {"duration", "billsec", "sequence"}
CALL: dict[str, object] = {
    "accountcode": "", "src": "2001", "dst": "2002", "dcontext": "from-internal", "clid": '"Müller, Hans" <2001>',
    "channel": "SIP/2001-0000001a", "dstchannel": "SIP/2002-0000001b", "lastapp": "Dial", "lastdata": "SIP/2002,20,tT",
    "start": "2026-03-02 10:00:00", "answer": "2026-03-02 10:00:05", "end": "2026-03-02 10:01:05", "duration": 65,
    "billsec": 60, "disposition": "ANSWERED", "amaflags": "DOCUMENTATION", "uniqueid": "1772445600.17", "userfield": "",
    "linkedid": "1772445600.17", "peeraccount": "", "sequence": 17,
}  # fmt: skip


def asterisk_row(columns: int = 18, **fields: object) -> bytes:
    """One row with so many columns (16: no uniqueid; 18: as usual; 21: newer)."""
    values = {**CALL, **fields}
    return ",".join(_quoted(name, values[name]) for name in COLUMNS[:columns]).encode()


def asterisk_file(rows: Iterable[bytes]) -> bytes:
    return b"".join(row + b"\n" for row in rows)


def _quoted(name: str, value: object) -> str:
    return str(value) if name in BARE else '"' + str(value).replace('"', '""') + '"'
