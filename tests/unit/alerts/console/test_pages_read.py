"""What the pages show, without a browser."""

import pytest
from fastapi.testclient import TestClient

from alerts.console import ConsoleConfig, ConsoleTexts, create_console
from pipeline.events import Level
from tests.fakes.console_samples import DAY_MS, NOW_MS, customer, task
from tests.fakes.task_board import FakeTaskBoard
from tests.unit.alerts.console.conftest import URL, Visitor


def test_the_start_page_lists_everybody_with_tasks(visitor: Visitor) -> None:
    page = visitor.get("/?lang=en").text
    assert "m-17" in page
    assert "Outbound-call team" in page
    assert "zh-CN" in visitor.get("/?lang=zh").text


def test_an_inbox_shows_the_most_urgent_first_and_pages_on(visitor: Visitor) -> None:
    first = visitor.get("/inbox/m-17?lang=en").text
    assert first.index("ACC-20481") < first.index("ACC-17730") < first.index("ACC-10012")
    assert "1-4 of 6" in first
    second = visitor.get("/inbox/m-17?page=2").text
    assert "5-6 of 6" in second
    assert visitor.get("/inbox/m-17?page=3").status_code == 404


def test_a_shelf_shows_only_its_state(visitor: Visitor) -> None:
    page = visitor.get("/inbox/m-17?shelf=accepted&lang=en").text
    assert "ACC-28117" in page
    assert "ACC-20481" not in page
    assert "Done: Saved" in visitor.get("/inbox/m-17?shelf=closed").text


@pytest.mark.parametrize("path", ["/inbox/m-17?shelf=nothing", "/inbox/m-17?page=0", "/inbox/m-17?page=x"])
def test_a_wrong_value_in_the_address_is_a_page_that_says_so(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path + "&lang=en")
    assert answer.status_code == 422
    assert "a value that does not belong there" in answer.text


@pytest.mark.parametrize("path", ["/customers/nobody", "/nowhere", "/static/../config.py", "/static/nothing.js"])
def test_what_does_not_exist_is_not_found(visitor: Visitor, path: str) -> None:
    assert visitor.get(path).status_code == 404


def test_the_customer_page_tells_signals_tasks_and_lines(visitor: Visitor) -> None:
    page = visitor.get("/customers/ACC-10012?lang=en").text
    assert "Silent for 9.4 days" in page
    assert "Fault mended, credit note sent." in page
    assert page.count('<tr class="chosen">') == 1
    assert "Key account" in page
    other = visitor.get("/customers/ACC-10012?line=ACC-10012-L2").text
    assert "Usage of line ACC-10012-L2" in other


def test_a_customer_without_tasks_and_one_without_a_record_both_have_pages(visitor: Visitor) -> None:
    visitor.board.customers_known["quiet"] = customer("quiet", 1)
    assert "No task for this customer." in visitor.get("/customers/quiet?lang=en").text
    assert "No reference data of this customer" in visitor.get("/customers/ACC-40077?lang=en").text


def test_an_id_with_a_slash_is_an_id(visitor: Visitor) -> None:
    visitor.board.add(task("t/1", "A 1/2", ["silence"], level=Level.CRITICAL, score=0.99))
    assert 'href="/customers/A%201%2F2"' in visitor.get("/inbox/m-17").text
    assert visitor.get("/customers/A%201%2F2").status_code == 200
    assert visitor.post("/tasks/t%2F1/accept", version="1").status_code == 303


def test_clocks_in_the_evidence_run_on(visitor: Visitor) -> None:
    old = task("t-old", "ACC-OLD", ["termination"])
    signals = [type(s)(s.name, s.origin, s.strength, NOW_MS - 4 * DAY_MS, {"days_since": 0.0}) for s in old.signals]
    visitor.board.add(task("t-old", "ACC-OLD", ["termination"], signals=signals))
    assert "Asked for termination 4 days ago." in visitor.get("/customers/ACC-OLD?lang=en").text


def test_newer_numbers_of_a_line_replace_those_of_the_warning(visitor: Visitor) -> None:
    view = visitor.board.views["ACC-10012-L1"]
    report = visitor.board.tasks["t-3"].signals[0]
    newer = type(report)(
        report.name, report.origin, 0.97, report.since_ms, {"days_silent": 15.0, "usual_gap_days": 3.0}
    )
    fields = {name: getattr(view, name) for name in view.__struct_fields__}
    visitor.board.views["ACC-10012-L1"] = type(view)(**(fields | {"active_signals": [newer]}))
    assert (
        "Silent for 15 days; this line is usually used every 3 days."
        in visitor.get("/customers/ACC-10012?lang=en").text
    )


def test_a_task_without_signals_is_told_by_its_reason(visitor: Visitor) -> None:
    visitor.board.add(task("t-bare", "ACC-BARE", [], reasons=["port_out_order"], score=0.99))
    assert "A port-out order was placed." in visitor.get("/inbox/m-17?lang=en").text


def test_the_store_being_away_is_a_page_that_tries_again(visitor: Visitor) -> None:
    visitor.board.away = True
    answer = visitor.get("/inbox/m-17?lang=en")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert '<meta http-equiv="refresh" content="5">' in answer.text
    assert "Traceback" not in answer.text
    visitor.board.away = False
    assert visitor.get("/inbox/m-17").status_code == 200


def test_the_health_check_follows_the_store(visitor: Visitor) -> None:
    assert visitor.get("/healthz").json() == {"status": "ok"}
    visitor.board.away = True
    assert visitor.get("/healthz").status_code == 503


def test_the_first_page_weighs_less_than_200_kb(board: FakeTaskBoard, texts: ConsoleTexts) -> None:
    for number in range(200):
        board.add(task(f"n-{number}", f"ACC-{number}", ["silence", "spend_drop"]))
    with TestClient(create_console(board, texts, ConsoleConfig()), base_url=URL) as client:
        parts = ["/inbox/m-17", "/static/console.css", "/static/live.js", "/static/icon.svg"]
        assert sum(len(client.get(part).content) for part in parts) < 200_000
