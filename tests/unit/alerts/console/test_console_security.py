"""What guards the console, checked over its route table so that a new route cannot escape."""

import re

import pytest
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.console.app import ROUTERS
from alerts.console.guard import HEADERS, SAFE_METHODS
from tests.fakes.console_samples import customer, task
from tests.unit.alerts.console.conftest import URL, Visitor

SCRIPT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{1234*1001}}"
PATHS = {
    "task_id": "t-3", "owner": "m-17", "account_id": "ACC-10012", "link": "nothing", "login": "ada",
    "name": "satisfaction", "table": "by_group", "kind": "usage",
}  # fmt: skip
#: Pages that exist only where people sign in; this visitor meets a console without login.
SIGN_IN_PAGES = re.compile(r"/(sign-in|sign-out|welcome|me|people)\b")


def routes(visitor: Visitor) -> list[tuple[str, str]]:
    """(method, path) of every route, with the samples' ids filled in."""
    assert len(visitor.app.routes) == len(ROUTERS) + 1, (
        "a route beside ROUTERS and the static files escapes these tests"
    )
    found = [
        (method, re.sub(r"\{(\w+)(?::path)?\}", lambda name: PATHS[name[1]], route.path))
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    ]
    assert len(found) >= 9
    return found


def unsafe(visitor: Visitor) -> list[str]:
    return [path for method, path in routes(visitor) if method not in SAFE_METHODS]


def state(visitor: Visitor) -> list[tuple[str, int]]:
    return sorted((task.task_id, task.version) for task in visitor.board.tasks.values())


def test_every_write_needs_a_token_of_this_visitor(visitor: Visitor) -> None:
    before = state(visitor)
    stranger = visitor.app.state.console.pages.seal.token("somebody-elses-visit-cookie")
    for path in unsafe(visitor):
        for fields in ({}, {"token": ""}, {"token": "0" * 64}, {"token": stranger}, {"token": "\u5ba2"}):
            visitor.client.get("/")
            answer = visitor.client.post(path, data={**fields, "version": "1", "note": "x", "disposition": "busy"})
            assert answer.status_code == 403, (path, fields)
    assert state(visitor) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_no_write_is_taken_from_another_site_even_with_a_token(visitor: Visitor, headers: dict[str, str]) -> None:
    token, before = visitor.token(), state(visitor)
    for path in unsafe(visitor):
        fields = {"token": token, "version": "1", "note": "x", "disposition": "busy", "name": "a", "role": "manager"}
        assert visitor.client.post(path, data=fields, headers=headers).status_code == 403, path
    assert state(visitor) == before


def test_reading_changes_nothing(visitor: Visitor) -> None:
    before = state(visitor)
    for method, path in routes(visitor):
        if method == "GET" and not path.startswith("/live/"):
            expected = 404 if SIGN_IN_PAGES.match(path) else 303 if path.startswith("/t/") else 200
            assert visitor.get(path).status_code == expected, path
    for path in unsafe(visitor):
        if path != "/actor" and not SIGN_IN_PAGES.match(path):
            assert visitor.get(path).status_code in {404, 405}, path
    assert state(visitor) == before


def test_every_answer_carries_the_security_headers(visitor: Visitor) -> None:
    answers = [visitor.get(path) for method, path in routes(visitor) if method == "GET" and "/live/" not in path]
    answers += [visitor.get("/nowhere"), visitor.get("/static/live.js"), visitor.client.post("/tasks/t-3/accept")]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, answer.url
        assert answer.headers["cache-control"]
    assert "unsafe" not in HEADERS["content-security-policy"]


def test_pages_are_kept_by_no_cache_and_files_for_ever(visitor: Visitor) -> None:
    assert visitor.get("/inbox/m-17").headers["cache-control"] == "no-store"
    assert "immutable" in visitor.get("/static/console.css").headers["cache-control"]


def test_pages_hold_no_inline_script_or_style(visitor: Visitor) -> None:
    for path in ("/", "/inbox/m-17", "/customers/ACC-10012", "/actor", "/nowhere"):
        page = visitor.get(path).text
        assert re.search(r"<script(?![^>]*\ssrc=)", page) is None
        assert re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", page) is None


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(visitor: Visitor) -> None:
    answer = visitor.get("/?lang=zh&theme=dark")
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 3
    assert all("HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie for cookie in cookies)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "10.0.0.1:8350"])
def test_another_host_name_is_refused(visitor: Visitor, host: str) -> None:
    assert visitor.client.get("/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "[::1]:8350"])
def test_the_names_of_this_machine_are_answered(visitor: Visitor, host: str) -> None:
    assert visitor.client.get("/", headers={"host": host}).status_code == 200


def test_a_large_body_is_refused_declared_or_not(visitor: Visitor) -> None:
    big = b"note=" + b"x" * 70_000
    form = {"content-type": "application/x-www-form-urlencoded", "origin": URL}
    assert visitor.client.post("/tasks/t-3/note", content=big, headers=form).status_code == 413
    assert visitor.client.post("/tasks/t-3/note", content=iter([big]), headers=form).status_code == 413
    assert (
        visitor.client.post("/tasks/t-3/note", content=b"", headers={**form, "content-length": "x"}).status_code == 413
    )


def test_a_body_that_is_no_form_is_refused_without_a_traceback(visitor: Visitor) -> None:
    for kind, body in (
        ("application/json", b"{}"),
        ("multipart/form-data", b"x"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n1\r\n--b--',
        ),
        ("application/x-www-form-urlencoded", b"a=1&" * 2000),
    ):
        answer = visitor.client.post("/tasks/t-3/note", content=body, headers={"content-type": kind})
        assert answer.status_code in {400, 403, 422}, kind


def test_whatever_a_record_holds_is_shown_as_text(visitor: Visitor) -> None:
    evil = task("t-x", "A1", ["silence"], accepted_by=SCRIPT, team=SCRIPT, reason_group=SCRIPT, owner="m-17")
    visitor.board.add(evil)
    visitor.board.customers_known["A1"] = customer("A1", 2, region=SCRIPT, brand=SCRIPT, manager_id=SCRIPT)
    for path in ("/inbox/m-17?shelf=open&page=1", "/customers/A1", f"/customers/{SCRIPT}", f"/inbox/{SCRIPT}"):
        page = visitor.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "1235234" not in page


@given(text=st.text(max_size=60))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_in_an_address_or_form_breaks_the_console(visitor: Visitor, text: str) -> None:
    query = {"shelf": text, "page": text, "lang": text, "theme": text, "line": text, "did": text, "then": text}
    for path in ("/", "/inbox/m-17", "/customers/ACC-10012", "/actor"):
        assert visitor.client.get(path, params=query).status_code in {200, 404, 422}
    answer = visitor.post("/actor", name=text, role="manager", then=text)
    assert answer.status_code in {303, 422}
    assert answer.headers.get("location", "/").startswith("/")
