"""Signing in by the company's own provider (OpenID Connect Core 1.0, authorization code with PKCE, RFC 7636)."""
