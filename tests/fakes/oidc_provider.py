"""A provider of OpenID Connect in memory: real RSA keys, real signatures, and every way to lie. Reached through httpx2."""

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
import msgspec
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import RSAKey

ISSUER = "https://id.example/realms/staff"
CLIENT_ID = "churnwatch"
SECRET = "of the console, not of the provider"


@cache
def rsa_key(name: str) -> RSAKey:
    """One a name for all tests of a process: making them costs."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"}, private=True)


class FakeProvider:
    """Attributes:
    told: claims of whoever signs in there.
    forge: what a test does to the claims just before they are signed.
    sign: makes the ID token of the claims; a test puts its own forgery here.
    asked: addresses asked for, in order.
    """

    def __init__(self, now_s: Callable[[], float] = time.time) -> None:
        self.now_s = now_s
        self.told: dict[str, Any] = {"sub": "1001", "preferred_username": "ada", "name": "Ada", "groups": ["cw-audit"]}
        self.forge: Callable[[dict[str, Any]], None] = lambda claims: None
        self.key = rsa_key("first")
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.away = False
        self.asked: list[str] = []
        self.names_itself = False
        self._codes: dict[str, dict[str, str]] = {}
        self._given = 0

    def client(self) -> httpx2.Client:
        return httpx2.Client(transport=httpx2.MockTransport(self._answer))

    def authorize(self, address: str) -> dict[str, str]:
        """What the person's browser brings back: the query of the redirect to us."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT_ID
        self._given += 1
        code = f"code-{self._given}"
        self._codes[code] = asked
        return {"code": code, "state": asked["state"]} | ({"iss": ISSUER} if self.names_itself else {})

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def unsigned(self, claims: dict[str, Any]) -> str:
        """The classic: a token that says of itself that it needs no signature."""
        parts = [{"alg": "none", "typ": "JWT"}, claims]
        return ".".join(urlsafe_b64encode(msgspec.json.encode(part)).decode().rstrip("=") for part in parts) + "."

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url.path)
        if self.away:
            raise httpx2.ConnectError("nobody is there")
        place = request.url.path.rpartition("/")[2]
        if place == "openid-configuration":
            return httpx2.Response(200, json={
                "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/auth", "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/keys", "authorization_response_iss_parameter_supported": self.names_itself,
            })  # fmt: skip
        if place == "keys":
            return httpx2.Response(200, json={"keys": [self.key.as_dict(private=False), {"kty": "oct", "k": "AAAA"}]})
        return self._tokens(request)

    def _tokens(self, request: httpx2.Request) -> httpx2.Response:
        """RFC 6749, section 4.1.3, and RFC 7636: a code once, by whoever asked for it."""
        form = {key: values[0] for key, values in parse_qs(request.content.decode()).items()}
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or create_s256_code_challenge(form["code_verifier"]) != asked["code_challenge"]:
            return httpx2.Response(400, json={"error": "invalid_grant"})
        if not request.headers.get("authorization", "").startswith("Basic "):
            return httpx2.Response(401, json={"error": "invalid_client"})
        now_s = int(self.now_s())
        claims = {
            "iss": ISSUER, "aud": CLIENT_ID, "iat": now_s, "exp": now_s + 300, "nonce": asked["nonce"], **self.told,
        }  # fmt: skip
        self.forge(claims)
        return httpx2.Response(
            200, json={"access_token": "opaque", "token_type": "Bearer", "id_token": self.sign(claims)}
        )
