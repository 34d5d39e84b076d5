"""Adapters against a telephone system on loopback: what is sent, what is sent again, and what is never sent twice."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import httpx2
import pytest

from alerts.dialers.breaker import Breaker
from alerts.dialers.codes import read_codes
from alerts.dialers.csv_drop import CsvDrop, Told
from alerts.dialers.port import HandedOver
from alerts.dialers.signature import ID, SIGNATURE, TIME, sign
from alerts.dialers.vicidial import Vicidial, VicidialLogin
from alerts.dialers.webhook import ATTEMPTS, Webhook
from alerts.queue import Lease
from alerts.tasks import Task, TaskState
from pipeline.events import Disposition, Level
from tests.fakes.telephone_system import TelephoneSystem, telephone_system

NUMBER = "+8613800138000"
SECRET = b"shared with the receiver"
LEASE = Lease("1-1", "0123456789abcdef0123", 2)
TASK = Task(
    "0123456789abcdef0123", "a-1", "l-1", "price", Level.CRITICAL, 0.5, "prior", None, [], [], "outbound", None, None,
    TaskState.IN_CONTACT, 0, 0, 0,
)  # fmt: skip
ADDED = b"SUCCESS: add_lead LEAD HAS BEEN ADDED - 13800138000|6666|999|193715|-4\n"


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=2) as client:
        yield client


def webhook(
    system: TelephoneSystem, http: httpx2.Client, breaker: Breaker | None = None, number: str | None = NUMBER
) -> Webhook:
    codes = read_codes()["vicidial"]
    return Webhook(system.url, SECRET, lambda *_: number, codes, http, breaker or Breaker(), wait_first_s=0.001)


def vicidial(
    system: TelephoneSystem, http: httpx2.Client, breaker: Breaker | None = None, number: str = NUMBER
) -> Vicidial:
    return Vicidial(VicidialLogin(system.url, "api", "secret", 999), lambda *_: number, http, breaker or Breaker())


def test_a_webhook_is_signed_and_carries_the_idempotency_key(http: httpx2.Client) -> None:
    with telephone_system((202, b"")) as system:
        assert webhook(system, http)(TASK, LEASE) == HandedOver()
        (got,) = system.got
    assert got.headers["idempotency-key"] == LEASE.call == "0123456789abcdef0123:2"
    assert json.loads(got.body) == {
        "call": LEASE.call, "number": NUMBER, "level": "critical", "reason_group": "price",
    }  # fmt: skip
    expected = sign(SECRET, int(got.headers[TIME]), got.headers[ID], got.body)
    assert got.headers[SIGNATURE] == expected[SIGNATURE]


def test_a_failing_webhook_is_tried_again_under_the_same_key(http: httpx2.Client) -> None:
    with telephone_system((503, b""), (0, b""), (429, b""), (200, b'{"code": "B"}')) as system:
        assert webhook(system, http)(TASK, LEASE) is Disposition.BUSY
        assert {got.headers["idempotency-key"] for got in system.got} == {LEASE.call}
        assert len(system.got) == 4


def test_what_may_have_arrived_waits_for_its_end_and_what_did_not_goes_back(http: httpx2.Client) -> None:
    with telephone_system((0, b"")) as system:
        assert webhook(system, http)(TASK, LEASE) == HandedOver()
        assert len(system.got) == ATTEMPTS
    assert webhook(system, http)(TASK, LEASE) is Disposition.NOT_TRIED


def test_a_receiver_that_has_the_key_already_is_not_asked_again(http: httpx2.Client) -> None:
    with telephone_system((409, b"")) as system:
        assert webhook(system, http)(TASK, LEASE) == HandedOver()
        assert len(system.got) == 1


@pytest.mark.parametrize("content", [b"", b"thanks", b"[]", b'{"disposition": 1}', b'{"code": "WHO KNOWS"}'])
def test_an_answer_that_tells_no_end_leaves_it_for_later(http: httpx2.Client, content: bytes) -> None:
    with telephone_system((200, content)) as system:
        assert webhook(system, http)(TASK, LEASE) == HandedOver()


def test_without_a_number_nothing_is_sent(http: httpx2.Client, tmp_path: Path) -> None:
    with telephone_system((200, b"")) as system:
        assert webhook(system, http, number=None)(TASK, LEASE) is Disposition.NOT_TRIED
        assert system.got == []
    assert CsvDrop(tmp_path, lambda *_: None)(TASK, LEASE) is Disposition.NOT_TRIED


def test_vicidial_gets_a_lead_with_its_keys_and_no_number_in_the_address(http: httpx2.Client) -> None:
    with telephone_system((200, ADDED)) as system:
        assert vicidial(system, http)(TASK, LEASE) == HandedOver()
        fields = {name: values[0] for name, values in parse_qs(system.got[0].body.decode()).items()}
    assert (fields["phone_code"], fields["phone_number"]) == ("86", "13800138000")
    assert (fields["vendor_lead_code"], fields["source_id"]) == (TASK.task_id, LEASE.call)
    assert (fields["function"], fields["list_id"], fields["rank"], fields["dnc_check"]) == ("add_lead", "999", "2", "Y")
    assert len(fields["vendor_lead_code"]) <= 20


@pytest.mark.parametrize(
    ("text", "disposition"),
    [
        (b"ERROR: add_lead PHONE NUMBER IN DNC - 13800138000|6666", Disposition.OPT_OUT),
        (b"ERROR: add_lead INVALID PHONE NUMBER LENGTH - 138|6666", Disposition.BAD_NUMBER),
        (b"ERROR: Login incorrect, please try again - 1|api|", Disposition.NOT_TRIED),
        (b"<html>", Disposition.NOT_TRIED),
    ],
)
def test_a_refusal_of_vicidial_says_whether_it_is_about_the_customer(
    http: httpx2.Client, text: bytes, disposition: Disposition, capsys: pytest.CaptureFixture[str]
) -> None:
    with telephone_system((200, text)) as system:
        assert vicidial(system, http)(TASK, LEASE) is disposition
    assert "13800138000" not in capsys.readouterr().out


@pytest.mark.parametrize("answer", [(0, b""), (502, b"")])
def test_what_vicidial_may_have_got_is_never_sent_twice(http: httpx2.Client, answer: tuple[int, bytes]) -> None:
    with telephone_system(answer) as system:
        assert vicidial(system, http)(TASK, LEASE) == HandedOver()
        assert len(system.got) == 1


def test_a_system_that_fails_again_and_again_is_left_alone_for_a_while(http: httpx2.Client) -> None:
    now = [0.0]
    breaker = Breaker(3, 60, lambda: now[0])
    with telephone_system((200, b"ERROR: Login incorrect")) as system:
        for _ in range(3):
            assert breaker.closed()
            vicidial(system, http, breaker)(TASK, LEASE)
    assert not breaker.closed()
    now[0] = 60.0
    assert breaker.closed()
    with telephone_system((200, ADDED)) as system:
        vicidial(system, http, breaker)(TASK, LEASE)
    assert breaker.closed()


def test_a_csv_drop_is_whole_named_by_its_key_and_holds_no_formula(tmp_path: Path) -> None:
    drop = CsvDrop(tmp_path, lambda *_: NUMBER)
    for _ in range(2):
        assert drop(TASK, LEASE) == HandedOver()
    (path,) = (tmp_path / "out").iterdir()
    assert path.name == "0123456789abcdef0123-2.csv"
    assert path.stat().st_mode & 0o077 == 0
    head, row = path.read_text().splitlines()
    assert head == "call,phone_code,phone_number,level,reason_group"
    assert row == f"{LEASE.call},86,13800138000,critical,price"
    assert not any(cell[0] in "=+-@" for cell in row.split(","))


def test_answer_files_are_read_and_put_aside(tmp_path: Path) -> None:
    drop = CsvDrop(tmp_path, lambda *_: NUMBER)
    (tmp_path / "answers" / "1.csv").write_text("\ufeffcall,code,note\nt:1, SALE ,stays\nt:2\n", encoding="utf-8")
    ((path, told),) = list(drop.answers())
    assert told == [Told("t:1", "SALE", "stays"), Told("t:2", "")]
    drop.taken(path)
    assert list(drop.answers()) == []
    assert (tmp_path / "done" / "1.csv").exists()
