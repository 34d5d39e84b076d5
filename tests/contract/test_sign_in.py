"""Who is let in, over the real Redis: passwords, locks, second factors, one-time links, sessions."""

import argon2
import pyotp
import pytest
import redis
from msgspec.structs import replace

from alerts.accounts.passwords import PasswordError, Passwords
from alerts.accounts.people import Person, PersonError, new_person, signed_out
from alerts.accounts.roles import StaffRole
from alerts.accounts.second_factor import new_secret
from alerts.accounts.sessions import IDLE_MS, LONGEST_MS
from alerts.accounts.sign_in import SignedIn, SignIn, SignInRefusal
from alerts.accounts.store import LOCK_MS, TRIES_MAX, PeopleStore

NOW = 1_790_000_000_000
GOOD = "a sentence that nobody guesses"


@pytest.fixture
def told() -> list[Person]:
    """What was told to the log that keeps people for good."""
    return []


@pytest.fixture
def people(client: redis.Redis, topic_prefix: str, told: list[Person]) -> PeopleStore:
    store = PeopleStore(client, topic_prefix, told.append)
    store.add(new_person("ada", "Ada", (StaffRole.MANAGER,), "m-17", NOW))
    return store


@pytest.fixture
def sign_in(people: PeopleStore) -> SignIn:
    return SignIn(people, Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))


@pytest.fixture
def ada(people: PeopleStore, sign_in: SignIn) -> SignedIn:
    """Ada, who chose her password by her link."""
    result = sign_in.with_link(people.new_link("ada"), GOOD, NOW)
    assert isinstance(result, SignedIn)
    return result


def test_a_link_sets_a_password_once(people: PeopleStore, sign_in: SignIn) -> None:
    link = people.new_link("ada")
    assert sign_in.with_password("ada", "", "", NOW) is SignInRefusal.WRONG
    assert isinstance(sign_in.with_link(link, GOOD, NOW), SignedIn)
    assert sign_in.with_link(link, "another long sentence", NOW) is SignInRefusal.LINK_OVER
    assert isinstance(sign_in.with_password("ada", GOOD, "", NOW), SignedIn)


def test_a_password_that_is_not_good_enough_does_not_use_up_the_link(people: PeopleStore, sign_in: SignIn) -> None:
    link = people.new_link("ada")
    for password, why in (
        ("short", "short"),
        ("x" * 300, "long"),
        ("aaaaaaaaaaaaaaa", "easy"),
        ("hello ada 12345", "easy"),
    ):
        with pytest.raises(PasswordError) as refused:
            sign_in.with_link(link, password, NOW)
        assert refused.value.key == why
    assert isinstance(sign_in.with_link(link, GOOD, NOW), SignedIn)


@pytest.mark.parametrize("login", ["ada", "nobody"])
def test_after_five_tries_a_login_is_locked_whether_it_exists_or_not(
    sign_in: SignIn, ada: SignedIn, login: str
) -> None:
    answers = [sign_in.with_password(login, "wrong password", "", NOW) for _ in range(TRIES_MAX + 2)]
    assert answers == [SignInRefusal.WRONG] * TRIES_MAX + [SignInRefusal.LOCKED] * 2


def test_a_locked_login_refuses_the_right_password_until_the_lock_ends(
    people: PeopleStore, sign_in: SignIn, ada: SignedIn, client: redis.Redis, topic_prefix: str
) -> None:
    for _ in range(TRIES_MAX):
        sign_in.with_password("ada", "wrong password", "", NOW)
    assert sign_in.with_password("ada", GOOD, "", NOW) is SignInRefusal.LOCKED
    assert 0 < int(client.pttl(f"{topic_prefix}:tries:ada")) <= LOCK_MS
    people.forget_tries("ada")
    assert isinstance(sign_in.with_password("ada", GOOD, "", NOW), SignedIn)


def test_a_right_password_begins_the_count_again(sign_in: SignIn, ada: SignedIn) -> None:
    for _ in range(3):
        for _ in range(TRIES_MAX - 1):
            assert sign_in.with_password("ada", "wrong password", "", NOW) is SignInRefusal.WRONG
        assert isinstance(sign_in.with_password("ada", GOOD, "", NOW), SignedIn)


def test_every_sign_in_has_a_token_of_its_own_and_the_store_keeps_none(
    people: PeopleStore, sign_in: SignIn, ada: SignedIn, client: redis.Redis, topic_prefix: str
) -> None:
    again = sign_in.with_password("ada", GOOD, "", NOW)
    assert isinstance(again, SignedIn)
    assert again.token != ada.token
    keys = [str(key) for key in client.scan_iter(f"{topic_prefix}:*")]
    assert any(":session:" in key for key in keys)
    assert not any(token in key for key in keys for token in (ada.token, again.token))


