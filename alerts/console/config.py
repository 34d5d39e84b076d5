"""What the console needs to know of its surroundings; built from the settings by `churnwatch console`."""

import secrets
from dataclasses import dataclass, field

#: Names under which a browser on this machine reaches us. Any other Host header is a page that was tricked (DNS rebinding).
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class ConsoleConfig:
    """Attributes:
    language: of a visitor who has not chosen one.
    allowed_hosts: Host headers answered, without port; `*` for any.
    timezone: IANA name; all times on the pages are told in it.
    rows_per_page: tasks on a page of the inbox.
    poll_s: how often a watched inbox is looked at for live updates; every owner once, however many people watch.
    streams_max: open live streams; one more is told to come back later (503).
    form_bytes_max: a larger request body is refused (413). Holds a note of 2,000 characters, percent-encoded, and the rest.
    lines_shown_max: lines of an account drawn on its page.
    secret: signs form tokens. A fresh one at each start: forms of an older process are offered again, nothing typed is lost.
    """

    language: str = "en"
    allowed_hosts: tuple[str, ...] = LOOPBACK_HOSTS
    timezone: str = "UTC"
    rows_per_page: int = 50
    poll_s: float = 1.0
    streams_max: int = 200
    form_bytes_max: int = 65_536
    lines_shown_max: int = 12
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
