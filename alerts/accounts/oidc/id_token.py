"""An ID token: signature, who it is from, whom it is for, whether it is the answer to our question. Pure; time is given.

What is checked: OpenID Connect Core 1.0, section 3.1.3.7.
"""

from collections.abc import Collection
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

#: The provider's clock and ours may differ by so much.
LEEWAY_S = 60


class TokenError(Exception):
    """The token proves nothing; the message says why, for the log."""


def claims_of(
    token: str,
    keys: KeySet,
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str,
    algorithms: Collection[str],
    now_s: int,
) -> dict[str, Any]:
    """The claims, once all of it is checked.

    Raises:
        TokenError: signature, issuer, audience, time or nonce is wrong, or a claim is missing.
    """
    try:
        opened = jwt.decode(token, keys, algorithms=list(algorithms))
        wanted = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}}
        params = {"nonce": nonce, "client_id": client_id, "access_token": access_token}
        claims = CodeIDToken(opened.claims, opened.header, wanted, params)
        claims.validate(now_s, LEEWAY_S)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise TokenError(f"{type(error).__name__}: {error}") from error
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise TokenError("sub is no text")
    return dict(claims)


def key_id(token: str) -> str | None:
    """Which key the token says it was signed with; None where it says nothing.

    Raises:
        TokenError: it is no signed token.
    """
    try:
        said = jws.extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise TokenError(f"{type(error).__name__}: {error}") from error
    return said if isinstance(said, str) else None


def keys_of(document: Any) -> KeySet:
    """The keys of a JWKS document (RFC 7517) that can be used here; others are passed over.

    Raises:
        TokenError: there is none.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    found = [key for one in (listed if isinstance(listed, list) else []) if (key := _usable(one)) is not None]
    if not found:
        raise TokenError("the provider publishes no key for signatures")
    return KeySet(found)


def _usable(one: Any) -> Key | None:
    """Public keys for signatures only: a symmetric one in a public document would let anybody sign."""
    if not isinstance(one, dict) or one.get("kty") not in {"RSA", "EC", "OKP"} or one.get("use", "sig") != "sig":
        return None
    try:
        return JWKRegistry.import_key(one)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
