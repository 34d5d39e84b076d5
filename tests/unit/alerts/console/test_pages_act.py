"""Accept, record, note: what happens, what is refused, and that nothing typed is lost."""

import pytest

from alerts.tasks import NOTE_LENGTH_MAX, Refusal, RefusalReason, Task, TaskState
from tests.fakes.console_samples import task
from tests.unit.alerts.console.conftest import Visitor


def test_accepting_leads_to_the_customer_and_says_so(visitor: Visitor) -> None:
    answer = visitor.post("/tasks/t-3/accept", version="1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/customers/ACC-10012?did=accepted"
    assert visitor.board.tasks["t-3"].accepted_by == "m-17"
    assert "It is yours now." in visitor.get(answer.headers["location"] + "&lang=en").text


def test_an_outcome_closes_the_task_and_keeps_the_note(visitor: Visitor) -> None:
    note = "Moves to the family plan.\r\nCall in May."
    answer = visitor.post("/tasks/t-3/outcome", version="1", disposition="reached_saved", note=note)
    assert answer.headers["location"].endswith("?did=reached_saved")
    done = visitor.board.tasks["t-3"]
    assert done.state is TaskState.DONE
    assert done.notes[-1].text == "Moves to the family plan.\nCall in May."


def test_a_note_alone_ends_nothing(visitor: Visitor) -> None:
    assert visitor.post("/tasks/t-3/note", version="1", note="On holiday until Monday.").status_code == 303
    assert visitor.board.tasks["t-3"].open
    assert visitor.post("/tasks/t-3/note", version="2", note="  ").status_code == 422


@pytest.mark.parametrize("disposition", ["", "nonsense", "dropped"])
def test_an_outcome_needs_a_disposition_that_is_offered_and_keeps_the_note(visitor: Visitor, disposition: str) -> None:
    answer = visitor.post("/tasks/t-3/outcome?lang=en", version="1", disposition=disposition, note="She was friendly.")
    assert answer.status_code == 422
    assert "Choose how the contact ended" in answer.text
    assert "She was friendly.</textarea>" in answer.text
    assert visitor.board.tasks["t-3"].state is TaskState.NEW


def test_the_second_person_is_told_who_has_the_task_and_keeps_what_was_typed(visitor: Visitor) -> None:
    visitor.post("/tasks/t-3/accept", version="1")
    visitor.become("m-18")
    answer = visitor.post("/tasks/t-3/outcome?lang=en", version="1", disposition="busy", note="I rang too.")
    assert answer.status_code == 409
    assert "m-17 accepted this task" in answer.text
    assert "I rang too.</textarea>" in answer.text
    assert '<option value="busy" selected>' in answer.text


def test_a_stranger_is_told_whose_task_it_is(visitor: Visitor) -> None:
    visitor.become("m-99")
    answer = visitor.post("/tasks/t-3/accept?lang=en", version="1")
    assert answer.status_code == 409
    assert "belongs to m-17, and you act as m-99" in answer.text


def test_a_task_that_changed_meanwhile_asks_for_another_look(visitor: Visitor) -> None:
    answer = visitor.post("/tasks/t-3/accept?lang=en", version="7")
    assert answer.status_code == 409
    assert "changed while the page was open" in answer.text


def test_a_note_that_is_too_long_is_refused_whole(visitor: Visitor) -> None:
    answer = visitor.post("/tasks/t-3/note?lang=en", version="1", note="x" * (NOTE_LENGTH_MAX + 1))
    assert answer.status_code == 422
    assert "longer than 2,000 characters" in answer.text
    assert visitor.board.tasks["t-3"].notes == []


def test_the_longest_note_in_chinese_still_fits_the_form(visitor: Visitor) -> None:
    note = "客" * NOTE_LENGTH_MAX
    assert visitor.post("/tasks/t-3/note", version="1", note=note).status_code == 303
    assert visitor.board.tasks["t-3"].notes[-1].text == note


def test_a_task_that_is_closed_says_by_whom(visitor: Visitor) -> None:
    answer = visitor.post("/tasks/t-7/outcome?lang=en", version="1", disposition="busy")
    assert answer.status_code == 409
    assert "Somebody closed this task already (m-17)" in answer.text


@pytest.mark.parametrize("reason", list(RefusalReason))
@pytest.mark.parametrize("with_task", [True, False])
def test_every_refusal_becomes_a_page(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, reason: RefusalReason, with_task: bool
) -> None:
    def refuse(*_: object) -> Task | Refusal:
        return Refusal(reason, visitor.board.tasks["t-3"] if with_task else None)

    monkeypatch.setattr(visitor.board, "accept", refuse)
    answer = visitor.post("/tasks/t-3/accept", version="1")
    assert answer.status_code in {409, 422}
    assert 'role="alert"' in answer.text


def test_an_unknown_task_is_not_found(visitor: Visitor) -> None:
    assert visitor.post("/tasks/none/accept", version="1").status_code == 404


def test_a_store_that_goes_away_during_an_action_gives_back_what_was_typed(visitor: Visitor) -> None:
    token = visitor.token()
    visitor.board.away = True
    fields = {"token": token, "version": "1", "disposition": "busy", "note": "Rang <twice>."}
    answer = visitor.client.post("/tasks/t-3/outcome?lang=en", data=fields)
    assert answer.status_code == 503
    assert 'action="/tasks/t-3/outcome"' in answer.text
    assert "Rang &lt;twice&gt;.</textarea>" in answer.text
    assert 'name="disposition" value="busy"' in answer.text
    assert "http-equiv" not in answer.text


def test_who_acts_is_kept_and_wrong_names_are_refused(visitor: Visitor) -> None:
    visitor.become("s-1", "supervisor")
    assert "s-1 · Supervisor" in visitor.get("/inbox/m-17?lang=en").text
    assert visitor.post("/actor", name="<b>", role="manager", then="/").status_code == 422
    assert visitor.post("/actor", name="x", role="dialer", then="/").status_code == 422


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:1", "/\n"]
)
def test_the_actor_form_never_leads_to_another_site(visitor: Visitor, elsewhere: str) -> None:
    answer = visitor.post("/actor", name="m-17", role="manager", then=elsewhere)
    assert answer.headers["location"] == "/"


def test_the_outbound_team_acts_as_callers(visitor: Visitor) -> None:
    assert visitor.post("/tasks/t-9/accept", version="1").status_code == 303
    assert visitor.board.tasks["t-9"].accepted_by == "caller-1"


def test_a_form_without_a_version_acts_on_the_task_as_it_is(visitor: Visitor) -> None:
    visitor.board.add(task("t-v", "ACC-V", ["silence"], version=9))
    assert visitor.post("/tasks/t-v/accept").status_code == 303
