"""The provider over HTTP: its discovery document, its keys, a code for tokens. Everything has a limit; nothing is followed."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlsplit

import httpx2
import msgspec
import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.discovery import get_well_known_url
from joserfc.jwk import KeySet

from alerts.accounts.oidc.config import ProviderConfig, is_guarded
from alerts.accounts.oidc.id_token import TokenError, claims_of, key_id, keys_of

#: The document and the keys are asked for again after so long.
KEPT_S = 3600.0
#: A key that nobody knows makes us ask at most so often: whoever sends made-up tokens must not send us to the provider each time.
ASK_AGAIN_S = 10.0
ANSWER_BYTES_MAX = 1_000_000
#: So many people at once may wait for the provider; one more is told that it does not answer.
WAITING_MAX = 8

log = structlog.get_logger()


class ProviderAwayError(Exception):
    """The provider does not answer, or with something that cannot be used: nobody can sign in by it now."""


class CodeRefusedError(Exception):
    """The provider does not know this code (any more)."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """What the discovery document says (OpenID Connect Discovery 1.0, section 3)."""

    authorization: str
    token: str
    keys: str
    names_itself: bool
    basic: bool


@dataclass(frozen=True, slots=True)
class Question:
    """What is sent along and must come back: of one attempt to sign in."""

    state: str
    nonce: str
    verifier: str


class Provider:
    """Asks the provider; what it said is kept for an hour.

    Args:
        client: without redirects and with timeouts.
        clock_s: monotonic.
    """

    def __init__(self, config: ProviderConfig, client: httpx2.Client, clock_s: Callable[[], float]) -> None:
        self.config = config
        self._client = client
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(WAITING_MAX)
        self._found: tuple[float, Discovered] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def address(self, question: Question) -> str:
        """Where to send a person who wants to sign in."""
        return str(prepare_grant_uri(
            self._discovered().authorization,
            client_id=self.config.client_id,
            response_type="code",
            redirect_uri=self.config.redirect_uri,
            scope=" ".join(self.config.scopes),
            state=question.state,
            nonce=question.nonce,
            code_challenge=create_s256_code_challenge(question.verifier),
            code_challenge_method="S256",
        ))  # fmt: skip

    def names_itself(self) -> bool:
        """Whether its answers always say from whom they are (RFC 9207)."""
        return self._discovered().names_itself

    def claims(self, code: str, question: Question, now_s: int) -> dict[str, Any]:
        """What the provider says of the person behind this code.

        Raises:
            CodeRefusedError, ProviderAwayError, TokenError.
        """
        tokens = self._tokens(code, question)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise TokenError("the answer holds no ID token")
        return claims_of(
            id_token,
            self._keys_for(key_id(id_token)),
            issuer=self.config.issuer,
            client_id=self.config.client_id,
            nonce=question.nonce,
            access_token=access_token if isinstance(access_token, str) else "",
            algorithms=self.config.algorithms,
            now_s=now_s,
        )

    def _tokens(self, code: str, question: Question) -> dict[str, Any]:
        found = self._discovered()
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.config.redirect_uri,
            "client_id": self.config.client_id, "code_verifier": question.verifier,
        }  # fmt: skip
        secret = self.config.secret
        if secret is not None and not found.basic:
            form["client_secret"] = secret
        # RFC 6749, section 2.3.1: both parts are encoded as a form is before they become basic authentication.
        auth = (quote_plus(self.config.client_id), quote_plus(secret)) if secret is not None and found.basic else None
        status, answer = self._ask("POST", found.token, form, auth)
        if status in {400, 401, 403}:
            problem = answer.get("error") if isinstance(answer, dict) else None
            if problem in {"invalid_client", "unauthorized_client"}:
                log.error("provider.refuses_us", reason=str(problem)[:40])
                raise ProviderAwayError("the provider does not know this console: see oidc.client_id and its secret")
            raise CodeRefusedError(str(problem)[:40])
        if status != 200 or not isinstance(answer, dict):
            raise ProviderAwayError(f"the token endpoint answered {status}")
        return answer

    def _discovered(self) -> Discovered:
        with self._lock:
            if self._found is not None and self._clock_s() - self._found[0] < KEPT_S:
                return self._found[1]
        url = str(get_well_known_url(self.config.issuer, external=True))
        status, document = self._ask("GET", url)
        if status != 200:
            raise ProviderAwayError(f"the discovery document answered {status}")
        found = discovered(document, self.config.issuer)
        with self._lock:
            self._found = (self._clock_s(), found)
        return found

    def _keys_for(self, wanted: str | None) -> KeySet:
        """The provider's keys; asked for again where the wanted one is new (it changes keys now and then)."""
        with self._lock:
            kept, now_s = self._keys, self._clock_s()
        if kept is not None:
            age_s = now_s - kept[0]
            known = wanted is None or any(key.kid == wanted for key in kept[1].keys)
            if age_s < (KEPT_S if known else ASK_AGAIN_S):
                return kept[1]
        status, document = self._ask("GET", self._discovered().keys)
        if status != 200:
            raise ProviderAwayError(f"the keys answered {status}")
        try:
            keys = keys_of(document)
        except TokenError as error:
            raise ProviderAwayError(str(error)) from error
        with self._lock:
            self._keys = (now_s, keys)
        return keys

    def _ask(
        self, method: str, url: str, form: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON; None instead of what is no JSON."""
        if not self._places.acquire(blocking=False):
            raise ProviderAwayError("too many people wait for the provider already")
        try:
            headers = {"accept": "application/json"}
            with self._client.stream(method, url, data=form, auth=auth, headers=headers) as answer:
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > ANSWER_BYTES_MAX:
                        raise ProviderAwayError("the answer is too long")
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ProviderAwayError(type(error).__name__) from error
        finally:
            self._places.release()
        try:
            return answer.status_code, msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return answer.status_code, None


def discovered(document: Any, issuer: str) -> Discovered:
    """Read a discovery document.

    Raises:
        ProviderAwayError: it is another issuer's, or lacks an address, or names one that others could read along.
    """
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise ProviderAwayError("the discovery document is not of this issuer")
    addresses = []
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        address = document.get(name)
        if not isinstance(address, str) or not is_guarded(address) or urlsplit(address).fragment:
            raise ProviderAwayError(f"the discovery document has no usable {name}")
        addresses.append(address)
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    names_itself = document.get("authorization_response_iss_parameter_supported") is True
    basic = not isinstance(methods, list) or "client_secret_basic" in methods
    return Discovered(addresses[0], addresses[1], addresses[2], names_itself, basic)
