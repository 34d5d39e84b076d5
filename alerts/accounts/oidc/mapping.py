"""Who somebody is here, by what the provider says of them. Pure."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from alerts.accounts.oidc.config import ProviderConfig
from alerts.accounts.people import Person, PersonError, new_person
from alerts.accounts.roles import StaffRole
from alerts.tasks import OUTBOUND

#: Logins of the provider's people end in this: no login with a password can look like one of them.
REALM = "@sso"
NO_NAME = re.compile(r"[^a-z0-9._-]+")
NAME_CHARS_MAX = 80
VALUES_MAX = 500


class Unmapped(StrEnum):
    """Why the provider's word is not enough to be let in."""

    NO_ROLE = "no_role"
    NO_INBOX = "no_inbox"
    NO_LOGIN = "no_login"


@dataclass(frozen=True, slots=True)
class Known:
    """What the claims say: the login they would have here, and the person or why there is none."""

    login: str
    person: Person | Unmapped


def known(claims: Mapping[str, Any], config: ProviderConfig, now_ms: int) -> Known:
    """The person that these claims describe, as new; see `merged` for one who was here before."""
    login = login_of(claims.get(config.claims.login))
    if login is None:
        return Known("", Unmapped.NO_LOGIN)
    roles = roles_of(claims.get(config.claims.roles), config.roles)
    if not roles:
        return Known(login + REALM, Unmapped.NO_ROLE)
    inbox = _text(claims.get(config.claims.inbox)) if config.claims.inbox else ""
    inbox = config.inboxes.get(inbox, "") if config.inboxes else inbox
    if StaffRole.MANAGER in roles and not inbox:
        return Known(login + REALM, Unmapped.NO_INBOX)
    usual = OUTBOUND if StaffRole.CALLER in roles else f"{login}.sso"
    try:
        name = _text(claims.get(config.claims.name))[:NAME_CHARS_MAX]
        person = new_person(login, name, roles, inbox or usual, now_ms)
    except PersonError as error:
        return Known(login + REALM, Unmapped.NO_INBOX if error.key == "inbox" else Unmapped.NO_LOGIN)
    subject = subject_of(config.issuer, str(claims["sub"]))
    return Known(login + REALM, replace(person, login=login + REALM, subject=subject))


def merged(before: Person, told: Person) -> Person:
    """Somebody who was here before, as the provider tells of them now; whether they are shut out stays ours.

    Raises:
        PersonError: the login is another person's at the provider: it was given away, or is a login of ours.
    """
    if before.subject != told.subject:
        raise PersonError("taken", f"the login {told.login} is taken by another person", login=told.login)
    if (before.name, before.roles, before.inbox) == (told.name, told.roles, told.inbox):
        return before
    return replace(before, name=told.name, roles=told.roles, inbox=told.inbox, changed_ms=told.changed_ms)


def roles_of(said: Any, roles: Mapping[str, StaffRole]) -> tuple[StaffRole, ...]:
    """Roles of the values that are mapped; a claim may be one text or a list of them.

    >>> roles_of(["staff", "cw-audit"], {"cw-audit": StaffRole.AUDITOR})
    (<StaffRole.AUDITOR: 'auditor'>,)
    """
    values = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    return tuple(sorted({roles[value] for value in values[:VALUES_MAX] if isinstance(value, str) and value in roles}))


def login_of(said: Any) -> str | None:
    """The part of a name that a login can carry; None where nothing is left of it.

    >>> login_of("Ada.Lovelace@example.com"), login_of("  "), login_of(None)
    ('ada.lovelace', None, None)
    """
    if not isinstance(said, str):
        return None
    name = NO_NAME.sub("-", said.partition("@")[0].strip().lower()).strip("-._")[:50]
    return name if len(name) > 1 else None


def subject_of(issuer: str, sub: str) -> str:
    """Who somebody is at the provider, for good: names may pass from one person to another, this does not."""
    return hashlib.sha256(f"{issuer}\n{sub}".encode()).hexdigest()


def _text(said: Any) -> str:
    return " ".join(said.split()) if isinstance(said, str) and said.isprintable() else ""
