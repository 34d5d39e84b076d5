"""Signing in by the company's provider, over the real Redis and a provider with real keys: who comes in, and every forgery."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import redis
from httpx2 import Response
from joserfc import jwt
from joserfc.jwk import OctKey

from alerts.accounts.people import new_person
from alerts.accounts.roles import StaffRole
from alerts.accounts.sign_in import SignInRefusal
from alerts.accounts.store import TRIES_MAX
from tests.fakes.guarded_console import GOOD, NOW, Desk
from tests.fakes.oidc_provider import ISSUER, rsa_key

BACK = "/sign-in/provider/back"
MINUTE_MS = 60_000


@pytest.fixture
def desk(client: redis.Redis, topic_prefix: str) -> Iterator[Desk]:
    made = Desk(client, topic_prefix)
    made.client.cookies.set("churnwatch-lang", "en")
    with made.client:
        yield made


def address(desk: Desk, **fields: str) -> str:
    """Where the button leads."""
    page = desk.post("/sign-in/provider", **fields)
    assert page.status_code == 200
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page.text)
    assert found is not None
    return found[1].replace("&amp;", "&")


def come_in(desk: Desk, **fields: str) -> Response:
    """All the way there and back."""
    return desk.client.get(BACK, params=desk.idp.authorize(address(desk, **fields)))


def test_an_auditor_comes_in_by_the_provider_and_finds_the_page_they_wanted(desk: Desk) -> None:
    begun = come_in(desk, then="/audit")
    assert (begun.status_code, begun.headers["location"]) == (303, "/audit")
    assert desk.client.get("/audit").status_code == 200
    person = desk.people.get("ada@sso")
    assert person is not None
    assert (person.name, person.roles, person.password_hash) == ("Ada", (StaffRole.AUDITOR,), None)
    assert desk.refused == []


def test_the_question_carries_state_nonce_and_a_challenge_that_hides_the_verifier(desk: Desk) -> None:
    asked = [{key: values[0] for key, values in parse_qs(urlsplit(address(desk)).query).items()} for _ in range(2)]
    assert all(len(one[key]) >= 43 for one in asked for key in ("state", "nonce", "code_challenge"))
    assert all(asked[0][key] != asked[1][key] for key in ("state", "nonce", "code_challenge"))
    assert asked[0]["redirect_uri"] == "https://console.example/sign-in/provider/back"
    assert asked[0]["scope"] == "openid profile"
    assert "verifier" not in "".join(asked[0])


def test_a_manager_gets_the_inbox_that_the_provider_names_and_sees_no_other(desk: Desk) -> None:
    desk.idp.told |= {"groups": ["cw-managers", "everybody"], "employee": "m-17"}
    assert come_in(desk).status_code == 303
    assert desk.client.get("/inbox/m-17").status_code == 200
    assert desk.client.get("/inbox/m-18").status_code == 404


@pytest.mark.parametrize(
    ("claims", "why", "words"),
    [
        ({"groups": ["everybody"]}, "no_role", "none of your groups there has a role"),
        ({"groups": None}, "no_role", "none of your groups"),
        ({"groups": {"cw-audit": True}}, "no_role", "none of your groups"),
        ({"groups": "cw-managers"}, "no_inbox", "does not say which manager"),
        ({"groups": "cw-managers", "employee": "../m-17"}, "no_inbox", "does not say which manager"),
        ({"preferred_username": "\u5ba2"}, "no_login", "under which name"),
    ],
)
def test_somebody_without_a_place_here_is_told_so_and_written_down(
    desk: Desk, claims: dict[str, Any], why: str, words: str
) -> None:
    desk.idp.told |= claims
    answer = come_in(desk)
    assert answer.status_code == 401
    assert words in answer.text
    assert "set-cookie" not in answer.headers or "session" not in answer.headers["set-cookie"]
    assert desk.refused == [("" if why == "no_login" else "ada@sso", why)]
    assert desk.people.everybody() == []


def test_asking_again_and_again_fills_no_audit(desk: Desk) -> None:
    desk.idp.told["groups"] = []
    for _ in range(TRIES_MAX + 3):
        assert come_in(desk).status_code == 401
    assert len(desk.refused) == TRIES_MAX


FORGERIES: dict[str, dict[str, Any]] = {
    "wrong nonce": {"nonce": "of another attempt"},
    "no nonce": {"nonce": None},
    "wrong audience": {"aud": "another console"},
    "one audience of many without authorized party": {"aud": ["churnwatch", "another console"]},
    "another authorized party": {"azp": "another console"},
    "wrong issuer": {"iss": "https://id.example/realms/customers"},
    "expired": {"exp": NOW // 1000 - 61},
    "not yet valid": {"nbf": NOW // 1000 + 61},
    "from the future": {"iat": NOW // 1000 + 61},
    "expiry is no number": {"exp": "tomorrow"},
    "no expiry": {"exp": None},
    "no subject": {"sub": None},
    "subject is a list": {"sub": ["1001"]},
    "of another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_token_that_is_not_the_answer_to_our_question_lets_nobody_in(desk: Desk, forgery: str) -> None:
    def forge(claims: dict[str, Any]) -> None:
        claims |= {key: value for key, value in FORGERIES[forgery].items() if value is not None}
        for key in [key for key, value in FORGERIES[forgery].items() if value is None]:
            del claims[key]

    desk.idp.forge = forge
    nobody_comes_in(desk, come_in(desk))


def nobody_comes_in(desk: Desk, answer: Response) -> None:
    assert answer.status_code == 401
    assert "could not be proved to be genuine" in answer.text
    assert desk.client.get("/me").status_code == 303
    assert desk.people.everybody() == []


def test_a_token_without_a_true_signature_lets_nobody_in(desk: Desk) -> None:
    stranger, public = rsa_key("stranger"), rsa_key("first").as_pem(private=False)
    forged = {
        "alg none": desk.idp.unsigned,
        "signed by a stranger": lambda claims: jwt.encode({"alg": "RS256", "kid": "first"}, claims, stranger),
        "a key that nobody has": lambda claims: jwt.encode({"alg": "RS256", "kid": "gone"}, claims, stranger),
        "brings its own key": lambda claims: jwt.encode(
            {"alg": "RS256", "jwk": stranger.as_dict(private=False)}, claims, stranger
        ),
        "signed with the public key as a password": lambda claims: jwt.encode(
            {"alg": "HS256", "kid": "first"}, claims, OctKey.import_key(public.hex()), ["HS256"]
        ),
        "changed after it was signed": lambda claims: desk.idp.signed(claims)[:-8] + "AAAAAAAA",
        "no token": lambda claims: "x.y",
    }
    for sign in forged.values():
        desk.idp.sign = sign
        nobody_comes_in(desk, come_in(desk))


def test_an_answer_counts_once_and_a_code_too(desk: Desk) -> None:
    answer = desk.idp.authorize(address(desk))
    assert desk.client.get(BACK, params=answer).status_code == 303
    desk.client.post("/sign-out", data={"token": desk.token()})
    replayed = desk.client.get(BACK, params=answer)
    assert replayed.status_code == 400
    assert "attempt to sign in is over" in replayed.text
    fresh = desk.idp.authorize(address(desk))
    nobody = desk.client.get(BACK, params=fresh | {"code": answer["code"]})
    assert nobody.status_code == 401


@pytest.mark.parametrize("state", ["", "made up", "x" * 4000])
def test_a_state_that_was_not_ours_counts_for_nothing(desk: Desk, state: str) -> None:
    answer = desk.idp.authorize(address(desk))
    assert desk.client.get(BACK, params=answer | {"state": state}).status_code == 400
    assert desk.client.get(BACK, params=answer).status_code == 303


def test_an_answer_that_another_browser_asked_for_signs_nobody_in(desk: Desk) -> None:
    """Else somebody could sign a colleague in as themselves by a link (login CSRF)."""
    answer = desk.idp.authorize(address(desk))
    desk.client.cookies.set("churnwatch-visit", "the-cookie-of-another-browser")
    assert desk.client.get(BACK, params=answer).status_code == 400


def test_an_attempt_is_over_after_ten_minutes(desk: Desk, client: redis.Redis, topic_prefix: str) -> None:
    desk.idp.authorize(address(desk))
    (key,) = client.scan_iter(f"{topic_prefix}:oidc:attempt:*")
    assert 0 < int(client.pttl(key)) <= 10 * MINUTE_MS


def test_an_answer_of_another_provider_is_not_taken(desk: Desk) -> None:
    answer = desk.idp.authorize(address(desk))
    assert desk.client.get(BACK, params=answer | {"iss": "https://evil.example"}).status_code == 401
    desk.idp.names_itself = True
    desk.now_ms += 61 * MINUTE_MS
    answer = desk.idp.authorize(address(desk))
    assert desk.client.get(BACK, params={key: answer[key] for key in ("code", "state")}).status_code == 401
    assert desk.client.get(BACK, params=desk.idp.authorize(address(desk))).status_code == 303
    assert answer["iss"] == ISSUER


def test_a_refusal_by_the_provider_is_told_in_our_words(desk: Desk) -> None:
    state = dict(parse_qsl(urlsplit(address(desk)).query))["state"]
    answer = desk.client.get(BACK, params={"state": state, "error": "access_denied", "error_description": "<b>no</b>"})
    assert answer.status_code == 403
    assert "Example ID did not sign you in" in answer.text
    assert "<b>no" not in answer.text


def test_new_keys_are_asked_for_when_a_token_names_one_and_not_for_every_made_up_name(desk: Desk) -> None:
    assert come_in(desk).status_code == 303
    desk.idp.key = rsa_key("second")
    desk.now_ms += MINUTE_MS
    assert come_in(desk).status_code == 303
    before = desk.idp.asked.count("/realms/staff/keys")
    desk.idp.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": "made up"}, claims, rsa_key("stranger"))
    for _ in range(4):
        assert come_in(desk).status_code == 401
    assert desk.idp.asked.count("/realms/staff/keys") == before
    assert before == 2


def test_a_provider_that_is_away_is_told_and_passwords_go_on(desk: Desk) -> None:
    desk.hire("eva", StaffRole.AUDITOR)
    desk.client.post("/sign-out", data={"token": desk.token()})
    desk.idp.away = True
    page = desk.post("/sign-in/provider", then="/audit", **{"kept.note": "typed <before>", "again": "/tasks/t-3/note"})
    assert page.status_code == 503
    assert "Example ID does not answer" in page.text
    assert 'name="kept.note" value="typed &lt;before&gt;"' in page.text
    assert desk.post("/sign-in", login="eva", password=GOOD).status_code == 303
    desk.idp.away = False
    answer = desk.idp.authorize(address(desk))
    desk.idp.away = True
    desk.now_ms += 61 * MINUTE_MS
    assert desk.client.get(BACK, params=answer).status_code == 503


@pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_coming_back_leads_to_no_other_site(desk: Desk, then: str) -> None:
    assert come_in(desk, then=then).headers["location"] == "/"


def test_the_session_is_a_new_one_and_the_old_one_ends(desk: Desk) -> None:
    desk.hire("eva", StaffRole.AUDITOR)
    old = desk.client.cookies["churnwatch-session"]
    answer = come_in(desk)
    given = re.search(r"churnwatch-session=([^;]+)", answer.headers["set-cookie"])
    assert given is not None
    assert given[1] != old
    assert desk.people.visitor(old, desk.now_ms) is None


def test_what_was_typed_before_the_session_ended_comes_along(desk: Desk) -> None:
    typed = {"kept.note": "Wants fibre by <May>", "again": "/tasks/t-3/note"}
    page = come_in(desk, **typed)
    assert page.status_code == 200
    assert 'action="/tasks/t-3/note"' in page.text
    assert "Wants fibre by &lt;May&gt;" in page.text
    desk.idp.told["groups"] = []
    turned_away = come_in(desk, **typed)
    assert 'name="kept.note" value="Wants fibre by &lt;May&gt;"' in turned_away.text


def test_roles_follow_the_provider_at_each_sign_in_and_shutting_stays_ours(desk: Desk) -> None:
    desk.hire("root", StaffRole.ADMIN)
    admin = desk.beside()
    admin.client.cookies.set("churnwatch-session", desk.people.begin_session("root", NOW))
    assert come_in(desk).status_code == 303
    desk.idp.told |= {"groups": ["cw-leads"], "name": "Ada L."}
    assert come_in(desk).status_code == 303
    person = desk.people.get("ada@sso")
    assert person is not None
    assert (person.roles, person.name) == ((StaffRole.SUPERVISOR,), "Ada L.")
    assert admin.post("/people/ada@sso/disabled", disabled="yes").status_code == 303
    assert desk.client.get("/team").status_code == 303
    assert "is shut here" in come_in(desk).text
    assert desk.refused == [("ada@sso", "shut")]


def test_the_login_of_one_person_is_never_anothers(desk: Desk) -> None:
    assert come_in(desk).status_code == 303
    desk.idp.told["sub"] = "2002"
    assert "belongs to another person" in come_in(desk).text
    assert desk.refused == [("ada@sso", "taken")]


def test_the_provider_makes_no_passwords_and_lifts_no_lock(desk: Desk) -> None:
    desk.people.add(new_person("ada", "Another Ada", (StaffRole.ADMIN,), "", NOW))
    for _ in range(TRIES_MAX):
        desk.app.state.console.staff.sign_in.with_password("ada", "wrong password", "", NOW)
    assert come_in(desk).status_code == 303
    assert desk.app.state.console.staff.sign_in.with_password("ada", GOOD, "", NOW) is SignInRefusal.LOCKED
    assert desk.app.state.console.staff.sign_in.with_password("ada@sso", GOOD, "", NOW) is SignInRefusal.WRONG
    assert desk.client.get("/me").text.count("<form") == 1
    for path in ("/me/password", "/me/second-factor"):
        assert desk.post(path, password=GOOD, repeated=GOOD).status_code == 404
    admin = desk.beside()
    admin.client.cookies.update({"churnwatch-session": desk.people.begin_session("ada", NOW), "churnwatch-lang": "en"})
    for path in ("/people/ada@sso/link", "/people/ada@sso/roles"):
        answer = admin.post(path, **{"role.admin": "yes"})
        assert answer.status_code == 422
        assert "comes in by the company" in answer.text


def test_no_stranger_can_make_redis_hold_attempts_without_end(
    desk: Desk, client: redis.Redis, topic_prefix: str
) -> None:
    client.set(f"{topic_prefix}:oidc:begun", 300, px=MINUTE_MS)
    page = desk.post("/sign-in/provider")
    assert page.status_code == 503
    assert "Too many people" in page.text
    long = address_of_long_text(desk, client, topic_prefix)
    assert long == 0


def address_of_long_text(desk: Desk, client: redis.Redis, topic_prefix: str) -> int:
    """How many characters of a far too long text are kept."""
    client.delete(f"{topic_prefix}:oidc:begun")
    address(desk, **{"kept.note": "x" * 20_000, "again": "/tasks/t-3/note"})
    (key,) = client.scan_iter(f"{topic_prefix}:oidc:attempt:*")
    return str(client.get(key)).count("xx")
