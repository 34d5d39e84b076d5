"""What the console must know of the provider, and how its claims become roles and inboxes here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from alerts.accounts.roles import PEOPLE_ROLES, StaffRole

#: Where the provider sends people back to, below the console's own address; to be registered there.
BACK = "/sign-in/provider/back"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ProviderConfigError(Exception):
    """The provider cannot be used as configured; the message names the key of section `oidc`."""


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Which claims of the ID token are read. `inbox`: a manager's code; empty: nobody has one."""

    login: str = "preferred_username"
    name: str = "name"
    roles: str = "groups"
    inbox: str = ""


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """Attributes:
    name: what the button says.
    public_url: the console's address as browsers reach it, without a path.
    roles: value of the roles claim to role here; a value that is not named gives none.
    inboxes: value of the inbox claim to inbox; empty: the value is the inbox.
    secret: of the client; None for a public client, which PKCE alone guards.
    """

    issuer: str
    client_id: str
    public_url: str
    roles: Mapping[str, StaffRole]
    name: str = "SSO"
    secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "profile")
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    claims: ClaimNames = ClaimNames()
    inboxes: Mapping[str, str] = field(default_factory=dict)

    @property
    def redirect_uri(self) -> str:
        return f"{self.public_url.rstrip('/')}{BACK}"


def checked(config: ProviderConfig) -> ProviderConfig:
    """The same, if it can work.

    Raises:
        ProviderConfigError: something is missing, or would be sent in the clear over a network.
    """
    for key in ("issuer", "public_url"):
        if not is_guarded(getattr(config, key)):
            raise ProviderConfigError(
                f"oidc.{key}: {getattr(config, key)!r} is no https:// address (http: loopback only)"
            )
    if not config.client_id:
        raise ProviderConfigError(
            "oidc.client_id is empty; the provider gave one when the console was registered there"
        )
    if "openid" not in config.scopes:
        raise ProviderConfigError("oidc.scopes must hold openid, or the provider sends no ID token")
    if not config.roles:
        raise ProviderConfigError("oidc.roles is empty: nobody would be let in; name at least one group and its role")
    if machines := sorted(set(config.roles.values()) - set(PEOPLE_ROLES)):
        raise ProviderConfigError(
            f"oidc.roles: no person is a {machines[0]}; roles of people are {', '.join(PEOPLE_ROLES)}"
        )
    return config


def is_guarded(address: str) -> bool:
    """Whether nobody on the way can read along: TLS, or this machine alone.

    >>> is_guarded("https://id.example"), is_guarded("http://id.example"), is_guarded("http://localhost:8080/x")
    (True, False, True)
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))
