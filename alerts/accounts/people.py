"""A person who works with the product: as stored, and what can be changed about them. Pure."""

import re

from msgspec import Struct
from msgspec.structs import replace

from alerts.accounts.roles import PEOPLE_ROLES, StaffRole
from alerts.tasks import OUTBOUND

LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
STAFF_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Person(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One login.

    Attributes:
        inbox: whose tasks are this person's own: a manager's code in `customers.manager_id`, or the outbound team.
        password_hash: Argon2id in its own notation; None until the first password is set by a one-time link.
        totp_secret: base32; None where no second factor is set up.
        totp_step: last time step (30 s each) whose code was used: a code counts once.
        signed_out_ms: sessions begun before do not count any more.
        subject: hash of who they are at the company's provider, who comes in by it and has no password; None for all others.
    """

    login: str
    name: str
    roles: tuple[StaffRole, ...]
    inbox: str
    password_hash: str | None = None
    totp_secret: str | None = None
    totp_step: int = 0
    disabled: bool = False
    created_ms: int
    changed_ms: int
    signed_out_ms: int = 0
    subject: str | None = None


class PersonError(Exception):
    """A person cannot be as asked; the message says why, in English for commands and logs.

    `key` and `values` say the same to pages, which have words for it in every language (`people.error_<key>`).
    """

    def __init__(self, key: str, message: str, **values: str) -> None:
        super().__init__(message)
        self.key = key
        self.values = values


def new_person(login: str, name: str, roles: tuple[StaffRole, ...], inbox: str, now_ms: int) -> Person:
    """A person without a password.

    Raises:
        PersonError: the login or the inbox is no such name, or there is no role.
    """
    if not LOGIN.fullmatch(login):
        raise PersonError(
            "login",
            f"login {login!r}: 2 to 64 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit",
            login=login,
        )
    checked = _checked_inbox(inbox or _usual_inbox(login, roles))
    person = Person(
        login=login, name=name.strip() or login, roles=(), inbox=checked, created_ms=now_ms, changed_ms=now_ms
    )
    return with_roles(person, roles, now_ms)


def with_roles(person: Person, roles: tuple[StaffRole, ...], now_ms: int) -> Person:
    """Other roles, from the next request on.

    Raises:
        PersonError: none at all, or one of a machine; or the provider says which roles this person has.
    """
    kept_here(person)
    if not roles:
        raise PersonError("no_role", f"{person.login} needs at least one role", login=person.login)
    if machines := set(roles) - set(PEOPLE_ROLES):
        wrong, allowed = ", ".join(sorted(machines)), ", ".join(PEOPLE_ROLES)
        words = f"{person.login}: no person is a {wrong}; roles of people are {allowed}"
        raise PersonError("machine", words, login=person.login, roles=wrong, allowed=allowed)
    return replace(person, roles=tuple(sorted(set(roles))), changed_ms=now_ms)


def kept_here(person: Person) -> None:
    """Roles and password of this person are ours to change.

    Raises:
        PersonError: they come in by the company's provider, which has both.
    """
    if person.subject is not None:
        words = f"{person.login} comes in by the company's provider: roles and passwords are changed there"
        raise PersonError("provider", words, login=person.login)


def signed_out(person: Person, now_ms: int) -> Person:
    """All sessions end: after a new password, another second factor, or when the person leaves."""
    return replace(person, signed_out_ms=now_ms, changed_ms=now_ms)


def _usual_inbox(login: str, roles: tuple[StaffRole, ...]) -> str:
    return OUTBOUND if StaffRole.CALLER in roles and StaffRole.MANAGER not in roles else login


def _checked_inbox(inbox: str) -> str:
    if inbox == OUTBOUND or STAFF_ID.fullmatch(inbox):
        return inbox
    words = f"inbox {inbox!r}: a manager's code of letters, digits, dot, dash and underscore"
    raise PersonError("inbox", words, inbox=inbox)
