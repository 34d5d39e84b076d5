"""Playbook and offers on the customer's page, over the real store."""

import re
from collections.abc import Iterator

import pytest
import redis
from fastapi.testclient import TestClient

from alerts.console import ConsoleConfig, create_console
from alerts.playbooks.desk import OfferDesk
from alerts.store import TaskStore
from tests.fakes.alert_records import customer_record, signal, warning
from tests.fakes.read_once import console_texts

URL = "http://127.0.0.1:8350"


@pytest.fixture
def visitor(client: redis.Redis, store: TaskStore) -> Iterator[TestClient]:
    """Looks at the outbound team's customer a-1, whose bills fall."""
    store.directory.put([customer_record("a-1")], [], {})
    store.admit_warnings([warning("w-1", signal("spend_drop"), account_id="a-1", line_id="l-1", score=0.5)])
    app = create_console(store, console_texts(), ConsoleConfig())
    app.state.offers = OfferDesk(client, store)
    with TestClient(app, base_url=URL, follow_redirects=True) as browser:
        yield browser


@pytest.mark.parametrize(("language", "words"), [("en", "What not to do"), ("zh", "不要做")])
def test_the_page_shows_script_and_judged_offers_in_both_languages(
    visitor: TestClient, language: str, words: str
) -> None:
    page = visitor.get(f"/customers/a-1?lang={language}").text
    assert words in page
    assert page.count('name="offer"') == 3
    assert "120,000" in page


def test_an_offer_is_proposed_from_the_page_once(visitor: TestClient, store: TaskStore) -> None:
    page = visitor.get("/customers/a-1?lang=en").text
    forms = re.findall(r'<form method="post" action="(/tasks/[^"]+/offer)">(.*?)</form>', page, re.DOTALL)
    action, inside = next(form for form in forms if "discount_10_12m" in form[1])
    sent = dict(re.findall(r'name="(\w+)" value="(\w+)"', inside))
    done = visitor.post(action, data=sent, headers={"origin": URL}).text
    assert "The offer is before the customer." in done
    assert "Proposed" in done
    offered = store.tasks_of("a-1")[0].offered
    assert offered is not None
    assert (offered.playbook, offered.offer) == ("price", "discount_10_12m")
    again = visitor.post(action, data=sent, headers={"origin": URL})
    assert again.status_code == 409
    foreign = visitor.post(action, data={**sent, "token": "0"}, headers={"origin": URL})
    assert foreign.status_code == 403


def test_the_link_of_a_message_leads_to_the_task(visitor: TestClient, store: TaskStore) -> None:
    task = store.tasks_of("a-1")[0]
    answer = visitor.get(f"/t/{task.task_id}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/customers/a-1#task-{task.task_id}")
    assert visitor.get("/t/unknown").status_code == 404