@pytest.mark.parametrize("later", [IDLE_MS, LONGEST_MS])
def test_a_session_ends_when_nobody_uses_it(people: PeopleStore, ada: SignedIn, later: int) -> None:
    assert people.visitor(ada.token, NOW + IDLE_MS - 1) is not None
    assert people.visitor(ada.token, NOW + IDLE_MS - 1 + later) is None


def test_a_session_in_use_ends_after_twelve_hours(people: PeopleStore, ada: SignedIn) -> None:
    step = IDLE_MS // 2
    seen = [people.visitor(ada.token, at) is not None for at in range(NOW, NOW + LONGEST_MS + step, step)]
    assert seen == [at < LONGEST_MS for at in range(0, LONGEST_MS + step, step)]


def test_signing_out_ends_the_session_for_good(people: PeopleStore, ada: SignedIn) -> None:
    people.end_session(ada.token)
    assert people.visitor(ada.token, NOW) is None
    assert people.visitor("", NOW) is None
    assert people.visitor("forged", NOW) is None


def test_a_new_password_ends_all_other_sessions(people: PeopleStore, sign_in: SignIn, ada: SignedIn) -> None:
    changed = sign_in.new_password(ada.person, GOOD, "one more good sentence", NOW + 1)
    assert isinstance(changed, SignedIn)
    assert people.visitor(ada.token, NOW + 2) is None
    assert people.visitor(changed.token, NOW + 2) is not None
    assert sign_in.with_password("ada", GOOD, "", NOW + 3) is SignInRefusal.WRONG


def test_a_login_that_is_shut_is_out_at_once(people: PeopleStore, sign_in: SignIn, ada: SignedIn) -> None:
    people.change("ada", lambda now: replace(signed_out(now, NOW), disabled=True))
    assert people.visitor(ada.token, NOW) is None
    assert sign_in.with_password("ada", GOOD, "", NOW) is SignInRefusal.WRONG


def test_a_second_factor_is_asked_and_each_code_counts_once(
    people: PeopleStore, sign_in: SignIn, ada: SignedIn
) -> None:
    secret = new_secret()
    people.change("ada", lambda now: replace(now, totp_secret=secret))
    code = pyotp.TOTP(secret).at(NOW // 1000)
    assert sign_in.with_password("ada", GOOD, "", NOW) is SignInRefusal.CODE_WANTED
    assert sign_in.with_password("ada", GOOD, "000000" if code != "000000" else "111111", NOW) is SignInRefusal.WRONG
    assert isinstance(sign_in.with_password("ada", GOOD, code, NOW), SignedIn)
    assert sign_in.with_password("ada", GOOD, code, NOW) is SignInRefusal.WRONG
    later = NOW + 60_000
    assert isinstance(sign_in.with_password("ada", GOOD, pyotp.TOTP(secret).at(later // 1000), later), SignedIn)


def test_codes_cannot_be_tried_without_end_by_somebody_who_knows_the_password(
    people: PeopleStore, sign_in: SignIn, ada: SignedIn
) -> None:
    people.change("ada", lambda now: replace(now, totp_secret=new_secret()))
    answers = []
    for _ in range(TRIES_MAX):
        answers += [sign_in.with_password("ada", GOOD, code, NOW) for code in ("", "123456")]
    assert SignInRefusal.LOCKED in answers


def test_the_log_is_told_of_every_change_that_outlives_redis(
    people: PeopleStore, ada: SignedIn, told: list[Person]
) -> None:
    assert [person.login for person in told] == ["ada", "ada"]
    assert told[-1] == people.get("ada")


def test_signing_in_with_a_code_tells_the_log_nothing(
    people: PeopleStore, sign_in: SignIn, ada: SignedIn, told: list[Person]
) -> None:
    secret = new_secret()
    people.change("ada", lambda now: replace(now, totp_secret=secret))
    before = len(told)
    assert isinstance(sign_in.with_password("ada", GOOD, pyotp.TOTP(secret).at(NOW // 1000), NOW), SignedIn)
    assert len(told) == before


def test_two_people_cannot_have_one_login(people: PeopleStore) -> None:
    with pytest.raises(PersonError, match="taken"):
        people.add(new_person("ada", "Another", (StaffRole.CALLER,), "", NOW))


@pytest.mark.parametrize("login", ["", "a", "Ada", "a b", "../x", "a" * 65, "-ada"])
def test_a_login_is_a_plain_name(login: str) -> None:
    with pytest.raises(PersonError, match="login"):
        new_person(login, "", (StaffRole.CALLER,), "", NOW)
