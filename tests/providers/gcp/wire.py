"""An HTTP client that answers from a table and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

from pullgrant.errors import Unavailable
from pullgrant.kit.http import Reply


class Wire:
    """Stands in for kit.http.Http. `says`: the beginning of an address -> status and body; anything else is out of reach."""

    def __init__(self, says: Mapping[str, tuple[int, Any]] | None = None) -> None:
        self.says = dict(says or {})
        self.asked: list[tuple[str, str, Mapping[str, str], bytes]] = []
        self._writing = threading.Lock()

    def ask(self, method: str, url: str, *, headers: Any = None, content: bytes | None = None, **_: Any) -> Reply:
        with self._writing:
            self.asked.append((method, url, dict(headers or {}), content or b""))
        for start, (status, body) in self.says.items():
            if url.startswith(start):
                text = body if isinstance(body, str) else json.dumps(body)
                sent = {"content-type": "application/json", "metadata-flavor": "Google"}
                return Reply(status=status, headers=sent, body=text.encode())
        raise Unavailable(f"{method} {url}: no connection")

    def to(self, start: str) -> list[tuple[str, str, Mapping[str, str], bytes]]:
        """Return what was asked of addresses that begin like this."""
        return [one for one in self.asked if one[1].startswith(start)]
