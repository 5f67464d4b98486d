"""A text that must not be seen: it does not print, format, compare in the clear, pickle or encode."""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn

MASK = "***"


class Secret:
    """Holds a secret text; `reveal()` is the only way out and marks, by name, each place where it leaves."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself, for a request body, a child's standard input or a 0600 file; never for a message."""
        return self._text

    def fingerprint(self, key: bytes) -> str:
        """Return 16 hex digits of HMAC-SHA256 under `key`: equal secrets can be told, none can be guessed back."""
        return hmac.new(key, self._bytes(), hashlib.sha256).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._bytes(), other._bytes())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def _bytes(self) -> bytes:
        # An environment that is not UTF-8 gives half characters; refusing them would put the text into an error.
        return self._text.encode("utf-8", "surrogatepass")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled or copied to another process")
