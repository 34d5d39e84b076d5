"""Tasks that are put aside or handed over, one by one and many at once; the search; the team's board."""

import pytest

from alerts.console.moments import DAY_MS
from alerts.tasks import TaskState
from tests.fakes.console_samples import NOW_MS, task
from tests.unit.alerts.console.conftest import Visitor


def test_a_task_is_put_aside_for_some_days(visitor: Visitor) -> None:
    visitor.become("m-17")
    done = visitor.post("/tasks/t-4/snooze", days="3", version="1")
    assert done.status_code == 303
    assert "Put aside" in visitor.get(done.headers["location"]).text
    moved = visitor.board.tasks["t-4"]
    assert (moved.state, moved.not_before_ms) == (TaskState.SNOOZED, NOW_MS + 3 * DAY_MS)


@pytest.mark.parametrize("days", ["", "0", "-1", "365", "x"])
def test_only_the_offered_days_are_taken(visitor: Visitor, days: str) -> None:
    visitor.become("m-17")
    assert visitor.post("/tasks/t-4/snooze", days=days, version="1").status_code == 422
    assert visitor.board.tasks["t-4"].version == 1


def test_a_task_is_handed_over_to_somebody_with_an_inbox(visitor: Visitor) -> None:
    visitor.become("m-17")
    assert visitor.post("/tasks/t-4/hand-over", owner="m-nobody-knows", version="1").status_code == 422
    assert visitor.post("/tasks/t-4/hand-over", owner="outbound", version="1").status_code == 303
    assert visitor.board.tasks["t-4"].owner == "outbound"


def test_a_second_person_is_told_that_the_task_changed(visitor: Visitor) -> None:
    visitor.become("m-17")
    assert visitor.post("/tasks/t-4/snooze", days="1", version="1").status_code == 303
    late = visitor.post("/tasks/t-4/hand-over", owner="outbound", version="1")
    assert late.status_code == 409
    assert "changed while the page was open" in late.text


def test_a_supervisor_hands_over_many_and_hears_how_many_were_refused(visitor: Visitor) -> None:
    visitor.become("eva", "supervisor")
    tasks = visitor.board.open_tasks("m-17")[:3]
    picked = {f"task.{task.task_id}": "yes" for task in tasks}
    versions = {f"version.{task.task_id}": str(task.version) for task in tasks}
    versions[f"version.{tasks[0].task_id}"] = "99"
    done = visitor.post("/many/m-17", act="hand_over", owner="outbound", **picked, **versions)
    assert done.headers["location"] == "/inbox/m-17?told=2.1"
    assert "2 tasks changed. 1 were refused" in visitor.get(done.headers["location"]).text
    assert [visitor.board.tasks[task.task_id].owner for task in tasks] == ["m-17", "outbound", "outbound"]


def test_many_without_any_or_without_an_act_change_nothing(visitor: Visitor) -> None:
    visitor.become("eva", "supervisor")
    before = {task_id: task.version for task_id, task in visitor.board.tasks.items()}
    assert visitor.post("/many/m-17", act="snooze", days="1").headers["location"] == "/inbox/m-17?told=none"
    assert visitor.post("/many/m-17", act="delete", **{"task.t-4": "yes"}).status_code == 422
    assert {task_id: task.version for task_id, task in visitor.board.tasks.items()} == before


def test_an_inbox_is_searched_by_customer_and_line(visitor: Visitor) -> None:
    everything = visitor.get("/inbox/m-17").text
    assert everything.count("data-task=") > 1
    account = visitor.board.open_tasks("m-17")[0].account_id
    found = visitor.get(f"/inbox/m-17?q={account.lower()}").text
    assert 0 < found.count("data-task=") < everything.count("data-task=")
    assert account in found
    none = visitor.get("/inbox/m-17?q=nobody").text
    assert "data-task=" not in none
    assert "nobody" in none


def test_the_board_tells_load_and_what_is_late_by_person(visitor: Visitor) -> None:
    page = visitor.get("/team").text
    for owner in {one.owner for one in visitor.board.tasks.values() if one.open} - {"outbound", "unassigned"}:
        assert f">{owner}</a>" in page


