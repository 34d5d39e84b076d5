"""Proof that a form came from our own page: a token bound to the visitor's cookie (double submit, signed).

The second lock is `guard.RequestGuard`, which looks at Origin and Sec-Fetch-Site. Both must open.
"""

import hmac
import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

VISIT = re.compile(r"[A-Za-z0-9_-]{22,64}")


class FormSeal:
    """Signs and checks form tokens. A visit is 128 random bits in a cookie that scripts cannot read."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def visit(self, request: Request) -> str:
        """The visitor's cookie, or a new one (to be set with `remember`)."""
        value = request.cookies.get(cookie_name(request), "")
        return value if VISIT.fullmatch(value) else secrets.token_urlsafe(16)

    def token(self, visit: str) -> str:
        return hmac.new(self._secret, visit.encode(), "sha256").hexdigest()

    def accepts(self, request: Request, token: str) -> bool:
        visit = request.cookies.get(cookie_name(request), "")
        return bool(visit) and hmac.compare_digest(self.token(visit).encode(), token.encode())

    def remember(self, request: Request, response: Response, visit: str) -> None:
        """Set the cookie when the visitor has no such one yet."""
        if request.cookies.get(cookie_name(request)) != visit:
            set_cookie(request, response, cookie_name(request), visit)


def cookie_name(request: Request) -> str:
    """With TLS the `__Host-` prefix, which keeps other hosts of the domain from setting it."""
    return "__Host-churnwatch-visit" if request.url.scheme == "https" else "churnwatch-visit"


def set_cookie(request: Request, response: Response, name: str, value: str, max_age_s: int | None = None) -> None:
    """A cookie no script reads and no other site sends."""
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, max_age=max_age_s, httponly=True, samesite="lax", secure=secure, path="/")
