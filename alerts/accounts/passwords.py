"""Passwords: Argon2id through argon2-cffi, with its defaults (RFC 9106's profile for little memory: 64 MiB, 3 passes)."""

import argon2

PASSWORD_CHARS_MIN, PASSWORD_CHARS_MAX = 12, 256
#: Verified where there is no such login or no password yet, so that the answer takes as long as for a real one.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5bm9ib2R5bm8$JtkZlZYkLPkpsqeYV4TnT5bYCzHPgsb8K2VYS6zG2vM"


class PasswordError(Exception):
    """A password is not good enough; `key` names the text that says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Passwords:
    """Hashes and checks. Slow on purpose: some 50 ms of a core and 64 MiB each."""

    def __init__(self, hasher: argon2.PasswordHasher | None = None) -> None:
        self._hasher = hasher or argon2.PasswordHasher()

    def hash(self, login: str, password: str) -> str:
        """The hash to keep.

        Raises:
            PasswordError: too short, too long, or the login itself. No rule asks for special characters (ASVS 6.2.5).
        """
        if len(password) < PASSWORD_CHARS_MIN:
            raise PasswordError("short")
        if len(password) > PASSWORD_CHARS_MAX:
            raise PasswordError("long")
        if login in password.lower() or len(set(password)) < 5:
            raise PasswordError("easy")
        return self._hasher.hash(password)

    def fits(self, password_hash: str | None, password: str) -> bool:
        """Whether a password is the one; without a hash never, after the same time."""
        try:
            self._hasher.verify(password_hash or _NOBODY, password[:PASSWORD_CHARS_MAX])
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
        return password_hash is not None

    def is_old(self, password_hash: str) -> bool:
        """Whether today's parameters would make another hash: it is renewed at the next login."""
        return self._hasher.check_needs_rehash(password_hash)
