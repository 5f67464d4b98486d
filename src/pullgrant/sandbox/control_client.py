"""The control API from another process: urllib only, never through a proxy."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, cast

from pullgrant.errors import Unavailable, UsageError
from pullgrant.sandbox.world import Call

_SECONDS = 10.0


class Control:
    """Steers the sandbox at `url`, its http://127.0.0.1:PORT.

    Every method raises Unavailable when no sandbox answers there and UsageError when it refuses the request.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ready(self) -> bool:
        """Return whether a sandbox answers."""
        try:
            return bool(self.ask("GET", "/sandbox/ready")["ready"])
        except Unavailable:
            return False

    def reset(self) -> None:
        """Return everything to the first day: the world, the clouds, the platforms and the pushed images."""
        self.ask("POST", "/sandbox/reset", {})

    def advance(self, seconds: float) -> None:
        """Move the world's clock forward."""
        self.ask("POST", "/sandbox/advance", {"seconds": seconds})

    def settle(self, *, reads: int = 0, seconds: float = 0.0) -> None:
        """Let changes made from now on be seen only after so many reads, or so many seconds of the world."""
        self.ask("POST", "/sandbox/settle", {"reads": reads, "seconds": seconds})

    def fail(self, kind: str, how: str | int, **more: Any) -> None:
        """Plan a fault; `more` are the other fields of world.Fault."""
        self.ask("POST", "/sandbox/fail", {"kind": kind, "how": str(how), **more})

    def latency(self, seconds: float) -> None:
        """Let every call of a fake take so much longer."""
        self.ask("POST", "/sandbox/latency", {"seconds": seconds})

    def delete_key(self, reader: str) -> None:
        """Delete all keys of a reader, as somebody else would."""
        self.ask("POST", "/sandbox/delete-key", {"reader": reader})

    def calls(self) -> tuple[Call, ...]:
        """Return all calls since the start or the last reset, oldest first."""
        return tuple(Call(**call) for call in self.ask("GET", "/sandbox/calls")["calls"])

    def platform(self, name: str) -> dict[str, Any]:
        """Return the state of a fake platform, {} when it has none yet."""
        return self.ask("GET", f"/platforms/{name}")

    def platform_pull(self, platform: str, image: str) -> dict[str, Any]:
        """Pull an image as a platform would, with the credential registered there: `pulled` says how it went."""
        return self.ask("POST", "/sandbox/platform-pull", {"platform": platform, "image": image})

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send one request and return its JSON answer."""
        sent = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self._url + path, data=sent, headers=headers, method=method)  # noqa: S310
        try:
            with self._opener.open(request, timeout=_SECONDS) as answer:
                return cast("dict[str, Any]", json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                words = error.read(600).decode("utf-8", "replace")
            raise UsageError(f"the sandbox answered {error.code} to {method} {path}: {words}") from None
        except (OSError, ValueError) as error:
            hint = "Start one with: invoke sandbox.up"
            raise Unavailable(f"no sandbox at {self._url} ({type(error).__name__})", hint=hint) from None