def test_a_task_is_escalated_with_its_reason_and_stands_on_the_supervisors_board(visitor: Visitor) -> None:
    visitor.become("m-17")
    assert "Escalate now" in visitor.get("/customers/ACC-33904").text
    done = visitor.post("/tasks/t-4/escalate", why="Asks for <b>the director</b>", version="1")
    assert done.status_code == 303
    page = visitor.get(done.headers["location"]).text
    assert "it stands on the supervisor's board" in page.replace("&#39;", "'")
    assert "Escalated: north" in page
    moved = visitor.board.tasks["t-4"]
    assert (moved.owner, moved.passed_by, moved.escalation) == ("north", ["m-17"], 2)
    board = visitor.get("/team").text
    assert "<b>m-17</b>: Asks for &lt;b&gt;the director&lt;/b&gt;" in board


def test_escalating_twice_is_done_once(visitor: Visitor) -> None:
    visitor.become("m-17")
    answers = [visitor.post("/tasks/t-4/escalate", why="now", version="1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [303] * 3
    assert visitor.board.tasks["t-4"].version == 2


def test_somebody_else_is_told_that_a_supervisor_has_it_already(visitor: Visitor) -> None:
    visitor.become("m-17")
    visitor.post("/tasks/t-4/escalate", why="now", version="1")
    visitor.become("m-18")
    late = visitor.post("/tasks/t-4/escalate", why="typed by the deputy")
    assert late.status_code == 409
    assert "A supervisor has this task already" in late.text


def test_an_escalation_without_a_reason_is_asked_for_one_and_a_long_one_is_shown_again(visitor: Visitor) -> None:
    visitor.become("m-17")
    assert visitor.post("/tasks/t-4/escalate", why=" \r\n ", version="1").status_code == 422
    long = visitor.post("/tasks/t-4/escalate", why="x" * 2001, version="1")
    assert long.status_code == 422
    assert "x" * 2001 in long.text
    assert visitor.board.tasks["t-4"].version == 1


def test_a_task_given_away_on_the_board_leads_back_to_the_board_and_nowhere_else(visitor: Visitor) -> None:
    visitor.become("eva", "supervisor")
    page = visitor.get("/team").text
    assert '<option value="outbound">' in page
    assert 'data-owner="m-09"' in page
    given = visitor.post("/tasks/t-2/hand-over", owner="m-09", version="1", then="/team")
    assert given.headers["location"] == "/team?did=handed_over"
    assert "Handed over." in visitor.get("/team?did=handed_over").text
    away = visitor.post("/tasks/t-1/hand-over", owner="m-09", version="1", then="https://evil.example/")
    assert away.headers["location"] == "/customers/ACC-20481?did=handed_over"
    unknown = visitor.post("/tasks/t-4/hand-over", owner="nobody", version="1", then="/team")
    assert unknown.status_code == 422


def test_the_board_tells_how_many_return_visits_each_made_in_time(visitor: Visitor) -> None:
    page = visitor.get("/team").text
    assert "50%" in page
    assert "92%" in page


def test_an_inbox_is_narrowed_by_level_and_reason_and_keeps_it_from_page_to_page(visitor: Visitor) -> None:
    page = visitor.get("/inbox/m-17?level=critical").text
    assert page.count("data-task=") == 2
    assert '<option value="critical" selected>' in page
    assert visitor.get("/inbox/m-17?level=critical&group=port_out").text.count("data-task=") == 1
    assert visitor.get("/inbox/m-17?group=service&shelf=closed").text.count("data-task=") == 1
    assert "No task here fits" in visitor.get("/inbox/m-17?level=watch&group=price").text
    assert visitor.get("/inbox/m-17?level=huge").status_code == 422
    for number in range(6):
        visitor.board.add(task(f"t-more-{number}", f"ACC-{number}", ["spend_drop"]))
    assert "page=2&amp;group=price" in visitor.get("/inbox/m-17?group=price").text
