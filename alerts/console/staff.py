"""Who may sign in here, as the console holds them."""

from collections.abc import Callable
from dataclasses import dataclass

from alerts.accounts.oidc.sign_in import ProviderSignIn
from alerts.accounts.sign_in import SignIn
from alerts.accounts.store import PeopleStore


@dataclass(frozen=True, slots=True)
class Staff:
    """Everybody with a login. `now_ms` is wall time: sessions do not live in stream time.

    `provider`: the company's own sign-in, where there is one.
    """

    people: PeopleStore
    sign_in: SignIn
    now_ms: Callable[[], int]
    provider: ProviderSignIn | None = None
